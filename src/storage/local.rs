//! Counters in this process's memory: exact for one replica, bounded, and free of waiting.
//!
//! Keys are spread over shards, each behind a lock that is held for the time of a look-up. A full shard gives up
//! a counter with few hits; giving up one whose window still runs forgets them, and is counted.

pub mod metrics;

pub(in crate::storage) mod inspect;
mod shard;
mod stored;

#[cfg(test)]
mod tests;

use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::decision::hit::{Batch, DeniedRequests, Hit};
use crate::decision::reading::Reading;
use crate::decision::time::Timestamp;
use crate::storage::local::shard::{Draft, Shard};
use crate::storage::table::sharded::{Place, Portion, Sharded};
use crate::storage::{CounterStore, HitAnswers, Moment, Readings};

/// Expired counters that a sweep takes from a shard while it holds its lock: some microseconds of work.
const SWEEP_BATCH: usize = 32;

/// How large the store may grow.
#[derive(Debug, Clone, Copy)]
pub struct LocalSettings {
    /// Counters at the most.
    pub max_entries: usize,
}

/// The local store.
#[derive(Debug)]
pub struct LocalStore {
    max_entries: usize,
    shards: Sharded<Shard>,
}

impl CounterStore for LocalStore {
    async fn count(&self, batch: Batch<'_>, at: Moment) -> HitAnswers {
        self.count_all(batch, at.now)
    }
}

impl LocalStore {
    /// An empty store.
    #[must_use]
    pub fn new(settings: LocalSettings) -> Self {
        let max_entries = settings.max_entries.max(1);
        let shard = |portion: Portion| Shard::new(portion.of(max_entries));
        Self { max_entries, shards: Sharded::new(max_entries, shard) }
    }

    /// Counts every hit of the batch and gives a reading for each.
    #[must_use]
    pub fn count_now(&self, batch: Batch<'_>, now: Timestamp) -> Readings {
        self.count_all(batch, now)
    }

    /// Gives each reading in the form that is asked for, so that none has to be made from another.
    fn count_all<T: From<Reading>>(&self, batch: Batch<'_>, now: Timestamp) -> SmallVec<[T; 2]> {
        match batch.denied_requests {
            DeniedRequests::Count => batch.hits.iter().map(|hit| self.count_one(hit, now).into()).collect(),
            DeniedRequests::Ignore => self.count_unless_denied(batch, now),
        }
    }

    /// Counters that are held, expired ones that no sweep has met yet included.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.shards.all().iter().map(|shard| shard.lock().len()).sum()
    }

    /// Counters that it holds at the most.
    #[must_use]
    pub fn max_entries(&self) -> usize {
        self.max_entries
    }

    /// How many counters had to give way to new ones while their window was still running.
    #[must_use]
    pub fn live_evictions(&self) -> u64 {
        self.shards.all().iter().map(|shard| shard.lock().live_evictions()).sum()
    }

    /// Takes away every counter whose window is over, some at a time so that no call waits long for a lock. It goes round the
    /// shards, because a lock that is taken again at once is hardly ever had by one who waits for it.
    pub fn sweep(&self, now: Timestamp) {
        let mut left: Vec<&Mutex<Shard>> = self.shards.all().iter().collect();
        while !left.is_empty() {
            left.retain(|shard| shard.lock().expire(now, SWEEP_BATCH) == SWEEP_BATCH);
        }
    }

    fn count_one(&self, hit: &Hit, now: Timestamp) -> Reading {
        let place = self.place(hit);
        self.shards.lock(place).count(place.key(hit.key.as_bytes()), hit, now)
    }

    /// Counts under the locks of all counters involved, and writes only where the request passes.
    fn count_unless_denied<T: From<Reading>>(&self, batch: Batch<'_>, now: Timestamp) -> SmallVec<[T; 2]> {
        let places: SmallVec<[Place; 4]> = batch.hits.iter().map(|hit| self.place(hit)).collect();
        let mut shards = self.shards.lock_all(&places);
        let mut counted: SmallVec<[Counted; 4]> = SmallVec::with_capacity(batch.hits.len());
        for (index, (hit, place)) in batch.hits.iter().zip(&places).enumerate() {
            // The same counter may have been counted by an earlier hit of this very request.
            let earlier = (0..index)
                .rev()
                .find(|&other| places[other].may_be(place) && batch.hits[other].key == hit.key);
            let (shard, key) = (shards.get(*place), place.key(hit.key.as_bytes()));
            let (mut after, stored, changed) = match earlier {
                Some(other) => {
                    // The same counter under another limit is told by that.
                    let same = batch.hits[other].limit == hit.limit;
                    let other = &mut counted[other];
                    let stored = if same { other.stored } else { shard.look(key, hit.limit, now) };
                    let changed = other.changed;
                    // What is done to a log must be done once.
                    other.changed &= !matches!(other.after, Draft::Log(_));
                    (other.after.clone(), stored, changed)
                }
                None => {
                    let draft = shard.draft(key, hit.limit, now);
                    let stored = shard.look_in(key, hit.limit, &draft, now);
                    (draft, stored, false)
                }
            };
            let reading = shard.count_in(key, hit, &mut after, now);
            let changed = changed || reading.changes(hit.limit, hit.hits) || !hit.limit.algorithm.is_meter();
            counted.push(Counted { stored, after, reading, changed });
        }
        let outcomes = batch.hits.iter().zip(&counted).map(|(hit, counted)| (hit.role, counted.reading));
        if batch.leniency.denies(outcomes) {
            let answer = |((hit, place), counted): ((&Hit, &Place), &Counted)| match hit.takes_anyway() {
                true => shards.get(*place).count(place.key(hit.key.as_bytes()), hit, now),
                false => counted.reading.untaken(counted.stored),
            };
            let readings = batch.hits.iter().zip(&places).zip(&counted).map(answer);
            return readings.map(T::from).collect();
        }
        let readings = counted.iter().map(|counted| counted.reading.into()).collect();
        let changed = batch.hits.iter().zip(&places).zip(counted).filter(|(_, counted)| counted.changed);
        for ((hit, place), counted) in changed {
            shards.get(*place).write(place.key(hit.key.as_bytes()), hit.limit, counted.after, now);
        }
        readings
    }

    fn place(&self, hit: &Hit) -> Place {
        self.shards.place(hit.key.as_bytes())
    }
}

/// A hit counted, not yet written.
struct Counted {
    /// What there was in the counter before the request.
    stored: Reading,
    after: Draft,
    reading: Reading,
    /// Whether a meter has been changed by the request; a window knows for itself.
    changed: bool,
}
