//! A limit: so many hits in each period, and how that is held.

use crate::decision::algorithm::Algorithm;
use crate::decision::period::Period;
use crate::decision::ticks::Ticks;

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

    /// Whether its counters can be exact: stores do arithmetic with products of hits and time, up to 2^52.
    ///
    /// # Errors
    /// Where a number is too large for its period.
    pub fn check_size(self) -> Result<(), TooLarge> {
        let most = match self.algorithm {
            Algorithm::FixedWindow | Algorithm::SlidingLog => return Ok(()),
            _ => Ticks::of(self.period).largest_limit(),
        };
        let larger = self.requests_per_unit.max(self.burst);
        if u64::from(larger) > most { Err(TooLarge { most }) } else { Ok(()) }
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
        let bucket = |number, period| Limit::new(number, period).held_by(Algorithm::TokenBucket).check_size();
        assert_eq!(bucket(u32::MAX, Period::MINUTE), Ok(()));
        assert_eq!(bucket(70_000_000, Period::YEAR), Ok(()));
        assert_eq!(bucket(72_000_000, Period::YEAR), Err(TooLarge { most: 71_404_103 }));
        assert_eq!(bucket(u32::MAX, Period::HOUR), Err(TooLarge { most: 625_499_948 }));
        assert_eq!(Limit::new(u32::MAX, Period::YEAR).check_size(), Ok(()));
        let burst = Limit::new(1, Period::YEAR).held_by(Algorithm::TokenBucket).with_burst(72_000_000);
        assert!(burst.check_size().is_err());
    }
}
