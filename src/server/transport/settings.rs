//! What can be set about connections. The defaults are those of `config/ratekeeper.yaml`.

use std::num::NonZeroUsize;
use std::time::Duration;

/// How long a connection may live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifetime {
    /// After this time, up to a tenth more or less, the peer is asked to leave (GOAWAY, or `connection: close`).
    /// None: a connection may live for ever.
    pub max_age: Option<Duration>,
    /// How long calls that were running then may go on before the connection is dropped.
    pub grace: Duration,
}

impl Default for Lifetime {
    fn default() -> Self {
        Self { max_age: Some(Duration::from_secs(30 * 60)), grace: Duration::from_secs(30) }
    }
}

/// How HTTP/2 connections are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http2Settings {
    /// How many threads serve connections; None: as many as there are cores.
    pub cores: Option<NonZeroUsize>,
    /// Open connections at most; one more is closed as soon as it is accepted.
    pub max_connections: usize,
    /// How long a new connection may take to say that it speaks HTTP/2.
    pub handshake_timeout: Duration,
    /// Calls at once on a connection; one more is refused with REFUSED_STREAM.
    pub max_concurrent_streams: u32,
    /// Calls that a peer has reset before we looked at them; one more ends the connection, as it looks like an attack
    /// by rapid resets. It must not be small: a proxy resets every call that timed out, so a pause of this process
    /// (a throttled container) makes many of them at once, and they are no attack.
    pub max_pending_resets: usize,
    /// The size of a call's headers in bytes, as HTTP/2 counts it; more is refused with 431, much more ends the connection.
    /// It must be above what a proxy takes from its users (Envoy: 60 KiB), because tracers pass on what users send
    /// (`tracestate`), and no user may bring a call to fail.
    pub max_header_list_bytes: u32,
    /// What calls that are not complete yet may hold in memory, all connections together, beyond the first
    /// [16 KiB](super::receive::FREE_BYTES) of each; a call beyond that ends with RESOURCE_EXHAUSTED.
    pub max_buffered_bytes: usize,
    /// How long a call that is larger than these 16 KiB may take to arrive; it then ends with DEADLINE_EXCEEDED.
    pub receive_timeout: Duration,
    /// How often a peer is asked whether it is still there; None: never.
    pub keep_alive_interval: Option<Duration>,
    /// How long a peer may take to say that it is still there.
    pub keep_alive_timeout: Duration,
    /// How long a connection may live.
    pub lifetime: Lifetime,
}

impl Default for Http2Settings {
    fn default() -> Self {
        Self {
            cores: None,
            max_connections: 10_000,
            handshake_timeout: Duration::from_secs(10),
            max_concurrent_streams: 1024,
            max_pending_resets: 1024,
            max_header_list_bytes: 96 * 1024,
            max_buffered_bytes: 64 * 1024 * 1024,
            receive_timeout: Duration::from_secs(10),
            keep_alive_interval: Some(Duration::from_secs(30)),
            keep_alive_timeout: Duration::from_secs(10),
            lifetime: Lifetime::default(),
        }
    }
}

/// How HTTP/1 connections are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http1Settings {
    /// Open connections at most; one more is closed as soon as it is accepted.
    pub max_connections: usize,
    /// How long a peer may take to send a request's head, and how long a connection may idle between requests.
    pub header_read_timeout: Duration,
    /// How long a request may take from its head to its answer; afterwards it is answered with 503.
    pub request_timeout: Duration,
    /// The size of a request's head in bytes.
    pub max_header_bytes: usize,
    /// How long a connection may live.
    pub lifetime: Lifetime,
}

impl Default for Http1Settings {
    fn default() -> Self {
        Self {
            max_connections: 1_000,
            header_read_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(10),
            max_header_bytes: 16 * 1024,
            lifetime: Lifetime { max_age: Some(Duration::from_secs(5 * 60)), grace: Duration::from_secs(10) },
        }
    }
}
