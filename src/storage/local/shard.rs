//! One part of the local store: a table of counters that never holds more than its capacity.

use hashbrown::HashTable;

use crate::decision::fixed_window::Window;
use crate::decision::hit::Hit;
use crate::decision::time::Timestamp;
use crate::storage::local::expiry::ExpiryIndex;
use crate::storage::local::slots::{Neighbours, Slot, SlotId, Slots};

/// Expired counters that one new counter takes away at the most, so that no call pays for many.
const EXPIRE_STEP: usize = 2;

/// How long a counter outlives its window, in seconds: a clock that is set back a little must find what was counted.
const SLACK: u64 = 2;

/// A bounded table of counters.
#[derive(Debug)]
pub(super) struct Shard {
    table: HashTable<SlotId>,
    slots: Slots,
    expiry: ExpiryIndex,
    capacity: usize,
    live_evictions: u64,
}

impl Shard {
    /// An empty shard for so many counters, at least one.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            table: HashTable::new(),
            slots: Slots::default(),
            expiry: ExpiryIndex::default(),
            capacity: capacity.max(1),
            live_evictions: 0,
        }
    }

    /// The window in which a hit is to be counted; a counter that is not there has a new one.
    pub(super) fn read(&self, hash: u64, hit: &Hit, now: Timestamp) -> Window {
        let unit = hit.limit.unit;
        match self.find(hash, hit) {
            Some(id) => self.slots.get(id).window.advanced(unit, now),
            None => Window::at(unit, now),
        }
    }

    /// Stores the window of a hit's counter. A counter that is not there is created only for something to remember:
    /// looks and refunds create none.
    pub(super) fn write(&mut self, hash: u64, hit: &Hit, window: Window, now: Timestamp) {
        match self.find(hash, hit) {
            Some(id) => self.update(id, window, expiry(hit, window)),
            None if window.count == 0 => {}
            None => self.insert(hash, hit, window, now),
        }
    }

    /// Takes away counters whose window is over for good, `most` at the most; says how many.
    pub(super) fn expire(&mut self, now: Timestamp, most: usize) -> usize {
        let mut taken = 0;
        while taken < most
            && let Some((expires, id)) = self.expiry.first()
            && expires <= now.secs()
        {
            self.remove(id);
            taken += 1;
        }
        taken
    }

    /// Counters held.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// How many counters had to go while their window was still running.
    pub(super) fn live_evictions(&self) -> u64 {
        self.live_evictions
    }

    fn find(&self, hash: u64, hit: &Hit) -> Option<SlotId> {
        self.table.find(hash, |&id| *self.slots.get(id).key == *hit.key.as_bytes()).copied()
    }

    fn update(&mut self, id: SlotId, window: Window, expires: u64) {
        if self.slots.get(id).expires != expires {
            self.expiry.unlink(&mut self.slots, id);
            self.slots.get_mut(id).expires = expires;
            self.expiry.link(&mut self.slots, id);
        }
        self.slots.get_mut(id).window = window;
    }

    fn insert(&mut self, hash: u64, hit: &Hit, window: Window, now: Timestamp) {
        self.expire(now, EXPIRE_STEP);
        if self.table.len() >= self.capacity {
            self.evict_first(now);
        }
        let expires = expiry(hit, window);
        let key = hit.key.as_bytes().into();
        let id = self.slots.insert(Slot { key, hash, window, expires, neighbours: Neighbours::default() });
        self.expiry.link(&mut self.slots, id);
        let Self { table, slots, .. } = self;
        table.insert_unique(hash, id, |&id| slots.get(id).hash);
    }

    /// Makes room: the counter that expires first has the least left to remember.
    fn evict_first(&mut self, now: Timestamp) {
        if let Some((expires, id)) = self.expiry.first() {
            self.remove(id);
            self.live_evictions += u64::from(expires > now.secs() + SLACK);
        }
    }

    fn remove(&mut self, id: SlotId) {
        self.expiry.unlink(&mut self.slots, id);
        let slot = self.slots.remove(id);
        if let Ok(found) = self.table.find_entry(slot.hash, |&other| other == id) {
            found.remove();
        }
    }
}

fn expiry(hit: &Hit, window: Window) -> u64 {
    window.end(hit.limit.unit).saturating_add(SLACK)
}
