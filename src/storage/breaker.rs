//! A circuit breaker for one shard: after some failures in a row nobody waits for the shard any more, until a probe that
//! carries no user's request has found it well again.
//!
//! A pure state machine. Time is a parameter, given as the time since the process started; nobody's clock is read here.
//! What moves it:
//!
//! | from | by | to |
//! |---|---|---|
//! | closed | [`BreakerSettings::failures`] failures in a row, or [`Breaker::hold`] | open |
//! | open | [`Breaker::may_probe`], once the backoff has passed | half-open |
//! | half-open | the probe succeeded | closed |
//! | half-open | the probe failed | open, for twice as long |
//! | half-open | [`Breaker::may_probe`], where nobody has told how the probe ended for as long as the longest backoff | half-open |
//!
//! A store that flaps (it answers the probe, then fails again) does not make the breaker flap: closing keeps the backoff,
//! and opening again doubles it as a failed probe does. Only time spent closed lowers it: it halves for every calm period
//! (twice the last backoff, at least [`CALM`]). So a store that fails again and again is asked ever less often, down to one
//! trial per longest backoff, and one that has been well for minutes gets the short first backoff again.

pub mod reason;
pub mod shared;

mod jitter;
mod state;

#[cfg(test)]
mod tests;

use std::num::NonZeroU32;
use std::time::Duration;

pub use crate::storage::breaker::jitter::Jitter;
use crate::storage::breaker::reason::{FailureCounts, FailureReason};
pub use crate::storage::breaker::state::{BreakerState, Transition, TransitionCounts};

/// The least time that the breaker must have been closed before its backoff gets shorter.
pub const CALM: Duration = Duration::from_secs(10);

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct BreakerSettings {
    /// So many failures in a row open it.
    pub failures: NonZeroU32,
    /// How long it stays open at first.
    pub backoff: Duration,
    /// How long it stays open at the most.
    pub max_backoff: Duration,
}

/// The time since the process started.
pub type Uptime = Duration;

/// The circuit breaker of one shard.
#[derive(Debug, Clone, Copy)]
pub struct Breaker {
    settings: BreakerSettings,
    state: BreakerState,
    /// How long it was open last, before jitter; nothing, where it never was.
    backoff: Option<Duration>,
    /// Since when it is closed; while it is not, since when it was.
    closed_since: Uptime,
    /// When it left closed last.
    away_since: Uptime,
    last_failure: Option<FailureReason>,
    failures: FailureCounts,
    counts: TransitionCounts,
}

impl Breaker {
    /// A breaker that is closed.
    #[must_use]
    pub fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            state: BreakerState::Closed { failures: 0 },
            backoff: None,
            closed_since: Uptime::ZERO,
            away_since: Uptime::ZERO,
            last_failure: None,
            failures: FailureCounts::default(),
            counts: TransitionCounts::default(),
        }
    }

    /// What it does at the moment.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        self.state
    }

    /// Why the shard failed last, be it a request or a probe.
    #[must_use]
    pub fn last_failure(&self) -> Option<FailureReason> {
        self.last_failure
    }

    /// How often the shard failed for each reason. Requests that were under way when it opened are left out.
    #[must_use]
    pub fn failures(&self) -> FailureCounts {
        self.failures
    }

    /// Since when the shard is asked, or is not; probes in between change nothing.
    #[must_use]
    pub fn since(&self) -> Uptime {
        match self.state {
            BreakerState::Closed { .. } => self.closed_since,
            BreakerState::Open { .. } | BreakerState::HalfOpen { .. } => self.away_since,
        }
    }

    /// How often it has changed into each state.
    #[must_use]
    pub fn transitions(&self) -> TransitionCounts {
        self.counts
    }

    /// A request was answered. While it is not closed this is an answer from before, and only the probe decides.
    pub fn on_success(&mut self) {
        match &mut self.state {
            BreakerState::Closed { failures } => *failures = 0,
            BreakerState::Open { .. } | BreakerState::HalfOpen { .. } => {}
        }
    }

    /// A request failed. While it is not closed the request was sent before, and tells nothing new.
    pub fn on_failure(&mut self, reason: FailureReason, now: Uptime, jitter: Jitter) -> Option<Transition> {
        match &mut self.state {
            BreakerState::Closed { failures } => {
                *failures = failures.saturating_add(1);
                let too_many = *failures >= self.settings.failures.get();
                self.note(reason);
                too_many.then(|| self.open_again(now, jitter))
            }
            BreakerState::Open { .. } | BreakerState::HalfOpen { .. } => None,
        }
    }

    /// Opens a closed breaker without a failure, ready to be probed at once: the shard is there, but must be told something first.
    pub fn hold(&mut self, now: Uptime) -> Option<Transition> {
        match self.state {
            BreakerState::Closed { .. } => Some(self.become_state(BreakerState::Open { until: now })),
            BreakerState::Open { .. } | BreakerState::HalfOpen { .. } => None,
        }
    }

    /// Whether the caller has to probe the shard now. Says so to one caller only, and becomes half-open; the caller must
    /// then tell how the probe ended.
    pub fn may_probe(&mut self, now: Uptime) -> Option<Transition> {
        match self.state {
            BreakerState::Open { until: ripe } | BreakerState::HalfOpen { lost_after: ripe }
                if now >= ripe =>
            {
                let lost_after = now.saturating_add(self.settings.max_backoff);
                Some(self.become_state(BreakerState::HalfOpen { lost_after }))
            }
            BreakerState::Closed { .. } | BreakerState::Open { .. } | BreakerState::HalfOpen { .. } => None,
        }
    }

    /// The probe found the shard well, and what was admitted meanwhile is settled as far as the caller wants it to be.
    pub fn probe_succeeded(&mut self, now: Uptime) -> Option<Transition> {
        match self.state {
            BreakerState::HalfOpen { .. } => {
                self.closed_since = now;
                Some(self.become_state(BreakerState::Closed { failures: 0 }))
            }
            BreakerState::Closed { .. } | BreakerState::Open { .. } => None,
        }
    }

    /// The probe found the shard as bad as before.
    pub fn probe_failed(&mut self, reason: FailureReason, now: Uptime, jitter: Jitter) -> Option<Transition> {
        match self.state {
            BreakerState::HalfOpen { .. } => {
                self.note(reason);
                let backoff = self.backoff.map_or(self.settings.backoff, |last| last.saturating_mul(2));
                Some(self.open(backoff, now, jitter))
            }
            BreakerState::Closed { .. } | BreakerState::Open { .. } => None,
        }
    }

    fn note(&mut self, reason: FailureReason) {
        self.last_failure = Some(reason);
        self.failures.add(reason);
    }

    /// From closed to open: for longer than the last time, or less long for every calm period in between.
    fn open_again(&mut self, now: Uptime, jitter: Jitter) -> Transition {
        let backoff = match self.backoff {
            None => self.settings.backoff,
            Some(last) => {
                let calm_period = last.saturating_mul(2).max(CALM);
                let closed_for = now.saturating_sub(self.closed_since);
                match closed_for.as_nanos() / calm_period.as_nanos() {
                    0 => last.saturating_mul(2),
                    periods => last / (1 << periods.min(31)),
                }
            }
        };
        self.away_since = now;
        self.open(backoff, now, jitter)
    }

    fn open(&mut self, backoff: Duration, now: Uptime, jitter: Jitter) -> Transition {
        let backoff = backoff.max(self.settings.backoff).min(self.settings.max_backoff);
        self.backoff = Some(backoff);
        self.become_state(BreakerState::Open { until: now.saturating_add(jitter.of(backoff)) })
    }

    fn become_state(&mut self, to: BreakerState) -> Transition {
        match to {
            BreakerState::Closed { .. } => self.counts.closed += 1,
            BreakerState::Open { .. } => self.counts.open += 1,
            BreakerState::HalfOpen { .. } => self.counts.half_open += 1,
        }
        Transition { from: std::mem::replace(&mut self.state, to), to }
    }
}
