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
    /// The time until a hit that was denied would pass; of one that was not, until one more would where nothing remains, else until nothing is
    /// counted any more. A whole period where that never comes; `None` where it is the end of the window that runs.
    pub reset: Option<Duration>,
}

impl Reading {
    /// A reading of a counter that is emptied at the end of its window.
    #[must_use]
    pub const fn of_window(count: u64, over: bool) -> Self {
        Self { count, over, reset: None }
    }

    /// The reading of a hit that left its counter as it was, because another one denied their request: what was there `before`, but that one
    /// that was over by itself waits as it would have.
    #[must_use]
    pub const fn untaken(self, before: Self) -> Self {
        match self.over {
            true => Self { count: before.count, ..self },
            false => before,
        }
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
