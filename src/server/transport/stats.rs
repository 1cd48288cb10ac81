//! What connections did, counted where it happens and read by whoever exposes it.
//!
//! Counters are relaxed atomics: each is right by itself, and no reader needs two of them to agree.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

/// What the connections of one server did since it started.
#[derive(Debug, Default)]
pub struct ConnectionStats {
    /// Connections taken from the listeners and served.
    pub accepted: Counter,
    /// Connections closed at once because `max_connections` were open, or no core could take one more.
    pub refused: Counter,
    /// Failures to accept, such as too few file descriptors.
    pub accept_failures: Counter,
    /// Connections that did not say in time that they speak HTTP/2.
    pub handshake_timeouts: Counter,
    /// Connections that spoke HTTP/1 to a port for HTTP/2.
    pub handshake_http1: Counter,
    /// Connections that spoke something else.
    pub handshake_garbage: Counter,
    /// Connections that ended within their first 24 bytes. Probes that only connect are among them.
    pub handshake_closed: Counter,
    /// Connections that ended with a protocol or I/O error, a peer that no longer answers included.
    pub failed: Counter,
    /// Connections that reached their maximum age and were asked to leave.
    pub aged: Counter,
    /// Of those, the ones that were dropped because their grace was over.
    pub cut_by_age: Counter,
    /// Connections that were dropped because the deadline of a drain was over.
    pub cut_by_drain: Counter,
    /// Calls that ended because unfinished calls held `max_buffered_bytes` (HTTP/2 only).
    pub over_budget: Counter,
    /// Calls that ended because they did not arrive within `receive_timeout` (HTTP/2 only).
    pub receive_timeouts: Counter,
    /// Requests that were not answered within their deadline (HTTP/1 only).
    pub request_timeouts: Counter,
    /// What each core carries; empty for a server that has none of its own.
    pub cores: Vec<Arc<CoreLoad>>,
}

/// Why a connection is not an HTTP/2 one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HandshakeFault {
    /// The peer did not say enough in time.
    TimedOut,
    /// The peer speaks HTTP/1.
    Http1,
    /// The peer speaks something else; TLS, perhaps.
    Garbage,
    /// The peer closed the connection, or it broke.
    Closed,
}

/// What one core carries. Each lies on cache lines of its own, because each is written by another core.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct CoreLoad {
    /// Calls that were started on it.
    pub requests: Counter,
    /// Tasks of connections and calls that panicked; the thread goes on.
    pub panics: Counter,
    open: AtomicUsize,
    requests_at_handover: AtomicU64,
}

/// One open connection in a core's load; gone when dropped.
#[derive(Debug)]
pub(crate) struct CoreShare(Arc<CoreLoad>);

impl Counter {
    /// One more.
    pub fn increment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl ConnectionStats {
    /// The stats of a server that serves on this many cores.
    #[must_use]
    pub fn with_cores(cores: usize) -> Self {
        Self { cores: (0..cores).map(|_| Arc::default()).collect(), ..Self::default() }
    }

    pub(crate) fn count_fault(&self, fault: HandshakeFault) {
        match fault {
            HandshakeFault::TimedOut => &self.handshake_timeouts,
            HandshakeFault::Http1 => &self.handshake_http1,
            HandshakeFault::Garbage => &self.handshake_garbage,
            HandshakeFault::Closed => &self.handshake_closed,
        }
        .increment();
    }
}

impl CoreLoad {
    /// Connections that are open on it.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(crate) fn share(self: &Arc<Self>) -> CoreShare {
        self.open.fetch_add(1, Ordering::Relaxed);
        CoreShare(Arc::clone(self))
    }

    /// Calls since a connection was last handed to any core.
    pub(crate) fn recent_requests(&self) -> u64 {
        self.requests.get().saturating_sub(self.requests_at_handover.load(Ordering::Relaxed))
    }

    pub(crate) fn mark_handover(&self) {
        self.requests_at_handover.store(self.requests.get(), Ordering::Relaxed);
    }
}

impl Drop for CoreShare {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}
