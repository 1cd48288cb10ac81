//! The fixed window algorithm: time is cut into windows that start at multiples of the unit since the Unix epoch, and
//! each has a count of its own.
//!
//! A function of (state, limit, hits, now) and nothing else; where the state lives is the store's business.

use std::time::Duration;

use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::reading::Reading;
use crate::decision::request::Hits;
use crate::decision::time::{MAX_AHEAD, Timestamp};

/// What one counter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// When the window started: seconds since the epoch, a multiple of the unit.
    pub start: u64,
    /// The hits in it, denied ones included unless they are ignored.
    pub count: u64,
}

impl Window {
    /// The window that `now` lies in, with nothing counted.
    #[must_use]
    pub fn at(period: Period, now: Timestamp) -> Self {
        let length = u64::from(period.seconds());
        Self { start: now.secs() / length * length, count: 0 }
    }

    /// The window to count in at `now`: this one while it runs, or where it starts at most [`MAX_AHEAD`] later, because going
    /// back would forget what was counted; else a new one.
    #[must_use]
    pub fn advanced(self, period: Period, now: Timestamp) -> Self {
        let current = Self::at(period, now);
        let latest = now.secs().saturating_add(MAX_AHEAD);
        if (current.start..=latest).contains(&self.start) { self } else { current }
    }

    /// Counts `hits`: the window afterwards, and what it tells. Over means that the count *with* the hits is greater than
    /// the limit, so that a look at a limit that is just used up passes.
    #[must_use]
    pub fn count(self, limit: Limit, hits: Hits) -> (Self, Reading) {
        let (count, over) = match hits {
            Hits::Take(amount) => {
                let count = self.count.saturating_add(u64::from(amount));
                (count, count > limit.capacity())
            }
            Hits::Refund(amount) => (self.count.saturating_sub(u64::from(amount)), false),
        };
        (Self { count, ..self }, Reading::of_window(count, over))
    }

    /// Whether this window takes the place of the stored one, after a hit was counted in it. Looks and refunds begin no window:
    /// one that ended stays as it is, so that it makes no difference when a store forgets it.
    #[must_use]
    pub fn replaces(self, stored: Self) -> bool {
        self.count > 0 || self.start == stored.start
    }

    /// When the window is over, in seconds since the epoch.
    #[must_use]
    pub fn end(self, period: Period) -> u64 {
        self.start.saturating_add(u64::from(period.seconds()))
    }
}

/// The time until the window that `now` lies in is over, in whole seconds, at least 1: callers wait that long and must not
/// come back before.
#[must_use]
pub fn until_reset(period: Period, now: Timestamp) -> Duration {
    let length = u64::from(period.seconds());
    Duration::from_secs(length - now.secs() % length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_secs(1_700_000_000);

    fn per_minute(requests_per_unit: u32) -> Limit {
        Limit::new(requests_per_unit, Period::MINUTE)
    }

    #[track_caller]
    fn check(count: u64, limit: u32, hits: Hits, expected: (u64, bool)) {
        let (window, reading) = Window { start: 0, count }.count(per_minute(limit), hits);
        assert_eq!((reading.count, reading.over), expected);
        assert_eq!(window.count, reading.count);
    }

    #[test]
    fn over_is_judged_with_the_hits_counted() {
        check(0, 2, Hits::Take(1), (1, false));
        check(1, 2, Hits::Take(1), (2, false));
        check(2, 2, Hits::Take(1), (3, true));
        check(2, 2, Hits::Take(0), (2, false));
        check(3, 2, Hits::Take(0), (3, true));
        check(0, 0, Hits::Take(1), (1, true));
        check(0, 0, Hits::Take(0), (0, false));
        check(5, 2, Hits::Refund(4), (1, false));
        check(5, 2, Hits::Refund(9), (0, false));
        check(9, 2, Hits::Refund(1), (8, false));
        check(u64::MAX, 2, Hits::Take(7), (u64::MAX, true));
    }

    #[test]
    fn windows_are_aligned_to_the_epoch() {
        for period in Period::UNITS {
            let window = Window::at(period, NOON);
            assert_eq!(window.start % u64::from(period.seconds()), 0);
            assert!(window.start <= NOON.secs() && NOON.secs() < window.end(period));
            assert_eq!(window.end(period) - NOON.secs(), until_reset(period, NOON).as_secs());
        }
        // 1970-01-01 was a Thursday.
        assert_eq!(until_reset(Period::WEEK, Timestamp::from_secs(0)).as_secs(), 7 * 86_400);
    }

    #[test]
    fn looks_and_refunds_begin_no_window() {
        let stored = Window { start: 60, count: 5 };
        for (start, count, expected) in [(60, 6, true), (60, 0, true), (120, 1, true), (120, 0, false)] {
            assert_eq!(Window { start, count }.replaces(stored), expected, "{start} {count}");
        }
    }

    #[test]
    fn a_window_goes_on_while_it_runs_and_for_a_clock_that_is_a_little_behind() {
        let stored = Window { start: 120, count: 5 };
        let anew = |start| Window { start, count: 0 };
        for (period, now, expected) in [
            (Period::MINUTE, 120, stored),
            (Period::MINUTE, 179, stored),
            (Period::MINUTE, 180, anew(180)),
            (Period::MINUTE, 600, anew(600)),
            (Period::MINUTE, 119, stored),
            (Period::MINUTE, 118, stored),
            (Period::MINUTE, 117, anew(60)),
            (Period::MINUTE, 0, anew(0)),
            (Period::SECOND, 118, stored),
            (Period::SECOND, 117, anew(117)),
        ] {
            assert_eq!(stored.advanced(period, Timestamp::from_secs(now)), expected, "{period:?} at {now}");
        }
    }

    #[test]
    fn a_clock_that_was_far_ahead_once_does_not_stop_the_counting() {
        let ahead = Timestamp::from_secs(NOON.secs() + 10 * 365 * 86_400);
        for period in Period::UNITS {
            let stored = Window { count: 9, ..Window::at(period, ahead) };
            assert_eq!(stored.advanced(period, NOON), Window::at(period, NOON));
            let end_of_time = Timestamp::from_secs(u64::MAX);
            assert_eq!(stored.advanced(period, end_of_time), Window::at(period, end_of_time));
        }
    }
}
