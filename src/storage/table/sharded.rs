//! Something cut into shards by key, each behind a lock of its own, so that callers seldom wait for each other.

use ahash::RandomState;
use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;

use crate::storage::table::HashedKey;

/// Entries of a shard, up to twice as many. Fewer would give up live entries while other shards have room; with more it would
/// show in a call's time that the index of a shard is made anew when it grows: with 5,000 entries that takes 50 microseconds.
const SHARD_ENTRIES: usize = 2_048;

/// Fewer entries than this are not worth a shard of their own, but two cores should seldom meet in a small store, either.
const MIN_SHARD_ENTRIES: usize = 1_024;

/// Up to so many shards may be that small.
const FEW_SHARDS: usize = 64;

/// Shards at the most: their locks and tables alone take about 3 MB.
const MAX_SHARDS: usize = 16_384;

/// Shards, and what spreads keys over them.
#[derive(Debug)]
pub(crate) struct Sharded<T> {
    shards: Box<[Mutex<T>]>,
    hasher: RandomState,
}

/// Where a key lives: its shard, and its hash there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    shard: usize,
    hash: u64,
}

impl Place {
    /// The key for which this place was found, as the shard's tables take it.
    pub(crate) fn key<'k>(&self, bytes: &'k [u8]) -> HashedKey<'k> {
        HashedKey { hash: self.hash, bytes }
    }

    /// Whether two places may be the same key's. Keys have to be compared only where they may.
    pub(crate) fn may_be(&self, other: &Place) -> bool {
        self.hash == other.hash
    }
}

/// One shard's part in a bound that holds for all of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portion {
    index: usize,
    shards: usize,
}

impl Portion {
    /// This shard's part; all parts together are the whole.
    pub(crate) fn of(self, whole: usize) -> usize {
        whole / self.shards + usize::from(self.index < whole % self.shards)
    }
}

impl<T> Sharded<T> {
    /// As many shards as suit so many entries.
    pub(crate) fn new(max_entries: usize, make: impl Fn(Portion) -> T) -> Self {
        let few = (max_entries / MIN_SHARD_ENTRIES).clamp(1, FEW_SHARDS);
        let most = (max_entries / SHARD_ENTRIES).clamp(few, MAX_SHARDS);
        let shards = 1 << most.ilog2();
        let shard = |index| Mutex::new(make(Portion { index, shards }));
        Self { shards: (0..shards).map(shard).collect(), hasher: RandomState::new() }
    }

    /// Where a key lives.
    pub(crate) fn place(&self, key: &[u8]) -> Place {
        let hash = self.hasher.hash_one(key);
        // The table inside a shard goes by the low and the topmost bits, the shard by bits between.
        let shard = (hash >> 40) as usize & (self.shards.len() - 1);
        Place { shard, hash }
    }

    /// Locks the shard of one place.
    pub(crate) fn lock(&self, place: Place) -> MutexGuard<'_, T> {
        self.shards[place.shard].lock()
    }

    /// Locks the shards of all places, in one order for everybody, so that no two requests wait for each other.
    pub(crate) fn lock_all(&self, places: &[Place]) -> LockedShards<'_, T> {
        let mut wanted: SmallVec<[usize; 4]> = places.iter().map(|place| place.shard).collect();
        wanted.sort_unstable();
        wanted.dedup();
        LockedShards { locked: wanted.into_iter().map(|index| (index, self.shards[index].lock())).collect() }
    }

    /// Every shard.
    pub(crate) fn all(&self) -> &[Mutex<T>] {
        &self.shards
    }
}

/// The shards of one request, locked.
pub(crate) struct LockedShards<'s, T> {
    locked: SmallVec<[(usize, MutexGuard<'s, T>); 4]>,
}

impl<T> LockedShards<'_, T> {
    /// The shard of a place that is among those that were locked.
    pub(crate) fn get(&mut self, place: Place) -> &mut T {
        let at = self.locked.binary_search_by_key(&place.shard, |(index, _)| *index);
        &mut self.locked[at.expect("every place's shard was locked")].1
    }
}
