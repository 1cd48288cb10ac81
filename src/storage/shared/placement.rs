//! Which slot a counter lives in.

mod hash_slots;
mod ring;

use crate::storage::redis::order::Way;
use crate::storage::redis::slot_map::SLOTS;
use crate::storage::shared::placement::hash_slots::HashSlots;
use crate::storage::shared::placement::ring::Ring;
use crate::storage::shared::ring_watch::RingHash;
use crate::storage::slot::Slot;

/// How counters are spread over slots. Every replica must place them alike, and a counter's slot never changes.
#[derive(Debug)]
pub enum Placement {
    /// One server has them all.
    Single,
    /// One address has them all, behind which a proxy spreads them over servers of its own by their keys.
    Proxy,
    /// Several independent servers, by consistent hashing of the key. A server that is away keeps its keys.
    Ring(Ring),
    /// A Redis Cluster's hash slots, which its nodes hand to each other.
    Cluster(HashSlots),
}

impl Placement {
    /// A ring of servers with these names. The names decide the placement, so they must be written alike everywhere.
    #[must_use]
    pub fn ring(names: &[String]) -> Self {
        Self::Ring(Ring::new(names))
    }

    /// A Redis Cluster, where every key begins with this prefix.
    #[must_use]
    pub fn cluster(key_prefix: &str) -> Self {
        Self::Cluster(HashSlots::new(key_prefix))
    }

    /// The slot that has this key.
    #[must_use]
    pub fn slot_of(&self, key: &[u8]) -> Slot {
        match self {
            Placement::Single | Placement::Proxy => Slot::default(),
            Placement::Ring(ring) => ring.find(key),
            Placement::Cluster(slots) => slots.of(key),
        }
    }

    /// The shard that has each slot to begin with. In a Cluster it is the first until a node has told us better.
    pub(super) fn first_owners(&self) -> Box<[u16]> {
        match self {
            Placement::Single | Placement::Proxy => Box::new([0]),
            Placement::Ring(ring) => (0..ring.servers()).collect(),
            Placement::Cluster(_) => vec![0; usize::from(SLOTS)].into(),
        }
    }

    /// What every replica must have alike, where it is up to the settings where a counter lives.
    pub(super) fn ring_hash(&self) -> Option<RingHash> {
        match self {
            Placement::Ring(ring) => Some(ring.hash()),
            Placement::Single | Placement::Proxy | Placement::Cluster(_) => None,
        }
    }

    /// Whether each key needs a script call of its own, because nobody here knows which keys live together.
    pub(super) fn keeps_keys_apart(&self) -> bool {
        matches!(self, Placement::Proxy)
    }

    /// How orders set out.
    pub(super) fn first_way(&self) -> Way {
        if self.keeps_keys_apart() { Way::OneKey } else { Way::Straight }
    }
}
