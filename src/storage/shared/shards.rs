//! What the process knows of its shards: which there are, where counters live, and what this replica remembers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::storage::ledger::Ledger;
use crate::storage::redis::cluster_map::{ClusterMap, SLOTS};
use crate::storage::redis::failure::{Failure, Redirect};
use crate::storage::redis::node::NodeAddress;
use crate::storage::redis::side::Side;
use crate::storage::shared::SharedSettings;
use crate::storage::shared::placement::Placement;
use crate::storage::shared::shard::Shard;
use crate::storage::shared::topology::Topology;
use crate::storage::slot::Slot;

/// The key, behind the prefix, under which replicas announce themselves.
const ROSTER: &str = "replicas";

/// The shards of the process.
#[derive(Debug)]
pub struct Shards {
    pub(super) placement: Placement,
    pub(super) ledger: Ledger,
    pub(super) settings: SharedSettings,
    topology: ArcSwap<Topology>,
    /// The topology's, to be compared without taking it.
    version: AtomicU64,
    /// Held by whoever changes the topology.
    changing: Mutex<()>,
    /// Wakes who looks after changes of the topology.
    pub(super) changed: Notify,
}

/// What a Cluster's node says of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    /// Another node has it.
    Moved,
    /// Another node is about to have it.
    Moving,
}

impl Shards {
    /// The shards at these addresses, placed so.
    #[must_use]
    pub fn new(addresses: Vec<NodeAddress>, placement: Placement, settings: SharedSettings) -> Self {
        let shards = Shard::all(addresses, placement.moves(), &settings);
        let topology = ArcSwap::from_pointee(Topology::new(shards, &placement));
        Self {
            ledger: Ledger::new(settings.ledger),
            placement,
            settings,
            topology,
            version: AtomicU64::new(0),
            changing: Mutex::new(()),
            changed: Notify::new(),
        }
    }

    /// Which shards there are now.
    #[must_use]
    pub fn topology(&self) -> Arc<Topology> {
        self.topology.load_full()
    }

    /// The number of the topology there is now.
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// What this replica knows of the counters.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Takes in what the node `from` said of a slot; gives the other node's address, which is in the topology now.
    pub(super) fn note(&self, hint: Hint, redirect: &Redirect, from: &NodeAddress) -> Option<NodeAddress> {
        let target = redirect.target(from).filter(|_| redirect.slot < SLOTS)?;
        let now = Instant::now();
        let told_before = match hint {
            Hint::Moved => self.topology().shard_of(Slot(redirect.slot)).address() == &target,
            Hint::Moving => self.topology().stays(&target, now),
        };
        if told_before {
            return Some(target);
        }
        self.change(|topology| {
            let known = topology.admit(target.clone(), now);
            if let (Some(number), Hint::Moved) = (known, hint) {
                topology.give(redirect.slot..=redirect.slot, number);
            }
        });
        Some(target)
    }

    /// Takes over a map that the node `from` gave. Slots that it leaves out stay with whom they were.
    pub(super) fn adopt(&self, map: &ClusterMap, from: &NodeAddress) {
        let now = Instant::now();
        self.change(|topology| {
            for range in &map.ranges {
                let address = from.beside(range.host.as_deref(), range.port);
                match topology.admit(address, now) {
                    Some(number) => topology.give(range.first..=range.last, number),
                    None => tracing::warn!(
                        "this Redis Cluster has more nodes than are supported; some counters stay with their former ones"
                    ),
                }
            }
            topology.retire(now);
        });
    }

    /// Waits until somebody thinks that slots have moved.
    pub(super) async fn doubted(&self) {
        let topology = self.topology();
        topology.shard(0).doubted().await;
    }

    /// Whether replicas announce themselves at this shard: at every shard, but in a Cluster at the one that has the roster's slot.
    pub(super) fn has_roster(&self, shard: &Arc<Shard>) -> bool {
        let slot = self.placement.slot_of(ROSTER.as_bytes());
        !self.placement.moves() || Arc::ptr_eq(self.topology().shard_of(slot), shard)
    }

    /// Connections to a server for what is no decision.
    pub(super) fn side(&self, address: &NodeAddress, limit: Duration) -> Result<Side, Failure> {
        Ok(Side::new(address, format!("{}{ROSTER}", self.settings.link.key_prefix), limit))
    }

    fn change(&self, change: impl FnOnce(&mut Topology)) {
        let _one_at_a_time = self.changing.lock();
        let before = self.topology();
        let mut next = Topology::clone(&before);
        change(&mut next);
        if next.is_like(&before) {
            // How long guests may stay is all that can have changed, and concerns nobody else.
            return self.topology.store(Arc::new(next));
        }
        let version = next.advance();
        self.topology.store(Arc::new(next));
        self.version.store(version, Ordering::Release);
        self.changed.notify_one();
    }
}
