//! A walk through one of the ledger's tables that may stop and go on, and that keeps no request waiting for long.

use crate::storage::ledger::part::Part;
use crate::storage::table::SlotId;
use crate::storage::table::sharded::Sharded;

/// Places that are looked at while a part's lock is held.
const STEP: SlotId = 256;

/// How far a walk has come. What stays in the table for as long as the walk is met once.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Walk {
    part: usize,
    place: SlotId,
}

impl Walk {
    /// Goes on until so many are found, or the end is reached. `places` says how many places a part has, and `look` has a
    /// look at one of them.
    pub(super) fn find<T>(
        &mut self,
        parts: &Sharded<Part>,
        most: usize,
        places: impl Fn(&Part) -> SlotId,
        mut look: impl FnMut(&mut Part, SlotId) -> Option<T>,
    ) -> Vec<T> {
        let mut found = Vec::new();
        while found.len() < most
            && let Some(part) = parts.all().get(self.part)
        {
            let mut part = part.lock();
            let until = places(&part).min(self.place.saturating_add(STEP));
            while found.len() < most && self.place < until {
                found.extend(look(&mut part, self.place));
                self.place += 1;
            }
            if self.place >= places(&part) {
                *self = Self { part: self.part + 1, place: 0 };
            }
        }
        found
    }

    /// Whether it has not begun.
    pub(super) fn is_at_start(&self) -> bool {
        self.part == 0 && self.place == 0
    }
}
