//! The sliding window, by two counters: hits of the window before count by the part of it that lies within one period from now.
//!
//! It takes the hits of the window before for evenly spread over it. Where they came late, it forgets them too early, and where they came
//! early, it holds them for too long. What it promises is this: within any time t, no more than limit × (1 + t / period) pass. So never more
//! than the limit at once, at a window's boundary neither, but nearly twice as much within one whole period, if all of a limit comes
//! at the end of a window and as much again evenly in the next. `state/tests/bursts.rs` holds the promise and finds both extremes.
//! Weights are rounded against the caller, by less than one hit and, where time is counted in seconds, by less than a second of time.
//! [`sliding_log`](super::sliding_log) never lets more than the limit pass within a period, and holds every hit for it.

use crate::decision::limit::Limit;
use crate::decision::meter::Meter;
use crate::decision::ticks::Ticks;
use crate::decision::time::{MAX_AHEAD, Timestamp};

/// What one counter holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SlidingWindow {
    /// When the window started: seconds since the epoch, a multiple of the period.
    pub start: u64,
    /// Hits in the window before it.
    pub previous: u64,
    /// Hits in it.
    pub current: u64,
}

impl Meter for SlidingWindow {
    fn advance(&mut self, limit: Limit, now: Timestamp) {
        let length = u64::from(limit.period.seconds());
        let start = now.secs() / length * length;
        let ahead = start..=now.secs().saturating_add(MAX_AHEAD);
        if ahead.contains(&self.start) && (self.previous, self.current) != (0, 0) {
            return;
        }
        let previous = if self.start.saturating_add(length) == start { self.current } else { 0 };
        *self = Self { start, previous, current: 0 };
    }

    fn used(&self, limit: Limit, now: Timestamp) -> u64 {
        let weight = self.ticks_left(limit, now);
        self.current + self.previous.saturating_mul(weight).div_ceil(limit.ticks().per_period())
    }

    fn take(&mut self, limit: Limit, hits: u64, _now: Timestamp) {
        self.current = self.current.saturating_add(hits).min(limit.ticks().most_hits());
    }

    fn give_back(&mut self, _limit: Limit, hits: u64, _now: Timestamp) {
        let older = hits.saturating_sub(self.current);
        self.current = self.current.saturating_sub(hits);
        self.previous = self.previous.saturating_sub(older);
    }

    fn fits_at(&self, limit: Limit, hits: u64, now: Timestamp) -> Option<Timestamp> {
        let room = limit.capacity().checked_sub(hits)?;
        let (length, ticks) = (u64::from(limit.period.seconds()), limit.ticks());
        let begin = |start: u64| ticks.at(Timestamp::from_secs(start));
        let fits = match room.checked_sub(self.current) {
            // The previous window's hits have to lose weight.
            Some(room) => begin(self.start).saturating_add(lost(self.previous, room, ticks)),
            // So have this window's, once it is the previous one.
            None => begin(self.start.saturating_add(length)).saturating_add(lost(self.current, room, ticks)),
        };
        Some(ticks.begin(fits).max(now))
    }

    fn empty_at(&self, limit: Limit, now: Timestamp) -> Timestamp {
        let windows = match (self.current, self.previous) {
            (0, 0) => return now,
            (0, _) => 1,
            _ => 2,
        };
        Timestamp::from_secs(self.start.saturating_add(windows * u64::from(limit.period.seconds())))
    }
}

impl SlidingWindow {
    /// The ticks of the window that are still to come: the weight of the one before.
    fn ticks_left(&self, limit: Limit, now: Timestamp) -> u64 {
        let ticks = limit.ticks();
        let passed = ticks.at(now).saturating_sub(ticks.at(Timestamp::from_secs(self.start)));
        ticks.per_period().saturating_sub(passed)
    }
}

/// How far into the window after theirs so many hits weigh no more than the room.
fn lost(hits: u64, room: u64, ticks: Ticks) -> u64 {
    let weight =
        room.min(hits).saturating_mul(ticks.per_period()).checked_div(hits).unwrap_or(ticks.per_period());
    ticks.per_period() - weight
}
