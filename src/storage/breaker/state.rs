//! What a breaker can be, and what is told of its changes.

use crate::storage::breaker::Uptime;

/// What a breaker does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// The shard is asked.
    Closed {
        /// Failures in a row.
        failures: u32,
    },
    /// The shard is not asked.
    Open {
        /// When it may be probed.
        until: Uptime,
    },
    /// A probe is under way; the shard is not asked for anything else.
    HalfOpen {
        /// When a probe of which nobody heard again counts as lost.
        lost_after: Uptime,
    },
}

impl BreakerState {
    /// The state's name in metrics, logs and the admin page.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen { .. } => "half_open",
        }
    }
}

/// A change of state, to be logged by whoever caused it: one line per change, not per request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a change of state is to be logged"]
pub struct Transition {
    /// The state before.
    pub from: BreakerState,
    /// The state after.
    pub to: BreakerState,
}

/// How often a breaker has changed into each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TransitionCounts {
    /// Into closed.
    pub closed: u64,
    /// Into open.
    pub open: u64,
    /// Into half-open.
    pub half_open: u64,
}

impl TransitionCounts {
    /// Every state's name with its count.
    #[must_use]
    pub const fn by_state(self) -> [(&'static str, u64); 3] {
        [("closed", self.closed), ("open", self.open), ("half_open", self.half_open)]
    }
}
