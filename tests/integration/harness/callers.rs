//! Callers that hold one connection and do not stop until the server says that it goes away, so that nothing may be lost.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Ask;
use super::raw_grpc::{SHOULD_RATE_LIMIT, frame};

/// Any body of a call.
pub(crate) type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, std::convert::Infallible>;

/// What became of a caller's calls.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) answered: usize,
    /// How each failed that was not answered.
    pub(crate) lost: Vec<String>,
}

/// Speaks HTTP/2 on an open connection.
pub(crate) async fn connect<S>(stream: S) -> SendRequest<Body>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// A call with this body.
pub(crate) fn request(body: Body) -> Request<Body> {
    Request::post(format!("http://test{SHOULD_RATE_LIMIT}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(body)
        .unwrap()
}

/// Calls again and again on one connection, with this pause between, until the server says that it goes away.
///
/// A call that the server did not take, because it came after the GOAWAY, is not lost: the client knows that it
/// may send it elsewhere.
pub(crate) async fn call_until_told_to_go(
    mut connection: SendRequest<Body>,
    ask: Ask,
    pause: Duration,
) -> Outcome {
    let message = ask.request().encode_to_vec();
    let mut outcome = Outcome::default();
    while connection.ready().await.is_ok() {
        let call = request(Full::new(frame(&message)).boxed_unsync());
        match connection.try_send_request(call).await {
            Ok(response) => match response.into_body().collect().await {
                Ok(body) if body.trailers().is_some_and(|trailers| trailers["grpc-status"] == "0") => {
                    outcome.answered += 1;
                }
                other => outcome.lost.push(format!("{other:?}")),
            },
            Err(mut error) => {
                if error.take_message().is_none() && !refused(error.error()) {
                    outcome.lost.push(error.into_error().to_string());
                }
            }
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
    outcome
}

/// Whether the server said that it did not begin this call.
fn refused(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<h2::Error>());
    source.is_some_and(|error| error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM))
}
