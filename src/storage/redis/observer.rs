//! What a link tells of itself while it works: for breakers, metrics and the shard's time.

use std::net::SocketAddr;
use std::time::Duration;

use crate::storage::redis::failure::Failure;
use crate::storage::redis::shard_time::ShardTime;

/// Hears what happens on a link. Called on the link's own task: it must not wait.
pub trait Observer: Send + Sync + 'static {
    /// A connection was made.
    fn connected(&self) {}

    /// A connection was lost or could not be made.
    fn disconnected(&self, _failure: &Failure) {}

    /// The server's name has another address, to which the link will connect next.
    fn renamed(&self, _to: SocketAddr) {}

    /// The server's clock was read: in each connection's handshake, about every second after, and by probes.
    fn time_read(&self, _time: ShardTime) {}

    /// A flight came back and orders in it were counted.
    fn landed(&self, _landed: FlightReport) {}

    /// So many orders or probes, one at least, were answered with this failure.
    fn failed(&self, _failure: &Failure, _orders: usize) {}

    /// The server did not have a script, which was sent again with its text.
    fn script_missing(&self) {}
}

/// A flight, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlightReport {
    /// Orders that were answered by it.
    pub orders: usize,
    /// Counters that it named.
    pub keys: usize,
    /// Script calls that it took.
    pub calls: usize,
    /// From the launch to the last answer.
    pub duration: Duration,
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deaf;

impl Observer for Deaf {}
