//! Counters in this process's memory: exact for one replica, bounded, and free of waiting.
//!
//! Keys are spread over shards, each behind a lock that is held for the time of a look-up. A full shard gives up the
//! counter that expires first; giving up one whose window still runs forgets hits, and is counted.

pub mod metrics;

mod expiry;
mod shard;
mod slots;

#[cfg(test)]
mod tests;

use ahash::RandomState;
use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;

use crate::decision::fixed_window::{Reading, Window};
use crate::decision::hit::{Batch, DeniedRequests, Hit};
use crate::decision::time::Timestamp;
use crate::storage::local::shard::Shard;
use crate::storage::{CounterStore, Readings};

/// Shards at the most: enough that two cores seldom meet, few enough that each amortises its table.
const MAX_SHARDS: usize = 64;

/// A shard with fewer entries than this would give up live counters while others have room.
const MIN_SHARD_ENTRIES: usize = 1_024;

/// Expired counters that a sweep takes from a shard while it holds its lock.
const SWEEP_BATCH: usize = 256;

/// How large the store may grow.
#[derive(Debug, Clone, Copy)]
pub struct LocalSettings {
    /// Counters at the most.
    pub max_entries: usize,
}

/// The local store.
#[derive(Debug)]
pub struct LocalStore {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
}

/// Where a hit's counter lives: its shard, and its hash there.
#[derive(Debug, Clone, Copy)]
struct Place {
    shard: usize,
    hash: u64,
}

impl CounterStore for LocalStore {
    async fn count(&self, batch: Batch<'_>, now: Timestamp) -> Readings {
        self.count_now(batch, now)
    }
}

impl LocalStore {
    /// An empty store.
    #[must_use]
    pub fn new(settings: LocalSettings) -> Self {
        let max_entries = settings.max_entries.max(1);
        let most = (max_entries / MIN_SHARD_ENTRIES).clamp(1, MAX_SHARDS);
        let shards = 1 << most.ilog2();
        let share = |index: usize| max_entries / shards + usize::from(index < max_entries % shards);
        Self {
            shards: (0..shards).map(|index| Mutex::new(Shard::new(share(index)))).collect(),
            hasher: RandomState::new(),
        }
    }

    /// Counts every hit of the batch and gives a reading for each.
    #[must_use]
    pub fn count_now(&self, batch: Batch<'_>, now: Timestamp) -> Readings {
        match batch.denied_requests {
            DeniedRequests::Count => batch.hits.iter().map(|hit| self.count_one(hit, now)).collect(),
            DeniedRequests::Ignore => self.count_unless_denied(batch, now),
        }
    }

    /// Counters that are held, expired ones that no sweep has met yet included.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// How many counters had to give way to new ones while their window was still running.
    #[must_use]
    pub fn live_evictions(&self) -> u64 {
        self.shards.iter().map(|shard| shard.lock().live_evictions()).sum()
    }

    /// Takes away every counter whose window is over, some at a time so that no call waits long for a lock.
    pub fn sweep(&self, now: Timestamp) {
        for shard in &self.shards {
            while shard.lock().expire(now, SWEEP_BATCH) == SWEEP_BATCH {}
        }
    }

    fn count_one(&self, hit: &Hit, now: Timestamp) -> Reading {
        let Place { shard, hash } = self.place(hit);
        let mut shard = self.shards[shard].lock();
        let (window, reading) = shard.read(hash, hit, now).count(hit.limit, hit.hits);
        shard.write(hash, hit, window, now);
        reading
    }

    /// Counts under the locks of all counters involved, and writes only where the request passes.
    fn count_unless_denied(&self, batch: Batch<'_>, now: Timestamp) -> Readings {
        let places: SmallVec<[Place; 4]> = batch.hits.iter().map(|hit| self.place(hit)).collect();
        let mut shards = self.lock_all(&places);
        let mut counted: SmallVec<[Counted; 4]> = SmallVec::with_capacity(batch.hits.len());
        for (index, (hit, place)) in batch.hits.iter().zip(&places).enumerate() {
            // The same counter may have been counted by an earlier hit of this very request.
            let earlier = (0..index)
                .rev()
                .find(|&other| places[other].hash == place.hash && batch.hits[other].key == hit.key);
            let before = match earlier {
                Some(earlier) => counted[earlier].after,
                None => shards.get(place).read(place.hash, hit, now),
            };
            let (after, reading) = before.count(hit.limit, hit.hits);
            counted.push(Counted {
                stored: earlier.map_or(before, |earlier| counted[earlier].stored),
                after,
                reading,
            });
        }
        let outcomes = batch.hits.iter().zip(&counted).map(|(hit, counted)| (hit.role, counted.reading));
        if batch.leniency.denies(outcomes) {
            return counted
                .iter()
                .map(|counted| Reading { count: counted.stored.count, ..counted.reading })
                .collect();
        }
        for ((hit, place), counted) in batch.hits.iter().zip(&places).zip(&counted) {
            shards.get(place).write(place.hash, hit, counted.after, now);
        }
        counted.iter().map(|counted| counted.reading).collect()
    }

    fn place(&self, hit: &Hit) -> Place {
        let hash = self.hasher.hash_one(hit.key.as_bytes());
        // The table inside a shard goes by the low and the topmost bits, the shard by bits between.
        let shard = (hash >> 40) as usize & (self.shards.len() - 1);
        Place { shard, hash }
    }

    /// Locks the shards of all places, in one order for everybody, so that no two requests wait for each other.
    fn lock_all(&self, places: &[Place]) -> LockedShards<'_> {
        let mut wanted: SmallVec<[usize; 4]> = places.iter().map(|place| place.shard).collect();
        wanted.sort_unstable();
        wanted.dedup();
        LockedShards { locked: wanted.into_iter().map(|index| (index, self.shards[index].lock())).collect() }
    }
}

/// A hit counted, not yet written.
struct Counted {
    stored: Window,
    after: Window,
    reading: Reading,
}

struct LockedShards<'s> {
    locked: SmallVec<[(usize, MutexGuard<'s, Shard>); 4]>,
}

impl LockedShards<'_> {
    fn get(&mut self, place: &Place) -> &mut Shard {
        let at = self.locked.binary_search_by_key(&place.shard, |(index, _)| *index);
        &mut self.locked[at.expect("every place's shard was locked")].1
    }
}
