//! A breaker that all threads share: changes go through a lock, what every request asks is one atomic load.

use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::Mutex;

use crate::storage::breaker::reason::FailureReason;
use crate::storage::breaker::{Breaker, BreakerSettings, BreakerState, Jitter, Transition, Uptime};

/// Closed, and the last request was answered.
const CLEAN: u8 = 0;
/// Closed, with failures that the next success has to clear.
const FAILING: u8 = 1;
/// Open or half-open.
const AWAY: u8 = 2;

/// A breaker behind a lock, with a summary of its state beside it.
///
/// The summary is written under the lock and read without: a request may see it a moment late, as if it had come a moment
/// earlier.
#[derive(Debug)]
pub struct SharedBreaker {
    breaker: Mutex<Breaker>,
    summary: AtomicU8,
}

impl SharedBreaker {
    /// A breaker that is closed.
    #[must_use]
    pub fn new(settings: BreakerSettings) -> Self {
        Self { breaker: Mutex::new(Breaker::new(settings)), summary: AtomicU8::new(CLEAN) }
    }

    /// Whether the shard is to be asked. Takes no lock.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.summary.load(Ordering::Relaxed) != AWAY
    }

    /// See [`Breaker::on_success`]. Takes the lock only after a failure.
    pub fn on_success(&self) {
        if self.summary.load(Ordering::Relaxed) == FAILING {
            self.change(Breaker::on_success);
        }
    }

    /// See [`Breaker::on_failure`].
    pub fn on_failure(&self, reason: FailureReason, now: Uptime, jitter: Jitter) -> Option<Transition> {
        self.change(|breaker| breaker.on_failure(reason, now, jitter))
    }

    /// See [`Breaker::hold`].
    pub fn hold(&self, now: Uptime) -> Option<Transition> {
        self.change(|breaker| breaker.hold(now))
    }

    /// See [`Breaker::may_probe`]. Takes no lock while it is closed.
    pub fn may_probe(&self, now: Uptime) -> Option<Transition> {
        if self.is_closed() { None } else { self.change(|breaker| breaker.may_probe(now)) }
    }

    /// See [`Breaker::probe_succeeded`].
    pub fn probe_succeeded(&self, now: Uptime) -> Option<Transition> {
        self.change(|breaker| breaker.probe_succeeded(now))
    }

    /// See [`Breaker::probe_failed`].
    pub fn probe_failed(&self, reason: FailureReason, now: Uptime, jitter: Jitter) -> Option<Transition> {
        self.change(|breaker| breaker.probe_failed(reason, now, jitter))
    }

    /// The breaker as it is now, for metrics and the admin page.
    #[must_use]
    pub fn snapshot(&self) -> Breaker {
        *self.breaker.lock()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut breaker = self.breaker.lock();
        let changed = change(&mut breaker);
        let summary = match breaker.state() {
            BreakerState::Closed { failures: 0 } => CLEAN,
            BreakerState::Closed { .. } => FAILING,
            BreakerState::Open { .. } | BreakerState::HalfOpen { .. } => AWAY,
        };
        self.summary.store(summary, Ordering::Relaxed);
        changed
    }
}
