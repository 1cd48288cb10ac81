//! A log with hits of a request that is not decided yet.

use crate::decision::limit::Limit;
use crate::decision::meter::Meter;
use crate::decision::sliding_log::{MOST_HITS, SlidingLog};
use crate::decision::time::Timestamp;

/// Hits to take from a log and to give back to it, the latest first. What is given back was there before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogChange {
    pub(super) given: u64,
    pub(super) taken: u64,
}

/// A log as it would be with a change, so that a request can be judged before anything is written, and without a copy of all hits.
/// It is made of one that is in the present.
#[derive(Debug)]
pub struct ChangedLog<'l> {
    log: &'l SlidingLog,
    change: LogChange,
}

impl Meter for ChangedLog<'_> {
    fn advance(&mut self, _limit: Limit, _now: Timestamp) {}

    fn used(&self, _limit: Limit, _now: Timestamp) -> u64 {
        self.left() + self.change.taken
    }

    fn take(&mut self, limit: Limit, hits: u64, now: Timestamp) {
        self.change.taken += hits.min(MOST_HITS.saturating_sub(self.used(limit, now)));
    }

    fn give_back(&mut self, _limit: Limit, hits: u64, _now: Timestamp) {
        let taken = hits.min(self.change.taken);
        self.change.taken -= taken;
        self.change.given += (hits - taken).min(self.left());
    }

    fn fits_at(&self, limit: Limit, hits: u64, now: Timestamp) -> Option<Timestamp> {
        let room = limit.capacity().checked_sub(hits)?;
        Some(self.forgotten_at(self.used(limit, now).saturating_sub(room), limit, now))
    }

    fn empty_at(&self, limit: Limit, now: Timestamp) -> Timestamp {
        self.forgotten_at(self.used(limit, now), limit, now)
    }
}

impl<'l> ChangedLog<'l> {
    /// The log with this change.
    #[must_use]
    pub fn new(log: &'l SlidingLog, change: LogChange) -> Self {
        Self { log, change }
    }

    /// The change, with all that was done since.
    #[must_use]
    pub fn change(&self) -> LogChange {
        self.change
    }

    /// Hits of the log that stay.
    fn left(&self) -> u64 {
        self.log.total - self.change.given
    }

    /// When so many hits are forgotten, the oldest first.
    fn forgotten_at(&self, hits: u64, limit: Limit, now: Timestamp) -> Timestamp {
        if hits == 0 {
            return now;
        }
        let newest =
            || self.log.last_of(self.left()).map_or(now.millis(), |newest| newest.at.max(now.millis()));
        let last = if hits <= self.left() { self.log.last_of(hits).map(|last| last.at) } else { None };
        Timestamp::from_millis(last.unwrap_or_else(newest)).after(limit.period.duration())
    }
}
