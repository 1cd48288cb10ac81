//! A limit: so many hits in each window of a unit.

use crate::decision::unit::Unit;

/// So many hits in each window of the unit; 0 lets nothing pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Hits per window.
    pub requests_per_unit: u32,
    /// The window.
    pub unit: Unit,
}

impl Limit {
    /// What is left of the limit after `count` hits, never below 0.
    #[must_use]
    pub fn remaining(self, count: u64) -> u32 {
        u32::try_from(count).map_or(0, |count| self.requests_per_unit.saturating_sub(count))
    }
}
