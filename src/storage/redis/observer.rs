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

    /// A flight was sent.
    fn launched(&self) {}

    /// Flights are no longer under way, whether they came back or not.
    fn ended(&self, _flights: usize) {}

    /// A script call is over, one way or another. Those that are made again with the script's text are not told of.
    fn called(&self, _call: CallReport) {}

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

/// A script call, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallReport {
    /// Orders that it carried; none where it settled, or gave back.
    pub orders: usize,
    /// What became of it.
    pub end: CallEnd,
    /// From the launch of its flight to its end.
    pub duration: Duration,
}

/// What became of a script call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallEnd {
    /// It was answered while somebody waited.
    Answered,
    /// It was answered when nobody waited any more, or never, until the connection was given up for that.
    Late,
    /// The server sent it to another one, or asked to come again.
    Redirected,
    /// The server answered with another error.
    Failed,
    /// The connection broke before there was an answer.
    Lost,
}

impl CallEnd {
    /// Every end's name, in their order.
    pub const NAMES: [&str; 5] = ["ok", "timeout", "redirected", "failed", "lost"];

    /// Its place in [`CallEnd::NAMES`], by which it is counted.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// How a call that was answered with an error ended.
    pub(super) fn of_error(failure: &Failure) -> Self {
        if failure.is_redirect() { Self::Redirected } else { Self::Failed }
    }

    /// How a call that was not answered ended.
    pub(super) fn of_silence(failure: &Failure) -> Self {
        if *failure == Failure::Timeout { Self::Late } else { Self::Lost }
    }
}
