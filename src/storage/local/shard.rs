//! One part of the local store: counters in a table, and what a full table had to forget.

use crate::decision::fixed_window::{self, Reading, Window};
use crate::decision::hit::Hit;
use crate::decision::time::Timestamp;
use crate::storage::table::{HashedKey, SlotId, Table, Worth};

/// How long a counter outlives its window, in seconds: a clock that is set back a little must find what was counted.
const SLACK: u64 = fixed_window::MAX_AHEAD;

/// Forgetting a counter gives back what was counted in it.
impl Worth for Window {
    fn worth(&self) -> u64 {
        self.count
    }
}

/// A bounded table of counters.
#[derive(Debug)]
pub(super) struct Shard {
    table: Table<Window>,
    live_evictions: u64,
}

impl Shard {
    /// An empty shard for so many counters, at least one.
    pub(super) fn new(capacity: usize) -> Self {
        Self { table: Table::new(capacity), live_evictions: 0 }
    }

    /// The window in which a hit is to be counted; a counter that is not there has a new one.
    pub(super) fn read(&self, key: HashedKey<'_>, hit: &Hit, now: Timestamp) -> Window {
        let period = hit.limit.period;
        match self.table.find(key) {
            Some(id) => self.table.value(id).advanced(period, now),
            None => Window::at(period, now),
        }
    }

    /// Stores the window of a hit's counter. A counter or window that is not there is begun only for something to
    /// remember: looks and refunds begin none.
    pub(super) fn write(&mut self, key: HashedKey<'_>, hit: &Hit, window: Window, now: Timestamp) {
        match self.table.find(key) {
            Some(id) => self.replace(id, hit, window),
            None => self.create(key, hit, window, now),
        }
    }

    /// Counts a hit: reads and writes with one look-up.
    pub(super) fn count(&mut self, key: HashedKey<'_>, hit: &Hit, now: Timestamp) -> Reading {
        let period = hit.limit.period;
        if let Some(id) = self.table.find(key) {
            let (window, reading) = self.table.value(id).advanced(period, now).count(hit.limit, hit.hits);
            self.replace(id, hit, window);
            return reading;
        }
        let (window, reading) = Window::at(period, now).count(hit.limit, hit.hits);
        self.create(key, hit, window, now);
        reading
    }

    fn replace(&mut self, id: SlotId, hit: &Hit, window: Window) {
        if window.replaces(*self.table.value(id)) {
            self.table.update(id, window, expiry(hit, window));
        }
    }

    fn create(&mut self, key: HashedKey<'_>, hit: &Hit, window: Window, now: Timestamp) {
        if window.count > 0 {
            let evicted = self.table.insert(key, window, expiry(hit, window), now);
            let live = evicted.is_some_and(|evicted| evicted.expires > now.secs() + SLACK);
            self.live_evictions += u64::from(live);
        }
    }

    /// Counters as they are stored, those of ended windows included, from one place on, and where to go on.
    pub(super) fn piece(
        &self,
        from: SlotId,
        most: usize,
    ) -> (impl Iterator<Item = (&[u8], &Window)>, Option<SlotId>) {
        self.table.piece(from, most)
    }

    /// A counter as it is stored.
    pub(super) fn stored(&self, key: HashedKey<'_>) -> Option<Window> {
        self.table.find(key).map(|id| *self.table.value(id))
    }

    /// Forgets a counter; gives what it was.
    pub(super) fn remove(&mut self, key: HashedKey<'_>) -> Option<Window> {
        let id = self.table.find(key)?;
        Some(self.table.remove(id))
    }

    /// Takes away counters whose window is over for good, `most` at the most; says how many.
    pub(super) fn expire(&mut self, now: Timestamp, most: usize) -> usize {
        self.table.expire(now, most)
    }

    /// Counters held.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// How many counters had to go while their window was still running.
    pub(super) fn live_evictions(&self) -> u64 {
        self.live_evictions
    }
}

fn expiry(hit: &Hit, window: Window) -> u64 {
    window.end(hit.limit.period).saturating_add(SLACK)
}
