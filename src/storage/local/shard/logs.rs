//! Sliding logs in the local store: counted on in their place, because they may be long, and bounded by the room that they take.

use crate::decision::limit::Limit;
use crate::decision::meter::Meter;
use crate::decision::sliding_log::{ChangedLog, LogChange, SlidingLog};
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::storage::local::shard::{Shard, expiry};
use crate::storage::table::{HashedKey, RELIEF_STEP, SlotId};

impl Shard {
    /// Something of the log of this key with a change, as it is at this time.
    pub(super) fn changed_log<R>(
        &mut self,
        key: HashedKey<'_>,
        limit: Limit,
        change: LogChange,
        now: Timestamp,
        read: impl FnOnce(&mut ChangedLog<'_>) -> R,
    ) -> R {
        let nothing = SlidingLog::default();
        let found = self.table.find(key).and_then(|id| self.table.value_mut(id).log_mut());
        let log = match found.filter(|log| !log.is_far_ahead(limit, now)) {
            Some(log) => {
                log.advance(limit, now);
                log
            }
            None => &nothing,
        };
        read(&mut ChangedLog::new(log, change))
    }

    /// Does something to a log, which says whether it has changed it. One of a clock that was wrong stays until something changes.
    pub(super) fn change_log<R>(
        &mut self,
        seed: u64,
        id: SlotId,
        limit: Limit,
        now: Timestamp,
        change: impl FnOnce(&mut SlidingLog) -> (R, bool),
    ) -> R {
        let (result, changed) = self.table.change(id, |stored| {
            let mut anew = SlidingLog::default();
            let kept = stored.log_mut().filter(|log| !log.is_far_ahead(limit, now));
            let is_kept = kept.is_some();
            let log = kept.unwrap_or(&mut anew);
            log.advance(limit, now);
            let (result, changed) = change(log);
            let expires = changed.then(|| expiry(log.empty_at(limit, now)));
            if changed && !is_kept {
                *stored = State::SlidingLog(Box::new(anew)).into();
            }
            ((result, changed), expires)
        });
        if changed {
            self.relieve(seed, now);
        }
        result
    }

    /// Gives up counters where logs have grown so much that all together take more room than they may.
    pub(super) fn relieve(&mut self, seed: u64, now: Timestamp) {
        for _ in 0..RELIEF_STEP {
            let Some(evicted) = self.table.relieve(seed.wrapping_add(now.millis())) else { return };
            self.note_evicted(&evicted, now);
        }
    }
}
