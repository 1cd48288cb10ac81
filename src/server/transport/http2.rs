//! A server of HTTP/2 connections: one service per core, connections spread over the cores.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http2;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tower::BoxError;

use super::accept;
use super::balance::Balance;
use super::drain::{Drain, DrainOutcome, OpenConnection, OpenConnections, PhaseWatch};
use super::executor::{CoreExecutor, Watched};
use super::handshake::shake_hands;
use super::lifetime::{Jitter, drive};
use super::listen::{ListenAddress, Listener};
use super::receive::{ReceiveBounds, ReceiveBudget, RequestBody};
use super::settings::{Http2Settings, Lifetime};
use super::socket::Detached;
use super::stats::{ConnectionStats, CoreLoad};
use super::stream::Stream;
use super::threads::{Cores, NewConnection, StartError};
use super::tls::Tls;

/// How long the threads may take to end once no connection is open.
const STOP_PATIENCE: Duration = Duration::from_secs(1);

/// A running server. Dropping it cuts every connection; [`Http2Server::drain`] is the kind way.
#[derive(Debug)]
pub struct Http2Server {
    drain: Drain,
    cores: Arc<Cores>,
    accepting: Vec<JoinHandle<()>>,
    addresses: Vec<ListenAddress>,
    stats: Arc<ConnectionStats>,
}

/// What the connections of one core share.
struct CoreContext<S> {
    service: Arc<Receiving<S>>,
    builder: http2::Builder<CoreExecutor>,
    handshake_timeout: Duration,
    /// Nothing: connections are in plain text.
    tls: Option<Tls>,
    load: Arc<CoreLoad>,
    stats: Arc<ConnectionStats>,
    phase: PhaseWatch,
}

/// Calls a service with bodies that are bounded while they come in.
struct Receiving<S> {
    service: S,
    bounds: Arc<ReceiveBounds>,
}

/// Hands connections to cores.
struct Dispatcher {
    cores: Arc<Cores>,
    balance: Balance,
    open: Arc<OpenConnections>,
    stats: Arc<ConnectionStats>,
}

impl Http2Server {
    /// As [`Http2Server::start_with`], in plain text.
    ///
    /// # Errors
    ///
    /// A thread or its service could not be made.
    pub fn start<F, S, B>(
        listeners: Vec<Listener>,
        settings: &Http2Settings,
        factory: F,
    ) -> Result<Self, StartError>
    where
        F: Fn(usize) -> S + Send + Sync + 'static,
        S: Service<Request<RequestBody>, Response = Response<B>> + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        Self::start_with(listeners, None, settings, factory)
    }

    /// Accepts from the listeners on the current runtime, and serves on threads of its own; by TLS where there is any.
    ///
    /// `factory` is called once on each thread, with the core's index and within its runtime, so that a service may
    /// own what belongs to that thread.
    ///
    /// # Errors
    ///
    /// A thread or its service could not be made.
    pub fn start_with<F, S, B>(
        listeners: Vec<Listener>,
        tls: Option<Tls>,
        settings: &Http2Settings,
        factory: F,
    ) -> Result<Self, StartError>
    where
        F: Fn(usize) -> S + Send + Sync + 'static,
        S: Service<Request<RequestBody>, Response = Response<B>> + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let stats = Arc::new(ConnectionStats::with_cores(count_of_cores(settings)));
        let drain = Drain::new(settings.max_connections);
        let budget = Arc::new(ReceiveBudget::new(settings));
        let cores = Cores::start(&stats.cores, {
            let (settings, stats, phase) = (settings.clone(), Arc::clone(&stats), drain.watch());
            move |core, load| {
                let bounds = ReceiveBounds::new(Arc::clone(&budget), &settings, Arc::clone(&stats));
                let context = CoreContext {
                    service: Arc::new(Receiving { service: factory(core), bounds: Arc::new(bounds) }),
                    builder: builder(&settings, CoreExecutor(Arc::clone(&load))),
                    handshake_timeout: settings.handshake_timeout,
                    tls: tls.clone(),
                    load,
                    stats: Arc::clone(&stats),
                    phase: phase.clone(),
                };
                context.into_server(settings.lifetime.clone())
            }
        })?;
        let cores = Arc::new(cores);
        let addresses = listeners.iter().map(|listener| listener.address().clone()).collect();
        let dispatcher = Arc::new(Dispatcher::new(&cores, &drain, &stats));
        let accepting = listeners
            .into_iter()
            .map(|listener| tokio::spawn(Arc::clone(&dispatcher).accept(listener, drain.watch())))
            .collect();
        Ok(Self { drain, cores, accepting, addresses, stats })
    }

    /// Where it listens, in the order of the listeners.
    #[must_use]
    pub fn addresses(&self) -> &[ListenAddress] {
        &self.addresses
    }

    /// What its connections did so far.
    #[must_use]
    pub fn stats(&self) -> &Arc<ConnectionStats> {
        &self.stats
    }

    /// Stops accepting, asks every peer to leave (GOAWAY), and waits until all have, or until `deadline` from now.
    /// Calls that were started are answered if they end by then; what is left is dropped.
    pub async fn drain(self, deadline: Duration) -> DrainOutcome {
        let deadline = Instant::now() + deadline;
        let begun = self.drain.begin();
        for accepting in self.accepting {
            // It ends as soon as it sees the drain; a panic in it has been reported by then.
            let _ = accepting.await;
        }
        let outcome = self.drain.finish(begun, deadline).await;
        if let Some(cores) = Arc::into_inner(self.cores) {
            cores.stop(STOP_PATIENCE).await;
        }
        outcome
    }
}

impl Dispatcher {
    fn new(cores: &Arc<Cores>, drain: &Drain, stats: &Arc<ConnectionStats>) -> Self {
        Self {
            cores: Arc::clone(cores),
            balance: Balance::new(stats.cores.clone()),
            open: Arc::clone(drain.open()),
            stats: Arc::clone(stats),
        }
    }

    async fn accept(self: Arc<Self>, listener: Listener, phase: PhaseWatch) {
        accept::run(listener, &self.open, &self.stats, phase, |socket, open| self.dispatch(socket, open))
            .await;
    }

    /// Offers the connection to one core after the other, the least loaded first.
    fn dispatch(&self, socket: Detached, open: OpenConnection) {
        let mut offer = (socket, open);
        for core in self.balance.ranking() {
            let (socket, open) = offer;
            let share = self.stats.cores[core].share();
            match self.cores.hand_over(core, NewConnection { socket, open, share }) {
                Ok(()) => return self.balance.chosen(core),
                Err(refused) => offer = (refused.socket, refused.open),
            }
        }
        self.stats.refused.increment();
        tracing::error!("a connection was refused: no thread can take one");
    }
}

impl<S, B> CoreContext<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Send + Sync + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    /// Serves each connection that it is called with, in a task of its own.
    fn into_server(self, lifetime: Lifetime) -> impl FnMut(NewConnection) {
        let context = Arc::new(self);
        let mut jitter = Jitter::default();
        move |connection| {
            let load = Arc::clone(&context.load);
            let task = Arc::clone(&context).serve(connection, jitter.apply(&lifetime));
            tokio::spawn(Watched::new(task, load));
        }
    }

    async fn serve(self: Arc<Self>, connection: NewConnection, lifetime: Lifetime) {
        // Held to the end: this connection counts as open for as long as this task lives.
        let NewConnection { socket, open: _open, share: _share } = connection;
        let socket = match socket.attach() {
            Ok(socket) => socket,
            Err(error) => {
                tracing::debug!(%error, "a connection was gone before it was served");
                return self.stats.failed.increment();
            }
        };
        let until = Instant::now() + self.handshake_timeout;
        let stream = match &self.tls {
            None => Stream::Plain(socket),
            Some(tls) => match tls.accept(socket, until).await {
                Some(stream) => Stream::Secure(stream),
                None => return,
            },
        };
        match shake_hands(stream, until).await {
            Ok(stream) => {
                let connection =
                    self.builder.serve_connection(TokioIo::new(stream), Arc::clone(&self.service));
                let leave = http2::Connection::graceful_shutdown;
                drive(connection, leave, &lifetime, self.phase.clone(), &self.stats).await;
            }
            Err(fault) => self.stats.count_fault(fault),
        }
    }
}

impl<S: Service<Request<RequestBody>>> Service<Request<Incoming>> for Receiving<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        self.service.call(request.map(|incoming| RequestBody::new(incoming, Arc::clone(&self.bounds))))
    }
}

fn count_of_cores(settings: &Http2Settings) -> usize {
    // One thread serves too, where the system does not say how many it can run.
    settings.cores.map_or_else(|| available_parallelism().map_or(1, NonZeroUsize::get), NonZeroUsize::get)
}

fn builder(settings: &Http2Settings, executor: CoreExecutor) -> http2::Builder<CoreExecutor> {
    let mut builder = http2::Builder::new(executor);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(settings.max_concurrent_streams)
        .max_pending_accept_reset_streams(settings.max_pending_resets)
        .max_header_list_size(settings.max_header_list_bytes)
        // Nobody asks when a decision was made, and it would be formatted and sent with each.
        .auto_date_header(false)
        .keep_alive_interval(settings.keep_alive_interval)
        .keep_alive_timeout(settings.keep_alive_timeout);
    builder
}
