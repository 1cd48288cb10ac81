//! A server of HTTP/1 connections on the current runtime: for the pages that people, probes and scrapers read.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tower::ServiceExt;

use super::accept;
use super::drain::{Drain, DrainOutcome, OpenConnection, PhaseWatch};
use super::lifetime::{Jitter, drive};
use super::listen::{ListenAddress, Listener};
use super::settings::{Http1Settings, Lifetime};
use super::socket::Detached;
use super::stats::ConnectionStats;

/// A running server. Dropping it cuts every connection; [`Http1Server::drain`] is the kind way.
#[derive(Debug)]
pub struct Http1Server {
    drain: Drain,
    accepting: JoinHandle<()>,
    address: ListenAddress,
}

/// What its connections share.
struct Context {
    router: Router,
    builder: http1::Builder,
    request_timeout: Duration,
    stats: Arc<ConnectionStats>,
    phase: PhaseWatch,
}

impl Http1Server {
    /// Accepts and serves on the current runtime. What its connections do is counted in `stats`.
    #[must_use]
    pub fn start(
        listener: Listener,
        settings: &Http1Settings,
        stats: Arc<ConnectionStats>,
        router: Router,
    ) -> Self {
        let drain = Drain::new(settings.max_connections);
        let address = listener.address().clone();
        let context = Arc::new(Context {
            // Makes axum's clone for each request cheap.
            router: router.with_state(()),
            builder: builder(settings),
            request_timeout: settings.request_timeout,
            stats,
            phase: drain.watch(),
        });
        let open = Arc::clone(drain.open());
        let (lifetime, mut jitter) = (settings.lifetime.clone(), Jitter::default());
        let accepting = tokio::spawn(async move {
            let take = |socket, open| {
                tokio::spawn(Arc::clone(&context).serve(socket, open, jitter.apply(&lifetime)));
            };
            accept::run(listener, &open, &context.stats, context.phase.clone(), take).await;
        });
        Self { drain, accepting, address }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// Stops accepting, closes idle connections, answers what is asked already, and waits until all connections
    /// have ended, or until `deadline` from now; what is left is dropped.
    pub async fn drain(self, deadline: Duration) -> DrainOutcome {
        let deadline = Instant::now() + deadline;
        let begun = self.drain.begin();
        // It ends as soon as it sees the drain; a panic in it has been reported by then.
        let _ = self.accepting.await;
        self.drain.finish(begun, deadline).await
    }
}

impl Context {
    async fn serve(self: Arc<Self>, socket: Detached, _open: OpenConnection, lifetime: Lifetime) {
        let socket = match socket.attach() {
            Ok(socket) => socket,
            Err(error) => {
                tracing::debug!(%error, "a connection was gone before it was served");
                return self.stats.failed.increment();
            }
        };
        let service = service_fn(|request| self.answer(request));
        let connection = self.builder.serve_connection(TokioIo::new(socket), service);
        let leave = http1::Connection::graceful_shutdown;
        drive(connection, leave, &lifetime, self.phase.clone(), &self.stats).await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let answer = self.router.clone().oneshot(request.map(Body::new));
        if let Ok(answer) = timeout(self.request_timeout, answer).await {
            return answer;
        }
        self.stats.request_timeouts.increment();
        let mut late = Response::new(Body::from("the request took too long\n"));
        *late.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        Ok(late)
    }
}

fn builder(settings: &Http1Settings) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(settings.header_read_timeout)
        .max_header_size(settings.max_header_bytes)
        // A peer that closes its writing side after the request, as nc does, still gets the answer.
        .half_close(true);
    builder
}
