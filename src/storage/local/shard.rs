//! One part of the local store: counters in a table, and what a full table had to forget.

use crate::decision::fixed_window::Window;
use crate::decision::hit::Hit;
use crate::decision::limit::Limit;
use crate::decision::reading::Reading;
use crate::decision::state::State;
use crate::decision::time::{MAX_AHEAD, Timestamp};
use crate::storage::local::stored::Stored;
use crate::storage::table::{HashedKey, SlotId, Table};

/// How long a counter outlives its window, in seconds: a clock that is set back a little must find what was counted.
const SLACK: u64 = MAX_AHEAD;

/// A bounded table of counters.
#[derive(Debug)]
pub(super) struct Shard {
    table: Table<Stored>,
    live_evictions: u64,
}

impl Shard {
    /// An empty shard for so many counters, at least one.
    pub(super) fn new(capacity: usize) -> Self {
        Self { table: Table::new(capacity), live_evictions: 0 }
    }

    /// The state of a hit's counter at this time; one that is not there begins.
    pub(super) fn read(&self, key: HashedKey<'_>, limit: Limit, now: Timestamp) -> State {
        let Some(id) = self.table.find(key) else { return State::begin(limit, now) };
        let mut state = self.table.value(id).state();
        state.advance(limit, now);
        state
    }

    /// Stores the state of a hit's counter. A counter or window that is not there is begun only for something to
    /// remember: looks and refunds begin none.
    pub(super) fn write(&mut self, key: HashedKey<'_>, limit: Limit, state: State, now: Timestamp) {
        match (state, self.table.find(key)) {
            (State::FixedWindow(window), Some(id)) => self.replace(id, limit, window),
            (state, Some(id)) => self.update(id, limit, state, now),
            (state, None) => self.create(key, limit, state, now),
        }
    }

    /// Counts a hit: reads and writes with one look-up.
    pub(super) fn count(&mut self, key: HashedKey<'_>, hit: &Hit, now: Timestamp) -> Reading {
        let (limit, found) = (hit.limit, self.table.find(key));
        if let Some(id) = found
            && let Some(window) = self.table.value(id).window()
        {
            let (window, reading) = window.advanced(limit.period, now).count(limit, hit.hits);
            self.replace(id, limit, window);
            return reading;
        }
        let mut state = found.map_or_else(|| State::begin(limit, now), |id| self.table.value_mut(id).take());
        state.advance(limit, now);
        let reading = state.count(limit, hit.hits, now);
        match found {
            Some(id) if reading.changes(limit, hit.hits) => self.update(id, limit, state, now),
            Some(id) => self.table.value_mut(id).put_back(state),
            None => self.create(key, limit, state, now),
        }
        reading
    }

    fn update(&mut self, id: SlotId, limit: Limit, state: State, now: Timestamp) {
        let expires = expiry(state.empty_at(limit, now));
        self.table.update(id, state.into(), expires);
    }

    fn replace(&mut self, id: SlotId, limit: Limit, window: Window) {
        if self.table.value(id).window().is_none_or(|stored| window.replaces(stored)) {
            let expires = window.end(limit.period).saturating_add(SLACK);
            self.table.update(id, window.into(), expires);
        }
    }

    fn create(&mut self, key: HashedKey<'_>, limit: Limit, state: State, now: Timestamp) {
        if state.used(limit, now) > 0 {
            let expires = expiry(state.empty_at(limit, now));
            let evicted = self.table.insert(key, state.into(), expires, now);
            let live = evicted.is_some_and(|evicted| evicted.expires > now.secs() + SLACK);
            self.live_evictions += u64::from(live);
        }
    }

    /// Counters as they are stored, those of ended windows included, from one place on, and where to go on.
    pub(super) fn piece(
        &self,
        from: SlotId,
        most: usize,
    ) -> (impl Iterator<Item = (&[u8], State)>, Option<SlotId>) {
        let (piece, next) = self.table.piece(from, most);
        (piece.map(|(key, stored)| (key, stored.state())), next)
    }

    /// A counter as it is stored.
    pub(super) fn stored(&self, key: HashedKey<'_>) -> Option<State> {
        self.table.find(key).map(|id| self.table.value(id).state())
    }

    /// Forgets a counter; says whether it was there.
    pub(super) fn remove(&mut self, key: HashedKey<'_>) -> bool {
        let found = self.table.find(key);
        found.map(|id| self.table.remove(id)).is_some()
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

/// When a counter may be forgotten, in seconds since the epoch.
fn expiry(empty: Timestamp) -> u64 {
    empty.millis().div_ceil(1_000).saturating_add(SLACK)
}
