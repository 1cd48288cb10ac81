//! What the process knows of its shards: which there are, where counters live, and what this replica remembers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::decision::hit::Hit;
use crate::decision::period::Period;
use crate::storage::ledger::Ledger;
use crate::storage::redis::failure::Redirect;
use crate::storage::redis::node::NodeAddress;
use crate::storage::redis::slot_map::{SLOTS, SlotMap};
use crate::storage::shared::SharedSettings;
use crate::storage::shared::group::{GroupSettings, ShardGroup};
use crate::storage::shared::placement::Placement;
use crate::storage::shared::ring_watch::RingWatch;
use crate::storage::shared::shard::{Shard, ShardSettings};
use crate::storage::shared::topology::Topology;
use crate::storage::slot::Slot;

/// A group of shards as the settings name it.
#[derive(Debug)]
pub struct Members {
    /// How it behaves.
    pub settings: GroupSettings,
    /// How counters are spread.
    pub placement: Placement,
    /// The servers, or those to begin with.
    pub addresses: Vec<NodeAddress>,
}

/// The least time between two redirects that change the topology: each change costs every thread some work. Others are
/// followed all the same.
const CORRECT_EVERY: Duration = Duration::from_millis(2);

/// The shards of the process.
#[derive(Debug)]
pub struct Shards {
    /// Whoever counts limits per second by itself.
    per_second: Option<Arc<ShardGroup>>,
    main: Arc<ShardGroup>,
    pub(super) ledger: Ledger,
    topology: ArcSwap<Topology>,
    /// The topology's, to be compared without taking it.
    version: AtomicU64,
    /// Held by whoever changes the topology.
    changing: Mutex<()>,
    /// When a redirect changed it last.
    corrected: Mutex<Option<Instant>>,
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
    /// The shards of one group, or of two where limits per second are counted apart.
    #[must_use]
    pub fn new(main: Members, per_second: Option<Members>, settings: SharedSettings) -> Self {
        let SharedSettings { breaker, ledger, replicas } = settings;
        let mut topology = Topology::default();
        let mut add = |members: Members| {
            let group = ShardGroup::new(members.settings, members.placement, topology.slots());
            let group = Arc::new(group);
            topology.add(members.addresses, &group, ShardSettings { breaker, replicas });
            group
        };
        let main = add(main);
        let per_second = per_second.map(add);
        Self {
            per_second,
            main,
            ledger: Ledger::new(ledger),
            topology: ArcSwap::from_pointee(topology),
            version: AtomicU64::new(0),
            changing: Mutex::new(()),
            corrected: Mutex::new(None),
            changed: Notify::new(),
        }
    }

    /// The group that counts what no other one does.
    pub(super) fn main(&self) -> &ShardGroup {
        &self.main
    }

    /// The groups.
    pub fn groups(&self) -> impl Iterator<Item = &Arc<ShardGroup>> {
        std::iter::once(&self.main).chain(&self.per_second)
    }

    /// The slot that a hit's counter lives in.
    pub(super) fn slot_of(&self, hit: &Hit) -> Slot {
        self.group_of(hit.limit.period).slot_of(hit.key.as_bytes())
    }

    /// The group that counts limits of this unit.
    pub(super) fn group_of(&self, period: Period) -> &Arc<ShardGroup> {
        match &self.per_second {
            Some(per_second) if period == Period::SECOND => per_second,
            _ => &self.main,
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
    pub(super) fn note(&self, hint: Hint, redirect: &Redirect, from: &Shard) -> Option<NodeAddress> {
        let target = from.address().redirected(redirect).filter(|_| redirect.slot < SLOTS)?;
        let (group, now) = (from.group(), Instant::now());
        let slot = group.slot(redirect.slot);
        let topology = self.topology();
        let told_before = match hint {
            Hint::Moved => {
                group.doubt();
                let is_known = topology.find(group, &target).is_some();
                topology.shard_of(slot).address() == &target || (is_known && !self.may_correct(now))
            }
            Hint::Moving => topology.stays(group, &target, now),
        };
        if told_before {
            return Some(target);
        }
        self.change(|topology| {
            let known = topology.admit(group, target.clone(), now);
            if let (Some(number), Hint::Moved) = (known, hint) {
                topology.give(slot..=slot, number);
            }
        });
        Some(target)
    }

    /// Whether a redirect may change the topology again. Nodes that disagree would otherwise have every request change it back.
    fn may_correct(&self, now: Instant) -> bool {
        let mut corrected = self.corrected.lock();
        let may = corrected.is_none_or(|last| now >= last + CORRECT_EVERY);
        if may {
            *corrected = Some(now);
        }
        may
    }

    /// Takes over a group's map, where `beside` is what is not said of the other servers' addresses. Slots that it leaves out
    /// stay with whom they were.
    pub(super) fn adopt(&self, group: &Arc<ShardGroup>, map: &SlotMap, beside: &NodeAddress) {
        let now = Instant::now();
        let mut left_out = 0;
        self.change(|topology| {
            for range in &map.ranges {
                let address = beside.beside(range.host.as_deref(), range.port);
                match topology.admit(group, address, now) {
                    Some(number) => topology.give(group.slot(range.first)..=group.slot(range.last), number),
                    None => left_out += 1,
                }
            }
            topology.retire(now);
        });
        if left_out > 0 {
            tracing::warn!(
                left_out,
                "this Redis Cluster has more nodes than are supported; some ranges of slots stay with their former ones"
            );
        }
    }

    /// Whether replicas announce themselves at this shard.
    pub(super) fn has_roster(&self, shard: &Arc<Shard>) -> bool {
        let owns = |slot| Arc::ptr_eq(self.topology().shard_of(slot), shard);
        shard.group().roster_slot().is_none_or(owns)
    }

    /// The rings of servers that replicas place counters by, where the store is a ring.
    #[must_use]
    pub fn rings(&self) -> Option<&RingWatch> {
        self.groups().find_map(|group| group.rings())
    }

    fn change(&self, change: impl FnOnce(&mut Topology)) {
        let _one_at_a_time = self.changing.lock();
        let before = self.topology();
        let mut next = Topology::clone(&before);
        change(&mut next);
        self.hold_successors(&before, &next);
        if next.is_like(&before) {
            // How long guests may stay is all that can have changed, and concerns nobody else.
            return self.topology.store(Arc::new(next));
        }
        let version = next.advance();
        self.topology.store(Arc::new(next));
        self.version.store(version, Ordering::Release);
        self.changed.notify_one();
    }

    /// Lets shards that take the place of others wait until they know what was admitted without those: their keepers tell them,
    /// and let requests go there again.
    fn hold_successors(&self, before: &Topology, next: &Topology) {
        if self.ledger.figures().unsettled == 0 {
            return;
        }
        let successors = next.owners().into_iter().filter(|shard| !before.has_slots(shard));
        successors.for_each(|shard| shard.hold());
    }
}
