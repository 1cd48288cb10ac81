//! A limit: so many hits in each period, and how that is held.

use crate::decision::algorithm::Algorithm;
use crate::decision::period::Period;
use crate::decision::ticks::{Tick, Ticks};

/// So many hits in each period; 0 lets nothing pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Hits per period.
    pub requests_per_unit: u32,
    /// The period.
    pub period: Period,
    /// How it is held.
    pub algorithm: Algorithm,
    /// The most that a bucket holds. Of what is no bucket it is `requests_per_unit`, of a leaky one 1.
    pub burst: u32,
    /// Whether a hit that does not fit is taken all the same, though it is denied, and whatever is done with denied requests: so that
    /// what is paid for afterwards is paid for. Of meters only.
    pub overdraft: bool,
}

/// A limit whose counters would not be exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be {most} at the most, or counters of this length would not be exact")]
pub struct TooLarge {
    /// The largest number that is exact.
    pub most: u64,
}

impl Limit {
    /// So many hits in each fixed window of this length.
    #[must_use]
    pub const fn new(requests_per_unit: u32, period: Period) -> Self {
        let (algorithm, burst) = (Algorithm::FixedWindow, requests_per_unit);
        Self { requests_per_unit, period, algorithm, burst, overdraft: false }
    }

    /// The same numbers, held by another algorithm; a token bucket holds one period's hits.
    #[must_use]
    pub const fn held_by(self, algorithm: Algorithm) -> Self {
        let burst = match algorithm {
            // Nothing passes a limit of 0, whatever the algorithm.
            Algorithm::LeakyBucket if self.requests_per_unit > 0 => 1,
            _ => self.requests_per_unit,
        };
        Self { algorithm, burst, ..self }
    }

    /// The same, with a bucket that holds so much.
    #[must_use]
    pub const fn with_burst(self, burst: u32) -> Self {
        Self { burst, ..self }
    }

    /// These numbers in the place of another limit, and held as that one is. What would not be exact so, or would be a longer log than that
    /// one is, stays as it is.
    #[must_use]
    pub fn held_as(self, other: Self) -> Self {
        let held = Self { overdraft: other.overdraft, ..self.held_by(other.algorithm) };
        let is_longer_log =
            other.algorithm == Algorithm::SlidingLog && self.requests_per_unit > other.requests_per_unit;
        if is_longer_log || held.check_size().is_err() { self } else { held }
    }

    /// The most that a counter may hold without denying more.
    #[must_use]
    pub const fn capacity(self) -> u64 {
        self.burst as u64
    }

    /// What is left of the limit after `count` hits, never below 0.
    #[must_use]
    pub fn remaining(self, count: u64) -> u32 {
        u32::try_from(count).map_or(0, |count| self.burst.saturating_sub(count))
    }

    /// What its counters count time in: milliseconds wherever products of its capacity and time are exact in them. A limit that is counted
    /// in seconds is so large that what drains of it in a second is less than a part in 500 of what it holds; so no rate is lost by that.
    #[must_use]
    pub const fn tick(self) -> Tick {
        let fits = Ticks::new(self.period, Tick::Millisecond).are_exact_for(self.capacity());
        match self.algorithm {
            Algorithm::SlidingWindow | Algorithm::TokenBucket if !fits => Tick::Second,
            _ => Tick::Millisecond,
        }
    }

    /// A period of it, in the ticks of its counters.
    #[must_use]
    pub const fn ticks(self) -> Ticks {
        Ticks::new(self.period, self.tick())
    }

    /// Whether its counters can be exact: stores do arithmetic with products of hits and time, up to 2^52. How fast a bucket drains has no
    /// bound, because nothing is multiplied with it that is not taken from a level.
    ///
    /// # Errors
    /// Where the capacity is too large for the period.
    pub fn check_size(self) -> Result<(), TooLarge> {
        let ticks = Ticks::new(self.period, Tick::Second);
        let is_exact = matches!(self.algorithm, Algorithm::FixedWindow | Algorithm::SlidingLog)
            || ticks.are_exact_for(self.capacity());
        if is_exact { Ok(()) } else { Err(TooLarge { most: ticks.largest_limit() }) }
    }

    /// The least that a bucket must hold to reach its rate: what drains from it in a millisecond, as nobody can ask it twice within one.
    #[must_use]
    pub fn least_burst(self) -> u64 {
        u64::from(self.requests_per_unit).div_ceil(Ticks::new(self.period, Tick::Millisecond).per_period())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_buckets_have_a_burst_of_their_own() {
        let limit = Limit::new(10, Period::MINUTE);
        for algorithm in Algorithm::ALL {
            let expected = if algorithm == Algorithm::LeakyBucket { 1 } else { 10 };
            assert_eq!(limit.held_by(algorithm).capacity(), expected, "{algorithm:?}");
            assert_eq!(Limit::new(0, Period::MINUTE).held_by(algorithm).capacity(), 0, "{algorithm:?}");
        }
        assert_eq!(limit.held_by(Algorithm::TokenBucket).with_burst(25).capacity(), 25);
    }

    #[test]
    fn numbers_are_held_as_in_the_limit_that_they_take_the_place_of() {
        let brought = Limit::new(10, Period::HOUR);
        for algorithm in Algorithm::ALL {
            let rule =
                Limit { overdraft: true, ..Limit::new(10, Period::MINUTE).held_by(algorithm).with_burst(3) };
            let expected = Limit { overdraft: true, ..brought.held_by(algorithm) };
            assert_eq!(brought.held_as(rule), expected, "{algorithm:?}");
        }
        let log = Limit::new(9, Period::MINUTE).held_by(Algorithm::SlidingLog);
        assert_eq!(brought.held_as(log), brought);
        let large = Limit::new(u32::MAX, Period::YEAR);
        assert_eq!(large.held_as(Limit::new(1, Period::YEAR).held_by(Algorithm::TokenBucket)), large);
    }

    #[test]
    fn what_would_not_be_exact_is_too_large() {
        let bucket = |number, period| Limit::new(number, period).held_by(Algorithm::TokenBucket);
        let size = |number, period| bucket(number, period).check_size();
        assert_eq!(size(u32::MAX, Period::MINUTE), Ok(()));
        assert_eq!(size(u32::MAX, Period::HOUR), Ok(()));
        assert_eq!(size(70_000_000, Period::YEAR), Ok(()));
        assert_eq!(size(72_000_000, Period::YEAR), Err(TooLarge { most: 71_404_103 }));
        assert_eq!(Limit::new(u32::MAX, Period::YEAR).check_size(), Ok(()));
        assert!(bucket(1, Period::YEAR).with_burst(72_000_000).check_size().is_err());
        // It is the burst that is multiplied with time; a rate may be any.
        assert_eq!(bucket(u32::MAX, Period::YEAR).with_burst(1).check_size(), Ok(()));
        assert_eq!(Limit::new(u32::MAX, Period::YEAR).held_by(Algorithm::LeakyBucket).check_size(), Ok(()));
    }

    /// The last that is counted in milliseconds, for each period.
    #[test]
    fn time_is_counted_in_milliseconds_where_that_is_exact() {
        for (period, most) in [(Period::HOUR, 625_499_948), (Period::DAY, 26_062_497), (Period::YEAR, 71_404)]
        {
            for algorithm in [Algorithm::SlidingWindow, Algorithm::TokenBucket] {
                let tick = |number| Limit::new(number, period).held_by(algorithm).tick();
                assert_eq!([tick(most), tick(most + 1)], [Tick::Millisecond, Tick::Second], "{algorithm:?}");
            }
            let bucket = Limit::new(u32::MAX, period).held_by(Algorithm::TokenBucket).with_burst(most);
            assert_eq!(bucket.tick(), Tick::Millisecond);
            assert_eq!(bucket.held_by(Algorithm::LeakyBucket).tick(), Tick::Millisecond);
        }
    }

    /// What drains in a second of a limit that is counted in seconds is less than a part in 500 of what it holds.
    #[test]
    fn no_rate_is_lost_where_time_is_counted_in_seconds() {
        for seconds in (1..=Period::MAX.seconds()).step_by(9_973).map(u64::from) {
            let period = Period::from_seconds(seconds).unwrap();
            let least = Ticks::new(period, Tick::Millisecond).largest_limit() + 1;
            let Ok(burst) = u32::try_from(least) else { continue };
            let limit = Limit::new(u32::MAX, period).held_by(Algorithm::TokenBucket).with_burst(burst);
            assert_eq!(limit.tick(), Tick::Second, "{limit:?}");
            assert!(u64::from(limit.requests_per_unit) * 500 < limit.capacity() * seconds, "{limit:?}");
        }
    }

    #[test]
    fn a_bucket_must_hold_what_drains_in_a_millisecond() {
        let least = |number, period| Limit::new(number, period).least_burst();
        assert_eq!([least(1_000, Period::SECOND), least(1_001, Period::SECOND)], [1, 2]);
        assert_eq!([least(36_000, Period::SECOND), least(u32::MAX, Period::HOUR)], [36, 1_194]);
        assert_eq!([least(0, Period::SECOND), least(u32::MAX, Period::YEAR)], [0, 1]);
    }
}
