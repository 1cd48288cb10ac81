//! What counting a hit tells.

use std::time::Duration;

use crate::decision::limit::Limit;
use crate::decision::request::Hits;

/// What counting one hit told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The count with this hit in it; where the hit was denied and took nothing, without it.
    pub count: u64,
    /// Whether the hit went over the limit.
    pub over: bool,
    /// The time until a hit that was denied would pass; of one that was not, until nothing is counted any more. `None`
    /// where that is the end of the window that runs.
    pub reset: Option<Duration>,
}

impl Reading {
    /// A reading of a counter that is emptied at the end of its window.
    #[must_use]
    pub const fn of_window(count: u64, over: bool) -> Self {
        Self { count, over, reset: None }
    }

    /// Whether such a hit, with this reading, has changed a meter. What has not leaves it as it was.
    #[must_use]
    pub const fn changes(self, limit: Limit, hits: Hits) -> bool {
        match hits {
            Hits::Take(amount) => amount > 0 && (limit.overdraft || !self.over),
            Hits::Refund(amount) => amount > 0,
        }
    }
}
