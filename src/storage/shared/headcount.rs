//! How many replicas share the limits, as the shards that announcements go to tell.
//!
//! A shard that was away has forgotten who is alive, and learns it again one by one. Who believed it at once would take
//! whole limits for its share if the shard went again.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::storage::redis::side::ALIVE;

/// How long after a shard's return it may be missing replicas, beside the time that they take to find it again: those that
/// are alive announce themselves, those that are not are forgotten.
const RECOUNT: Duration = ALIVE.saturating_add(Duration::from_secs(1));

/// The number of replicas.
#[derive(Debug)]
pub(super) struct Headcount {
    alive: AtomicU32,
    /// Until when a smaller number is not believed.
    doubted_until: Mutex<Option<Instant>>,
}

impl Headcount {
    /// This replica, and nobody else known yet.
    pub(super) fn new() -> Self {
        Self { alive: AtomicU32::new(1), doubted_until: Mutex::new(None) }
    }

    /// Replicas that are alive as far as is known.
    pub(super) fn alive(&self) -> NonZeroU32 {
        NonZeroU32::new(self.alive.load(Ordering::Relaxed)).unwrap_or(NonZeroU32::MIN)
    }

    /// A shard is back that may have forgotten replicas; they find it within `others_late`.
    pub(super) fn doubt(&self, now: Instant, others_late: Duration) {
        *self.doubted_until.lock() = Some(now + RECOUNT + others_late);
    }

    /// A shard tells how many announce themselves.
    pub(super) fn note(&self, alive: u32, now: Instant) {
        let doubted = self.doubted_until.lock().is_some_and(|until| now < until);
        let least = if doubted { self.alive.load(Ordering::Relaxed) } else { 1 };
        self.alive.store(alive.max(least), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_that_is_back_is_believed_once_all_had_the_time_to_find_it() {
        let (count, begin) = (Headcount::new(), Instant::now());
        let later = Duration::from_secs;
        let check = |told, secs, expected| {
            count.note(told, begin + later(secs));
            assert_eq!(count.alive().get(), expected, "{told} told after {secs} s");
        };
        check(3, 0, 3);
        // Somebody says good-bye.
        check(2, 1, 2);
        check(4, 2, 4);
        count.doubt(begin + later(10), later(2));
        check(1, 10, 4);
        check(2, 11, 4);
        check(5, 12, 5);
        check(3, 17, 5);
        check(3, 18, 3);
        check(0, 19, 1);
    }
}
