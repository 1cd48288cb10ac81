//! One connection under load: its streams, the calls on them, and connecting again when it is lost.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use h2::client::SendRequest;
use http::{HeaderValue, Method, Request, Uri, Version, header};
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::answer::{CallError, Decision, read_decision, read_head, read_trailers};
use super::frame::{FrameTemplate, FrameWriter};
use super::keys::{KeySpace, Keys};
use super::phase::Phase;
use super::tally::Tally;
use super::target::{ConnectError, Target};

const METHOD_PATH: &str = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

/// Between attempts to connect again, so that a server that is gone does not keep a core busy.
const RECONNECT_PAUSE: Duration = Duration::from_millis(100);

/// What all connections have in common.
#[derive(Debug)]
pub struct Plan {
    /// Where to.
    pub target: Target,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// Streams on each connection.
    pub streams: usize,
    /// The requests' bytes.
    pub template: FrameTemplate,
    /// The key space.
    pub keys: KeySpace,
    /// The requests' HTTP head.
    pub head: Request<()>,
}

/// A connection of its own number, which also seeds its keys.
#[derive(Debug)]
pub struct Connection {
    plan: Arc<Plan>,
    number: u64,
    sender: Option<SendRequest<Bytes>>,
}

/// Where a stream reports to: the phase asks everyone to go on, the tally belongs to one thread.
#[derive(Debug, Clone)]
pub struct Run {
    /// Until when to send.
    pub phase: Arc<Phase>,
    /// What happened. Locked by one thread only, so never contended.
    pub tally: Arc<Mutex<Tally>>,
}

enum StreamEnd {
    PhaseOver,
    ConnectionLost,
}

/// The HTTP head of requests to `target`.
///
/// # Errors
///
/// When the target's name cannot stand in a URI.
pub fn request_head(target: &Target) -> Result<Request<()>, http::Error> {
    let uri =
        Uri::builder().scheme("http").authority(target.authority()).path_and_query(METHOD_PATH).build()?;
    Request::builder()
        .method(Method::POST)
        .version(Version::HTTP_2)
        .uri(uri)
        .header(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"))
        .header(header::TE, HeaderValue::from_static("trailers"))
        .body(())
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// See [`Target::connect`].
    pub async fn open(plan: Arc<Plan>, number: u64) -> Result<Self, ConnectError> {
        let sender = plan.target.connect(plan.connect_timeout).await?;
        Ok(Self { plan, number, sender: Some(sender) })
    }

    /// Sends requests on all streams until the phase is over and all are answered.
    pub async fn run(mut self, run: Run) -> Self {
        while let Some(sender) = self.take_sender(&run).await {
            if let StreamEnd::PhaseOver = self.run_streams(&sender, &run).await {
                self.sender = Some(sender);
                break;
            }
        }
        self
    }

    async fn take_sender(&mut self, run: &Run) -> Option<SendRequest<Bytes>> {
        if let Some(sender) = self.sender.take() {
            return Some(sender);
        }
        while !run.phase.is_over(Instant::now()) {
            match self.plan.target.connect(self.plan.connect_timeout).await {
                Ok(sender) => return Some(sender),
                Err(_) => run.tally.lock().fail(CallError::ConnectionRefused, 1),
            }
            tokio::time::sleep(RECONNECT_PAUSE).await;
        }
        None
    }

    async fn run_streams(&self, sender: &SendRequest<Bytes>, run: &Run) -> StreamEnd {
        let mut streams = JoinSet::new();
        for stream in 0..self.plan.streams {
            // Far apart, so that no two streams draw the same sequence of keys.
            let seed = (self.number << 32) | stream as u64;
            let frames = FrameWriter::new(self.plan.template.clone(), Keys::of(self.plan.keys, seed));
            streams.spawn(run_stream(sender.clone(), self.plan.head.clone(), frames, run.clone()));
        }
        let mut end = StreamEnd::PhaseOver;
        while let Some(joined) = streams.join_next().await {
            if let Ok(StreamEnd::ConnectionLost) = joined {
                end = StreamEnd::ConnectionLost;
            }
        }
        end
    }
}

async fn run_stream(
    mut sender: SendRequest<Bytes>,
    head: Request<()>,
    mut frames: FrameWriter,
    run: Run,
) -> StreamEnd {
    loop {
        if std::future::poll_fn(|context| sender.poll_ready(context)).await.is_err() {
            return StreamEnd::ConnectionLost;
        }
        let started = Instant::now();
        if !run.phase.admit(started) {
            return StreamEnd::PhaseOver;
        }
        run.tally.lock().send();
        let outcome = call(&mut sender, head.clone(), frames.next_frame()).await;
        run.tally.lock().end(outcome, started.elapsed());
        if outcome.is_err_and(CallError::ends_connection) {
            return StreamEnd::ConnectionLost;
        }
    }
}

async fn call(
    sender: &mut SendRequest<Bytes>,
    head: Request<()>,
    frame: Bytes,
) -> Result<Decision, CallError> {
    let (response, mut request) = sender.send_request(head, false)?;
    request.send_data(frame, true)?;
    let (head, mut body) = response.await?.into_parts();
    read_head(head.status, &head.headers)?;
    let message = read_message(&mut body).await?;
    // A failed call may have no message, so the trailers come first.
    read_trailers(&body.trailers().await?.ok_or(CallError::Malformed)?)?;
    read_decision(&message)
}

/// The whole body; nearly always one piece, which is then not copied.
async fn read_message(body: &mut RecvStream) -> Result<Bytes, CallError> {
    let mut message = Bytes::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        // Without this the connection's window would run dry.
        body.flow_control().release_capacity(piece.len())?;
        message = if message.is_empty() { piece } else { join(&message, &piece) };
    }
    Ok(message)
}

fn join(front: &[u8], back: &[u8]) -> Bytes {
    let mut joined = BytesMut::with_capacity(front.len() + back.len());
    joined.extend_from_slice(front);
    joined.extend_from_slice(back);
    joined.freeze()
}
