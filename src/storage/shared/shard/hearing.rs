//! What a shard's links tell of it: for its breaker, its clock and its figures.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Shard, add};
use crate::storage::breaker::reason::FailureReason;
use crate::storage::redis::failure::Failure;
use crate::storage::redis::observer::{CallReport, FlightReport, Observer};
use crate::storage::redis::shard_time::ShardTime;

/// Hears what happens on one link to the shard.
#[derive(Debug)]
pub(super) struct Hearing {
    shard: Arc<Shard>,
    connected: AtomicBool,
}

impl Hearing {
    /// Nothing heard yet of this shard.
    pub(super) fn of(shard: &Arc<Shard>) -> Self {
        Self { shard: Arc::clone(shard), connected: AtomicBool::new(false) }
    }
}

impl Observer for Hearing {
    fn connected(&self) {
        self.connected.store(true, Ordering::Relaxed);
        self.shard.unreachable.store(None);
    }

    /// A connection that somebody closed is replaced, and tells nothing of the shard; one that cannot be made does.
    fn disconnected(&self, failure: &Failure) {
        if !self.connected.swap(false, Ordering::Relaxed) {
            self.shard.unreachable.store(Some(Arc::new(failure.clone())));
            self.failed(failure, 0);
        }
    }

    /// Every link to the shard notices by itself; one line is enough.
    fn renamed(&self, to: SocketAddr) {
        let known = self.shard.renamed.swap(Some(Arc::new(to)));
        if known.is_none_or(|known| *known != to) {
            let shard = self.shard.name();
            tracing::info!(%shard, %to, "the shard's name has another address now: connections move there");
        }
    }

    fn time_read(&self, time: ShardTime) {
        let known = self.shard.time.load();
        if known.as_deref().is_none_or(|known| time.is_worth_more_than(known)) {
            self.shard.time.store(Some(Arc::new(time)));
            self.shard.group.note_time(time);
        }
    }

    fn launched(&self) {
        self.shard.figures.flights.fetch_add(1, Ordering::Relaxed);
    }

    fn ended(&self, flights: usize) {
        self.shard.figures.flights.fetch_sub(flights, Ordering::Relaxed);
    }

    fn called(&self, call: CallReport) {
        self.shard.figures.calls_made.note(call);
    }

    fn landed(&self, landed: FlightReport) {
        self.shard.breaker.on_success();
        add(&self.shard.figures.answered, landed.orders);
        add(&self.shard.figures.calls, landed.calls);
    }

    fn failed(&self, failure: &Failure, orders: usize) {
        let shard = &self.shard;
        if failure.is_redirect() && shard.group.redirects() {
            return;
        }
        add(&shard.figures.failed, orders);
        if matches!(failure, Failure::ReadOnly | Failure::MasterDown | Failure::ClusterDown(_)) {
            // Another server has become the master, or is about to.
            shard.group.doubt();
        }
        let failure = &shard.cause(failure);
        let Some(reason) = shard.reason(failure) else { return };
        shard.tell(shard.breaker.on_failure(reason, shard.uptime(), shard.jitter()), failure);
    }
}

impl Shard {
    /// What stands behind a failure: who waited in vain for a connection knows only that time was over.
    pub(in crate::storage::shared) fn cause(&self, failure: &Failure) -> Failure {
        let unreachable = (*failure == Failure::Timeout).then(|| self.unreachable.load_full()).flatten();
        unreachable.map_or_else(|| failure.clone(), Arc::unwrap_or_clone)
    }

    /// What a failure tells of the shard; nothing where it tells of us, of one key or of one slot.
    pub(in crate::storage::shared) fn reason(&self, failure: &Failure) -> Option<FailureReason> {
        Some(match failure {
            Failure::Timeout => FailureReason::Timeout,
            Failure::Io(_) => FailureReason::Disconnected,
            Failure::Loading => FailureReason::Loading,
            Failure::Oom => FailureReason::OutOfMemory,
            Failure::MasterDown => FailureReason::MasterDown,
            Failure::ReadOnly => FailureReason::ReadOnly,
            Failure::NoAuth(_) | Failure::NoPerm(_) => FailureReason::Unauthorized,
            Failure::ClusterDown(_) => FailureReason::ClusterDown,
            Failure::Refused(_) | Failure::Other(_) => FailureReason::UnexpectedReply,
            // A node of a Cluster, where the settings know of none.
            Failure::Moved(_) | Failure::Ask(_) | Failure::TryAgain if !self.group.redirects() => {
                FailureReason::UnexpectedReply
            }
            Failure::Moved(_) | Failure::Ask(_) | Failure::TryAgain => return None,
            Failure::NoScript | Failure::Overloaded | Failure::Closed => return None,
        })
    }
}
