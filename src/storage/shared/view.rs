//! One runtime thread's picture of the shards: a topology, and a connection to each of its shards.

use std::sync::Arc;

use crate::storage::redis::link::Link;
use crate::storage::shared::shards::Shards;
use crate::storage::shared::topology::Topology;

/// A topology with links.
#[derive(Debug)]
pub(super) struct View {
    pub(super) topology: Arc<Topology>,
    links: Box<[Link]>,
}

impl View {
    /// A view of the topology that there is now, on the runtime that this is called on.
    pub(super) fn open(shards: &Shards) -> Self {
        let topology = shards.topology();
        let links = topology.shards().map(|shard| shard.open_link()).collect();
        Self { topology, links }
    }

    /// A view of the topology that there is now; links to shards that stay are kept.
    pub(super) fn renewed(&self, shards: &Shards) -> Self {
        let topology = shards.topology();
        let kept = |shard| {
            let number = self.topology.shards().position(|known| Arc::ptr_eq(known, shard))?;
            self.links.get(number).cloned()
        };
        let link = |shard| kept(shard).unwrap_or_else(|| shard.open_link());
        let links = topology.shards().map(link).collect();
        Self { topology, links }
    }

    /// The link to the shard of this number.
    pub(super) fn link(&self, number: usize) -> &Link {
        &self.links[number]
    }
}
