//! A store's counters as operators see them: walked through a few at a time, read and reset one by one.
//!
//! Nothing here is on the way of a decision. A walk under traffic is no picture of one moment: a counter that is there from its
//! beginning to its end is met, perhaps twice; one that comes or goes meanwhile may be met or not.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::decision::key::CounterKey;
use crate::decision::key::pattern::KeyPattern;
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::storage::local::LocalStore;
use crate::storage::local::inspect::LocalWalk;
use crate::storage::shared::inspect::SharedWalk;
use crate::storage::shared::shards::Shards;

/// A store to be looked at.
#[derive(Debug, Clone)]
pub enum Inspected {
    /// In this process's memory.
    Local(Arc<LocalStore>),
    /// Shared with other replicas.
    Shared(Arc<Shards>),
}

/// A counter as a store holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCounter {
    /// Its key.
    pub key: CounterKey,
    /// The shard that it lives on; `None` in this process's memory.
    pub shard: Option<Arc<str>>,
    /// What is there.
    pub held: Held,
    /// What time it is there.
    pub now: Timestamp,
}

/// What there is under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// Nothing.
    Nothing,
    /// A counter as it was left, perhaps long ago.
    State(State),
    /// Something that is no counter of ours; why.
    Foreign(Arc<str>),
}

/// What one step of a walk has met.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Counters, and what is in the place of some.
    pub counters: Vec<StoredCounter>,
    /// Keys that begin like ours and are none.
    pub strangers: Vec<Stranger>,
    /// A shard that the walk goes past because it did not answer.
    pub unread: Option<Unread>,
}

/// A key that begins like ours and is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stranger {
    /// The key, any bytes.
    pub key: Vec<u8>,
    /// The shard that it lives on.
    pub shard: Arc<str>,
}

/// A shard that did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{shard}: {why}")]
pub struct Unread {
    /// Its address.
    pub shard: Arc<str>,
    /// Why.
    pub why: String,
}

/// Where a walk goes on: a place in the store, and how far it has come there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub(in crate::storage) place: String,
    pub(in crate::storage) cursor: u64,
}

/// A text that is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no cursor that a listing gave")]
pub struct NoPosition;

/// A walk through all counters of a store.
#[derive(Debug)]
pub struct Walk {
    way: Way,
}

#[derive(Debug)]
enum Way {
    Local(LocalWalk),
    Shared(Box<SharedWalk>),
}

impl Inspected {
    /// A walk through the counters that the pattern means, from the start or from where an earlier one has come to.
    #[must_use]
    pub fn walk(&self, pattern: KeyPattern, from: Option<Position>) -> Walk {
        let way = match self {
            Inspected::Local(store) => Way::Local(LocalWalk::new(store, pattern, from)),
            Inspected::Shared(shards) => Way::Shared(Box::new(SharedWalk::new(shards, pattern, from))),
        };
        Walk { way }
    }

    /// Reads one counter; `own` is this replica's own time.
    ///
    /// # Errors
    /// Where its shard does not answer.
    pub async fn read(&self, key: &CounterKey, own: Timestamp) -> Result<StoredCounter, Unread> {
        match self {
            Inspected::Local(store) => Ok(store.inspect(key, own)),
            Inspected::Shared(shards) => shards.read_counter(key, own).await,
        }
    }

    /// Resets one counter, whatever is in its place; says whether there was anything.
    ///
    /// # Errors
    /// Where its shard does not answer; it may have been reset all the same.
    pub async fn reset(&self, key: &CounterKey) -> Result<bool, Unread> {
        match self {
            Inspected::Local(store) => Ok(store.reset(key)),
            Inspected::Shared(shards) => shards.reset_counter(key).await,
        }
    }

    /// How long other replicas may go on to deny what was reset, from memory.
    #[must_use]
    pub fn believed_elsewhere_for(&self) -> Duration {
        match self {
            Inspected::Local(_) => Duration::ZERO,
            Inspected::Shared(shards) => shards.over_is_believed_for(),
        }
    }
}

impl Walk {
    /// Looks at some more counters, at about `most`; `own` is this replica's own time.
    pub async fn step(&mut self, most: usize, own: Timestamp) -> Step {
        match &mut self.way {
            Way::Local(walk) => walk.step(most, own),
            Way::Shared(walk) => walk.step(most, own).await,
        }
    }

    /// Resets counters that the last step has met; gives how many there were.
    ///
    /// # Errors
    /// Where their shard does not answer; some may have been reset.
    pub async fn reset(&mut self, counters: &[CounterKey]) -> Result<usize, Unread> {
        match &mut self.way {
            Way::Local(walk) => Ok(walk.reset(counters)),
            Way::Shared(walk) => walk.reset(counters).await,
        }
    }

    /// Where it goes on; nothing at its end.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        match &self.way {
            Way::Local(walk) => walk.position(),
            Way::Shared(walk) => walk.position(),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.cursor, self.place)
    }
}

impl FromStr for Position {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let (cursor, place) = text.split_once('@').ok_or(NoPosition)?;
        Ok(Self { place: place.to_owned(), cursor: cursor.parse().map_err(|_| NoPosition)? })
    }
}
