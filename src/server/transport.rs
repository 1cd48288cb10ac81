//! Connections: from a listening socket to a service that is called, and to the end of every connection.
//!
//! Knows nothing of rate limits: [`Http2Server`] is given a service per core, [`Http1Server`] one for all.
//!
//! ```text
//! listen → accept → balance → threads → tls → handshake → lifetime (serving → GOAWAY → ended or cut)
//! ```
//!
//! Everything here is bounded: connections by a cap, silence by deadlines, a connection's life by its
//! maximum age and grace, what unfinished calls hold by a budget and a deadline, and a drain by its deadline.

pub mod balance;
pub mod drain;
pub mod http1;
pub mod http2;
pub mod listen;
pub mod receive;
pub mod settings;
pub mod stats;
pub mod threads;
pub mod tls;

mod accept;
mod executor;
mod handshake;
mod lifetime;
mod socket;
mod stream;

#[cfg(test)]
mod tests;

pub use drain::DrainOutcome;
pub use http1::Http1Server;
pub use http2::Http2Server;
pub use listen::{BindOptions, ListenAddress, ListenError, Listener};
pub use receive::RequestBody;
pub use settings::{Http1Settings, Http2Settings, Lifetime};
pub use stats::ConnectionStats;
pub use threads::StartError;
pub use tls::Tls;
