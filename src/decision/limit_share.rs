//! The part of every limit that this deployment gives out, where several share the limits without sharing a store: regions, for
//! example, with a Redis each.

use crate::decision::limit::Limit;

/// The parts that a whole has.
const MILLION: u64 = 1_000_000;

/// A part of every limit, in millionths; never none of it.
///
/// A share of a limit is rounded down, so the shares of all together never exceed it. Only where it would be rounded down to nothing it is 1: a
/// rule that lets something pass lets something pass everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitShare {
    millionths: u32,
}

/// What is no share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoShare {
    /// It is nothing, less, or more than all.
    #[error("must be above 0, and 1 at the most")]
    OutOfBounds,
    /// It cannot be held exactly.
    #[error("has more than six digits after the point")]
    TooFine,
}

impl LimitShare {
    /// All of every limit.
    pub const WHOLE: Self = Self { millionths: 1_000_000 };

    /// The share that is this number.
    ///
    /// # Errors
    /// Where it is not above 0, above 1, or has more than six digits after the point: what is cut off might be given twice.
    pub fn new(part: f64) -> Result<Self, NoShare> {
        if !(part > 0.0 && part <= 1.0) {
            return Err(NoShare::OutOfBounds);
        }
        let millionths = part * 1e6;
        if (millionths - millionths.round()).abs() > 1e-6 || millionths < 0.5 {
            return Err(NoShare::TooFine);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number from 1 to a million"
        )]
        Ok(Self { millionths: millionths.round() as u32 })
    }

    /// The share of a limit.
    #[must_use]
    pub fn of(self, limit: Limit) -> Limit {
        let (requests_per_unit, burst) = (self.part_of(limit.requests_per_unit), self.part_of(limit.burst));
        Limit { requests_per_unit, burst, ..limit }
    }

    fn part_of(self, whole: u32) -> u32 {
        let share = u64::from(whole) * u64::from(self.millionths) / MILLION;
        u32::try_from(share).unwrap_or(whole).max(whole.min(1))
    }

    /// The number.
    #[must_use]
    pub fn part(self) -> f64 {
        f64::from(self.millionths) / 1e6
    }
}

impl Default for LimitShare {
    fn default() -> Self {
        Self::WHOLE
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decision::period::Period;

    fn share_of(part: f64, requests_per_unit: u32) -> u32 {
        let limit = Limit::new(requests_per_unit, Period::DAY);
        LimitShare::new(part).unwrap().of(limit).requests_per_unit
    }

    #[test]
    fn shares_are_rounded_down_but_not_to_nothing() {
        for (part, whole, share) in [
            (1.0, u32::MAX, u32::MAX),
            (0.7, 10, 7),
            (0.3, 10, 3),
            (0.29, 100, 29),
            (0.57, 100, 57),
            (0.333_333, 3, 1),
            (0.333_333, 3_000_000, 999_999),
            (0.5, 5, 2),
            (0.5, 1, 1),
            (0.1, 9, 1),
            (0.000_001, 1, 1),
            (0.7, 0, 0),
            (1.0, 0, 0),
        ] {
            assert_eq!(share_of(part, whole), share, "{part} of {whole}");
        }
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for part in [0.0, -0.5, 1.000_001, f64::NAN, f64::INFINITY] {
            assert_eq!(LimitShare::new(part), Err(NoShare::OutOfBounds), "{part}");
        }
        for part in [0.333_333_3, 1e-7, 1.0 / 3.0] {
            assert_eq!(LimitShare::new(part), Err(NoShare::TooFine), "{part}");
        }
    }

    proptest! {
        #[test]
        fn shares_of_a_whole_never_exceed_it(cuts in prop::collection::btree_set(1_u32..1_000_000, 0..5), whole: u32) {
            let cuts: Vec<u32> = std::iter::once(0).chain(cuts).chain([1_000_000]).collect();
            let parts = cuts.windows(2).map(|ends| f64::from(ends[1] - ends[0]) / 1e6);
            let shares: Vec<u64> = parts.map(|part| u64::from(share_of(part, whole))).collect();
            // Those that were rounded up to one are the exception that is documented.
            let fair: u64 = shares.iter().filter(|&&share| share > 1).sum();
            prop_assert!(fair <= u64::from(whole));
            let sum: u64 = shares.iter().sum();
            prop_assert!(sum < u64::from(whole) + shares.len() as u64);
        }
    }
}
