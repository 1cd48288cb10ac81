//! How many hits of one descriptor were over the limit, near it and within it, by the rule that dashboards for
//! envoyproxy/ratelimit are built on: counted in hits, and hits that straddle a threshold are split at it.
//!
//! A function of what was decided; who adds the shares up, and under which name, is the service's business.

use crate::decision::hit::Source;
use crate::decision::request::Hits;
use crate::decision::verdict::{Limited, Outcome, near_threshold};

/// The hits of one descriptor, by what they were. One hit may be several things: one that is over is never within, but
/// one that is within may be near.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HitShares {
    /// All of them. What is given back is none.
    pub total: u64,
    /// Beyond the limit, whether or not a shadow mode let them pass.
    pub over: u64,
    /// Beyond the near threshold and not beyond the limit, those of a descriptor that went over included.
    pub near: u64,
    /// Those of a descriptor that was over without asking the store.
    pub over_from_memory: u64,
    /// Those of a descriptor that was not over.
    pub within: u64,
    /// Beyond the limit, and passed because the rule is in shadow mode.
    pub shadow: u64,
}

impl HitShares {
    /// How many there are, and under which name each is known.
    pub const NAMES: [&str; 6] = [
        "total_hits",
        "over_limit",
        "near_limit",
        "over_limit_with_local_cache",
        "within_limit",
        "shadow_mode",
    ];

    /// The shares of a descriptor with this outcome; `near_ratio` is the share of a limit above which a hit is near it.
    #[must_use]
    pub fn new(outcome: Outcome, limited: &Limited, near_ratio: f32) -> Self {
        let hits = match limited.hits {
            Hits::Take(hits) => u64::from(hits),
            Hits::Refund(_) => 0,
        };
        let shares = Self { total: hits, ..Self::default() };
        match (outcome, limited.source) {
            (Outcome::Over | Outcome::Shadow, Source::Memory) => {
                shares.over_by(hits, outcome).remembered(hits)
            }
            (Outcome::Over | Outcome::Shadow, Source::Store | Source::Fallback) => {
                shares.split_at_limit(outcome, limited, near_ratio)
            }
            _ => shares.passed(limited, near_ratio),
        }
    }

    /// The shares in the order of their [`NAMES`](Self::NAMES).
    #[must_use]
    pub fn values(self) -> [u64; Self::NAMES.len()] {
        [self.total, self.over, self.near, self.over_from_memory, self.within, self.shadow]
    }

    fn split_at_limit(self, outcome: Outcome, limited: &Limited, near_ratio: f32) -> Self {
        let limit = limited.limit.capacity();
        let before = limited.count.saturating_sub(self.total);
        // A fallback may deny whatever the count is, or without knowing it.
        if before >= limit || limited.count <= limit {
            return self.over_by(self.total, outcome);
        }
        let near = limit - before.max(near_threshold(limited.limit, near_ratio)).min(limit);
        Self { near, ..self.over_by(limited.count - limit, outcome) }
    }

    fn passed(self, limited: &Limited, near_ratio: f32) -> Self {
        let beyond = limited.count.saturating_sub(near_threshold(limited.limit, near_ratio));
        Self { within: self.total, near: beyond.min(self.total), ..self }
    }

    fn over_by(self, hits: u64, outcome: Outcome) -> Self {
        Self { over: hits, shadow: if outcome == Outcome::Shadow { hits } else { 0 }, ..self }
    }

    fn remembered(self, hits: u64) -> Self {
        Self { over_from_memory: hits, ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::decision::limit::Limit;
    use crate::decision::period::Period;

    const STORE: Source = Source::Store;
    const MEMORY: Source = Source::Memory;
    const FALLBACK: Source = Source::Fallback;

    fn limited(requests_per_unit: u32, hits: Hits, count: u64, source: Source) -> Limited {
        let limit = Limit::new(requests_per_unit, Period::MINUTE);
        Limited { limit, remaining: 0, until_reset: Duration::from_secs(1), hits, count, source, number: 0 }
    }

    /// So many hits that leave the counter at `count`, against a limit: the shares in the order of their names.
    #[track_caller]
    fn check(outcome: Outcome, hits: u32, count: u64, limit: u32, source: Source, expected: [u64; 6]) {
        let shares = HitShares::new(outcome, &limited(limit, Hits::Take(hits), count, source), 0.8);
        assert_eq!(shares.values(), expected, "{hits} to {count} of {limit} by {source:?}");
    }

    /// Each line was answered alike by envoyproxy/ratelimit of January 2026 for the same hits.
    #[test]
    fn hits_are_split_at_the_thresholds() {
        use Outcome::{Near, Ok, Over};
        check(Ok, 1, 1, 10, STORE, [1, 0, 0, 0, 1, 0]);
        check(Ok, 8, 8, 10, STORE, [8, 0, 0, 0, 8, 0]);
        check(Near, 1, 9, 10, STORE, [1, 0, 1, 0, 1, 0]);
        check(Near, 10, 10, 10, STORE, [10, 0, 2, 0, 10, 0]);
        check(Near, 3, 9, 10, STORE, [3, 0, 1, 0, 3, 0]);
        check(Over, 1, 11, 10, STORE, [1, 1, 0, 0, 0, 0]);
        check(Over, 5, 12, 10, STORE, [5, 2, 2, 0, 0, 0]);
        check(Over, 5, 14, 10, STORE, [5, 4, 1, 0, 0, 0]);
        check(Over, 5, 15, 10, STORE, [5, 5, 0, 0, 0, 0]);
        check(Over, 20, 20, 10, STORE, [20, 10, 2, 0, 0, 0]);
        // 0.8 of 3 is 2 in single precision.
        check(Ok, 1, 2, 3, STORE, [1, 0, 0, 0, 1, 0]);
        check(Near, 1, 3, 3, STORE, [1, 0, 1, 0, 1, 0]);
        check(Over, 1, 1, 0, STORE, [1, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn what_is_remembered_to_be_over_is_over_with_all_its_hits() {
        check(Outcome::Over, 4, 12, 10, MEMORY, [4, 4, 0, 4, 0, 0]);
        check(Outcome::Shadow, 4, 12, 10, MEMORY, [4, 4, 0, 4, 0, 4]);
    }

    #[test]
    fn shadow_mode_counts_what_it_let_pass() {
        check(Outcome::Shadow, 5, 12, 10, STORE, [5, 2, 2, 0, 0, 2]);
        check(Outcome::Shadow, 5, 20, 10, STORE, [5, 5, 0, 0, 0, 5]);
    }

    #[test]
    fn a_fallback_may_decide_without_a_count() {
        check(Outcome::Over, 3, 0, 10, FALLBACK, [3, 3, 0, 0, 0, 0]);
        check(Outcome::Ok, 3, 0, 10, FALLBACK, [3, 0, 0, 0, 3, 0]);
    }

    #[test]
    fn looks_and_refunds_are_no_hits() {
        check(Outcome::Near, 0, 9, 10, STORE, [0; 6]);
        check(Outcome::Over, 0, 12, 10, STORE, [0; 6]);
        let refund = limited(10, Hits::Refund(3), 9, STORE);
        assert_eq!(HitShares::new(Outcome::Near, &refund, 0.8), HitShares::default());
    }

    proptest! {
        #[test]
        fn no_hit_is_lost_or_counted_twice(limit: u16, before: u16, hits: u16) {
            let (count, limit) = (u64::from(before) + u64::from(hits), u32::from(limit));
            let outcome = if count > u64::from(limit) { Outcome::Over } else { Outcome::Ok };
            let given = limited(limit, Hits::Take(hits.into()), count, STORE);
            let shares = HitShares::new(outcome, &given, 0.8);
            prop_assert!(shares.over + shares.near <= shares.total, "{:?}", shares);
            prop_assert!(shares.within == 0 || (shares.over == 0 && shares.within == shares.total));
        }
    }
}
