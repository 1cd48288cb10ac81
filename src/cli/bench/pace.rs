//! What makes the next request go out: an answer, or its time.

use tokio::time::Instant;

use super::phase::Phase;
use super::schedule::Schedule;

/// A connection's pace in one phase.
#[derive(Debug)]
pub enum Pace {
    /// Each stream sends when it has been answered.
    Closed,
    /// Requests are due at their time.
    Open(Schedule),
}

impl Pace {
    /// Since when the next request counts, if it may go out now.
    pub fn take(&mut self, phase: &Phase, now: Instant) -> Option<Instant> {
        match self {
            Pace::Closed => phase.admit(now).then_some(now),
            Pace::Open(_) if self.is_over(phase, now) => None,
            Pace::Open(schedule) => schedule.take_due(now),
        }
    }

    /// Whether no more requests go out.
    #[must_use]
    pub fn is_over(&self, phase: &Phase, now: Instant) -> bool {
        match self {
            Pace::Closed => phase.is_over(now),
            Pace::Open(schedule) => phase.interrupted() || schedule.is_over(now),
        }
    }

    /// When the next request is due, where there is one that does not wait for an answer.
    #[must_use]
    pub fn next_due(&self, phase: &Phase, now: Instant) -> Option<Instant> {
        match self {
            Pace::Closed => None,
            Pace::Open(_) if self.is_over(phase, now) => None,
            Pace::Open(schedule) => schedule.next_due(),
        }
    }

    /// How many requests are left to fall due.
    #[must_use]
    pub fn left(&self) -> u64 {
        match self {
            Pace::Closed => 0,
            Pace::Open(schedule) => schedule.left(),
        }
    }
}
