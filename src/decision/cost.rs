//! What a request costs: how many hits count against a rule's limit for those that the request carries.

use std::num::NonZeroU32;

use crate::decision::request::Hits;

/// So many hits for each, and no more than a bound for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Hits that count for each one that is carried.
    pub multiplier: NonZeroU32,
    /// The most that count for one request, after multiplying.
    pub most: NonZeroU32,
}

impl Cost {
    /// Every hit counts as itself.
    pub const PLAIN: Self = Self { multiplier: NonZeroU32::MIN, most: NonZeroU32::MAX };

    /// What counts for these hits. A refund gives back what the same number of hits took; a look stays one.
    #[must_use]
    pub fn of(self, hits: Hits) -> Hits {
        let cost = |amount: u32| amount.saturating_mul(self.multiplier.get()).min(self.most.get());
        match hits {
            Hits::Take(amount) => Hits::Take(cost(amount)),
            Hits::Refund(amount) => Hits::Refund(cost(amount)),
        }
    }
}

impl Default for Cost {
    fn default() -> Self {
        Self::PLAIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(multiplier: u32, most: u32, hits: u32, expected: u32) {
        let cost = Cost { multiplier: multiplier.try_into().unwrap(), most: most.try_into().unwrap() };
        assert_eq!(cost.of(Hits::Take(hits)), Hits::Take(expected));
        assert_eq!(cost.of(Hits::Refund(hits)), Hits::Refund(expected));
    }

    #[test]
    fn hits_are_multiplied_first_and_bounded_then() {
        check(1, u32::MAX, 7, 7);
        check(5, u32::MAX, 7, 35);
        check(5, 20, 7, 20);
        check(5, 20, 4, 20);
        check(5, 3, 1, 3);
        check(5, 3, 0, 0);
        check(1, u32::MAX, u32::MAX, u32::MAX);
        check(2, u32::MAX, u32::MAX, u32::MAX);
        assert_eq!(Cost::default().of(Hits::Take(9)), Hits::Take(9));
    }
}
