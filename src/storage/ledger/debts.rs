//! The debts of one part, and how many there are in each slot: so that nobody walks through debts to find that none is for
//! the shard that is asked about.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::decision::time::Timestamp;
use crate::storage::ledger::debt::Debt;
use crate::storage::slot::Slot;
use crate::storage::table::{EXPIRE_STEP, Evicted, HashedKey, SlotId, Table};

/// How many debts there are in each slot, in all parts together.
#[derive(Debug)]
pub(super) struct Owed {
    by_slot: Box<[AtomicU32]>,
    all: AtomicU32,
}

/// A bounded table of debts, counted by slot. A debt never changes its slot.
#[derive(Debug)]
pub(super) struct Debts {
    table: Table<Debt>,
    owed: Arc<Owed>,
}

impl Owed {
    /// Nothing.
    pub(super) fn new() -> Self {
        Self { by_slot: (0..=u16::MAX).map(|_| AtomicU32::new(0)).collect(), all: AtomicU32::new(0) }
    }

    /// The slots with debts, and how many in each.
    pub(super) fn slots(&self) -> impl Iterator<Item = (Slot, u32)> {
        // Mostly there is nothing at all, and this is what it costs to know.
        let nothing = self.all.load(Ordering::Relaxed) == 0;
        let slots = if nothing { &[] } else { &*self.by_slot };
        let counts =
            (0..=u16::MAX).zip(slots).map(|(slot, count)| (Slot(slot), count.load(Ordering::Relaxed)));
        counts.filter(|(_, count)| *count > 0)
    }

    pub(super) fn add(&self, slot: Slot) {
        self.by_slot[slot.index()].fetch_add(1, Ordering::Relaxed);
        self.all.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn take(&self, slot: Slot) {
        self.by_slot[slot.index()].fetch_sub(1, Ordering::Relaxed);
        self.all.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Debts {
    /// No debts; `capacity` bounds them.
    pub(super) fn new(capacity: usize, owed: Arc<Owed>) -> Self {
        Self { table: Table::new(capacity), owed }
    }

    /// Where the key's debt is, until the debts are next changed.
    pub(super) fn find(&self, key: HashedKey<'_>) -> Option<SlotId> {
        self.table.find(key)
    }

    /// A debt.
    pub(super) fn get(&self, id: SlotId) -> &Debt {
        self.table.value(id)
    }

    /// A debt, to be changed.
    pub(super) fn get_mut(&mut self, id: SlotId) -> &mut Debt {
        self.table.value_mut(id)
    }

    /// Whether something is at this place, and under which key.
    pub(super) fn at(&self, place: SlotId) -> Option<&[u8]> {
        self.table.at(place)
    }

    /// How many places a walk has to look at.
    pub(super) fn places(&self) -> SlotId {
        self.table.places()
    }

    /// Replaces a debt by another one for the same counter.
    pub(super) fn update(&mut self, id: SlotId, debt: Debt, expires: u64) {
        self.table.update(id, debt, expires);
    }

    /// Enters the debt of a key that has none; gives back what had to make room.
    pub(super) fn insert(
        &mut self,
        key: HashedKey<'_>,
        debt: Debt,
        expires: u64,
        now: Timestamp,
    ) -> Option<Evicted<Debt>> {
        self.expire(now, EXPIRE_STEP);
        self.owed.add(debt.slot);
        let evicted = self.table.put(key, debt, expires);
        if let Some(evicted) = &evicted {
            self.owed.take(evicted.value.slot);
        }
        evicted
    }

    /// Takes a debt away.
    pub(super) fn remove(&mut self, id: SlotId) {
        self.owed.take(self.table.remove(id).slot);
    }

    /// Takes away debts whose window is over, `most` at the most; says how many.
    pub(super) fn expire(&mut self, now: Timestamp, most: usize) -> usize {
        let owed = &self.owed;
        self.table.expire_each(now, most, |debt| owed.take(debt.slot))
    }

    /// Debts held.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }
}
