//! A limit: so many hits in each window.

use crate::decision::period::Period;

/// So many hits in each window; 0 lets nothing pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Hits per window.
    pub requests_per_unit: u32,
    /// The window's length.
    pub period: Period,
}

impl Limit {
    /// So many hits in each window of this length.
    #[must_use]
    pub const fn new(requests_per_unit: u32, period: Period) -> Self {
        Self { requests_per_unit, period }
    }

    /// What is left of the limit after `count` hits, never below 0.
    #[must_use]
    pub fn remaining(self, count: u64) -> u32 {
        u32::try_from(count).map_or(0, |count| self.requests_per_unit.saturating_sub(count))
    }
}
