//! The local store as operators see it: a shard's lock is held for a few places of its table at a time.

use std::sync::Arc;

use crate::decision::key::CounterKey;
use crate::decision::key::name::CounterName;
use crate::decision::key::pattern::KeyPattern;
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::storage::inspect::{Held, Position, Step, StoredCounter};
use crate::storage::local::LocalStore;

/// Places of a table that are looked at under one lock: a few microseconds.
const PIECE: usize = 256;

/// A walk through the shards, each from its first place to its last.
#[derive(Debug)]
pub(in crate::storage) struct LocalWalk {
    store: Arc<LocalStore>,
    pattern: KeyPattern,
    shard: usize,
    place: u32,
}

impl LocalWalk {
    pub(in crate::storage) fn new(
        store: &Arc<LocalStore>,
        pattern: KeyPattern,
        from: Option<Position>,
    ) -> Self {
        let place = from.as_ref().and_then(|from| u32::try_from(from.cursor).ok()).unwrap_or(0);
        let shard = from.map_or(0, |from| from.place.parse().unwrap_or(usize::MAX));
        Self { store: Arc::clone(store), pattern, shard, place }
    }

    pub(in crate::storage) fn step(&mut self, most: usize, now: Timestamp) -> Step {
        let Some(shard) = self.store.shards.all().get(self.shard) else { return Step::default() };
        let found: Vec<(CounterKey, State)> = {
            let shard = shard.lock();
            let (piece, next) = shard.piece(self.place, most.clamp(1, PIECE));
            match next {
                Some(place) => self.place = place,
                None => (self.shard, self.place) = (self.shard + 1, 0),
            }
            piece.filter_map(|(key, state)| Some((CounterKey::from_stored(key)?, state))).collect()
        };
        let means = |key: &CounterKey| {
            let name = CounterName::read(key.as_bytes());
            name.is_some_and(|name| self.pattern.matches(key.as_bytes(), &name))
        };
        let found = found.into_iter().filter(|(key, _)| means(key));
        let counter = |(key, state)| StoredCounter { key, shard: None, held: Held::State(state), now };
        Step { counters: found.map(counter).collect(), ..Step::default() }
    }

    pub(in crate::storage) fn reset(&self, counters: &[CounterKey]) -> usize {
        counters.iter().filter(|key| self.store.reset(key)).count()
    }

    pub(in crate::storage) fn position(&self) -> Option<Position> {
        let place = (self.shard < self.store.shards.all().len()).then(|| self.shard.to_string())?;
        Some(Position { place, cursor: self.place.into() })
    }
}

impl LocalStore {
    /// One counter.
    pub(in crate::storage) fn inspect(&self, key: &CounterKey, now: Timestamp) -> StoredCounter {
        let place = self.shards.place(key.as_bytes());
        let stored = self.shards.lock(place).stored(place.key(key.as_bytes()));
        let held = stored.map_or(Held::Nothing, Held::State);
        StoredCounter { key: key.clone(), shard: None, held, now }
    }

    /// Forgets one counter; says whether it was there.
    pub(in crate::storage) fn reset(&self, key: &CounterKey) -> bool {
        let place = self.shards.place(key.as_bytes());
        self.shards.lock(place).remove(place.key(key.as_bytes()))
    }
}
