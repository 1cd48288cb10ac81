//! Which shard a counter lives on.

mod ring;

use crate::storage::redis::order::Slot;
use crate::storage::shared::placement::ring::Ring;

/// How counters are spread over shards. Every replica must place them alike.
#[derive(Debug)]
pub enum Placement {
    /// One server has them all.
    Single,
    /// Several independent servers, by consistent hashing of the key. A server that is away keeps its keys.
    Ring(Ring),
}

impl Placement {
    /// A ring of servers with these names. The names decide the placement, so they must be written alike everywhere.
    #[must_use]
    pub fn ring(names: &[String]) -> Self {
        Self::Ring(Ring::new(names))
    }

    /// The number of the shard that has this key.
    #[must_use]
    pub fn shard_of(&self, key: &[u8]) -> usize {
        match self {
            Placement::Single => 0,
            Placement::Ring(ring) => ring.find(key),
        }
    }

    /// What keys of one shard must have in common to share a script call: nothing, outside of a Redis Cluster.
    pub(super) fn slot(&self) -> Slot {
        Slot::default()
    }
}
