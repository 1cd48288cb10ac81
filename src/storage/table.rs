//! A hash table that never holds more than its capacity, and whose entries expire.
//!
//! Keys are bytes, and finding one allocates nothing. Growing moves nothing but the index, which [`sharded`] keeps small. Entries are forgotten a few at a time once they expire. A full table gives
//! up the entry of the least worth among some that it picks at random, and hands it back, so that its owner can say what was lost
//! (`docs/decisions/0007-eviction-by-worth.md`). It knows nothing of hits or limits.

pub(crate) mod sharded;

mod expiry;
mod key_bytes;
mod slots;

#[cfg(test)]
mod tests;

use hashbrown::HashTable;

use crate::decision::time::Timestamp;
use crate::storage::table::expiry::ExpiryIndex;
use crate::storage::table::key_bytes::KeyBytes;
pub(crate) use crate::storage::table::slots::SlotId;
use crate::storage::table::slots::{Neighbours, Slot, Slots};

/// Expired entries that one new entry takes away at the most, so that no call pays for many.
pub(crate) const EXPIRE_STEP: usize = 2;

/// Entries that a call gives up at the most because others have grown.
pub(crate) const RELIEF_STEP: usize = 8;

/// Entries among which a full table looks for the least worth. Where one in a hundred entries is worth keeping, all of so many
/// are with a chance of one in 10^16.
const CANDIDATES: usize = 8;

/// What an entry takes with its key and its part of the tables, as `make footprint` finds it for counters (`docs/sizing.md`).
const ENTRY_BYTES: usize = 115;

/// How many entries have so many bytes.
pub(crate) fn entries_in(bytes: usize) -> usize {
    bytes.div_ceil(ENTRY_BYTES)
}

/// How much is lost when a value is forgotten.
pub(crate) trait Worth {
    /// What is stored under this key; more is worse to lose.
    fn worth(&self, key: &[u8]) -> u64;

    /// How many entries of usual size it takes the room of.
    fn weight(&self) -> usize {
        1
    }
}

/// A bounded table of expiring entries.
#[derive(Debug)]
pub(crate) struct Table<V> {
    index: HashTable<SlotId>,
    slots: Slots<V>,
    expiry: ExpiryIndex,
    capacity: usize,
    /// What all entries weigh together.
    weight: usize,
}

/// A key with its hash, which its owner has computed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HashedKey<'k> {
    pub(crate) hash: u64,
    pub(crate) bytes: &'k [u8],
}

/// An entry that had to give way to a new one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Evicted<V> {
    /// When it would have expired, in seconds since the epoch.
    pub(crate) expires: u64,
    /// What it held.
    pub(crate) value: V,
}

impl<V: Worth> Table<V> {
    /// An empty table for entries that weigh so much, at least one.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            index: HashTable::new(),
            slots: Slots::new(),
            expiry: ExpiryIndex::default(),
            capacity: capacity.max(1),
            weight: 0,
        }
    }

    /// Where the key's entry is. It stays there until the table is next changed.
    pub(crate) fn find(&self, key: HashedKey<'_>) -> Option<SlotId> {
        self.index.find(key.hash, |&id| self.slots.get(id).key.as_slice() == key.bytes).copied()
    }

    /// What the entry holds.
    pub(crate) fn value(&self, id: SlotId) -> &V {
        &self.slots.get(id).value
    }

    /// What the entry holds, to be changed to something that weighs the same.
    pub(crate) fn value_mut(&mut self, id: SlotId) -> &mut V {
        &mut self.slots.get_mut(id).value
    }

    /// The key of the entry at this place, if there is one.
    pub(crate) fn at(&self, place: SlotId) -> Option<&[u8]> {
        self.slots.at(place).map(|slot| slot.key.as_slice())
    }

    /// Entries are at places below this one: a walk from 0 meets each entry that stays for as long as the walk, and may stop
    /// and go on in between.
    pub(crate) fn places(&self) -> SlotId {
        self.slots.places()
    }

    /// The entries of so many places from this one on, and where to go on if there are more. Looks at free places, too, so that
    /// no piece takes long; a walk in pieces from 0 meets each entry that stays for as long as the walk.
    pub(crate) fn piece(
        &self,
        from: SlotId,
        most: usize,
    ) -> (impl Iterator<Item = (&[u8], &V)>, Option<SlotId>) {
        let until = from.saturating_add(SlotId::try_from(most).unwrap_or(SlotId::MAX)).min(self.places());
        let slots = (from..until).filter_map(|place| self.slots.at(place));
        (slots.map(|slot| (slot.key.as_slice(), &slot.value)), (until < self.places()).then_some(until))
    }

    /// Replaces what the entry holds, and when it expires, in seconds since the epoch.
    pub(crate) fn update(&mut self, id: SlotId, value: V, expires: u64) {
        self.expire_at(id, expires);
        let (new, slot) = (value.weight(), self.slots.get_mut(id));
        self.weight = self.weight + new - std::mem::replace(&mut slot.value, value).weight();
    }

    /// Changes what the entry holds in its place; when it expires, too, where `change` gives that.
    pub(crate) fn change<R>(&mut self, id: SlotId, change: impl FnOnce(&mut V) -> (R, Option<u64>)) -> R {
        let slot = self.slots.get_mut(id);
        let before = slot.value.weight();
        let (result, expires) = change(&mut slot.value);
        self.weight = self.weight + slot.value.weight() - before;
        if let Some(expires) = expires {
            self.expire_at(id, expires);
        }
        result
    }

    /// Gives up one entry where all together weigh too much: some have grown, or a new one is heavy. Never the last one.
    pub(crate) fn relieve(&mut self, seed: u64) -> Option<Evicted<V>> {
        if self.weight > self.capacity && self.len() > 1 { self.evict(seed) } else { None }
    }

    /// Enters a key that is not there; gives back what had to make room.
    pub(crate) fn insert(
        &mut self,
        key: HashedKey<'_>,
        value: V,
        expires: u64,
        now: Timestamp,
    ) -> Option<Evicted<V>> {
        self.expire(now, EXPIRE_STEP);
        self.put(key, value, expires)
    }

    /// The same, where the owner has seen to what has expired.
    pub(crate) fn put(&mut self, key: HashedKey<'_>, value: V, expires: u64) -> Option<Evicted<V>> {
        let evicted = if self.weight >= self.capacity { self.evict(key.hash) } else { None };
        let HashedKey { hash, bytes } = key;
        self.weight += value.weight();
        let slot =
            Slot { key: KeyBytes::new(bytes), hash, value, expires, neighbours: Neighbours::default() };
        let id = self.slots.insert(slot);
        self.expiry.link(&mut self.slots, id);
        let Self { index, slots, .. } = self;
        index.insert_unique(hash, id, |&id| slots.get(id).hash);
        evicted
    }

    /// Takes away entries that have expired, `most` at the most; says how many.
    pub(crate) fn expire(&mut self, now: Timestamp, most: usize) -> usize {
        self.expire_each(now, most, drop)
    }

    /// The same, and hands over what each held.
    pub(crate) fn expire_each(&mut self, now: Timestamp, most: usize, mut forgotten: impl FnMut(V)) -> usize {
        let mut taken = 0;
        while taken < most
            && let Some((expires, id)) = self.expiry.first()
            && expires <= now.secs()
        {
            forgotten(self.remove(id));
            taken += 1;
        }
        taken
    }

    /// Takes an entry away.
    pub(crate) fn remove(&mut self, id: SlotId) -> V {
        self.expiry.unlink(&mut self.slots, id);
        let slot = self.slots.remove(id);
        if let Ok(found) = self.index.find_entry(slot.hash, |&other| other == id) {
            found.remove();
        }
        self.weight -= slot.value.weight();
        slot.value
    }

    /// Entries held, expired ones that nobody has taken away yet included.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    fn expire_at(&mut self, id: SlotId, expires: u64) {
        if self.slots.get(id).expires != expires {
            self.expiry.unlink(&mut self.slots, id);
            self.slots.get_mut(id).expires = expires;
            self.expiry.link(&mut self.slots, id);
        }
    }

    /// Makes room. Of equal worth, what expires sooner goes. The new key's hash, which nobody outside can foresee, chooses the
    /// candidates.
    fn evict(&mut self, seed: u64) -> Option<Evicted<V>> {
        let candidates = self.slots.picked(seed, CANDIDATES);
        let (_, expires, id) =
            candidates.map(|(id, slot)| (slot.value.worth(slot.key.as_slice()), slot.expires, id)).min()?;
        Some(Evicted { expires, value: self.remove(id) })
    }
}
