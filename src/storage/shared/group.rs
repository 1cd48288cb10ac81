//! Shards that belong together: a server, the masters that Sentinels name, a Redis Cluster, or a ring.
//!
//! A process has one group, or two: the second counts limits per second, which are hit most and worth least when they are
//! lost. Each has slots of its own, numbered one after the other, so that to everybody else there is one store.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::storage::Moment;
use crate::storage::redis::link::LinkSettings;
use crate::storage::redis::node::NodeAddress;
use crate::storage::redis::shard_time::ShardTime;
use crate::storage::redis::side::Side;
use crate::storage::shared::placement::Placement;
use crate::storage::shared::ring_watch::RingWatch;
use crate::storage::slot::Slot;

/// The key, behind the prefix, under which replicas announce themselves.
const ROSTER: &str = "replicas";

/// The same for the rings by which they place counters.
const RINGS: &str = "rings";

/// What is left of the caller's patience when an answer must be there, for the way back.
const MARGIN: Duration = Duration::from_millis(1);

/// How a group behaves.
#[derive(Debug, Clone)]
pub struct GroupSettings {
    /// What sets its shards' names apart from another group's; empty for the only one.
    pub name: &'static str,
    /// The budget of one request for all of its shards.
    pub timeout: Duration,
    /// Each connection.
    pub link: LinkSettings,
}

/// Shards that belong together.
#[derive(Debug)]
pub struct ShardGroup {
    settings: GroupSettings,
    placement: Placement,
    first_slot: u16,
    /// The latest reading of a shard's clock, for shards that were not reached yet.
    time: ArcSwapOption<ShardTime>,
    /// Of a ring only.
    rings: Option<RingWatch>,
    /// Rung when one of the shards behaves as if slots had moved, or is away.
    doubt: Notify,
}

impl ShardGroup {
    /// A group whose slots begin with this number.
    pub(super) fn new(settings: GroupSettings, placement: Placement, first_slot: u16) -> Self {
        let rings = placement.ring_hash().map(RingWatch::new);
        let (time, doubt) = (ArcSwapOption::empty(), Notify::new());
        Self { settings, placement, first_slot, time, rings, doubt }
    }

    /// What sets its shards' names apart.
    pub(super) fn name(&self) -> &'static str {
        self.settings.name
    }

    /// How counters are spread over its slots.
    pub(super) fn placement(&self) -> &Placement {
        &self.placement
    }

    /// How its connections behave.
    pub(super) fn link_settings(&self) -> &LinkSettings {
        &self.settings.link
    }

    /// The slot that has this key.
    pub(super) fn slot_of(&self, key: &[u8]) -> Slot {
        self.slot(self.placement.slot_of(key).0)
    }

    /// The slot that the group itself knows by this number.
    pub(super) fn slot(&self, number: u16) -> Slot {
        Slot(self.first_slot.saturating_add(number))
    }

    /// The slot that has the roster, where replicas announce themselves; in a ring they do so at every server.
    pub(super) fn roster_slot(&self) -> Option<Slot> {
        let spread = matches!(self.placement, Placement::Ring(_));
        (!spread).then(|| self.slot_of(ROSTER.as_bytes()))
    }

    /// The rings of servers that replicas place counters by, where this is a ring.
    pub(super) fn rings(&self) -> Option<&RingWatch> {
        self.rings.as_ref()
    }

    /// The key under which replicas announce their rings.
    pub(super) fn rings_key(&self) -> String {
        // Two groups may have servers and the prefix in common.
        let apart = if self.settings.name.is_empty() { "" } else { "-" };
        format!("{}{RINGS}{apart}{}", self.settings.link.key_prefix, self.settings.name)
    }

    /// Whether its shards send us to each other.
    pub(super) fn redirects(&self) -> bool {
        matches!(self.placement, Placement::Cluster(_))
    }

    /// The latest reading of a shard's clock.
    pub(super) fn time(&self) -> Option<ShardTime> {
        self.time.load().as_deref().copied()
    }

    /// Takes down a reading of a shard's clock.
    pub(super) fn note_time(&self, time: ShardTime) {
        self.time.store(Some(Arc::new(time)));
    }

    /// Until when an answer is of use to a request that began then: the budget, and never so late that the caller has gone.
    pub(super) fn deadline(&self, at: &Moment, begun: Instant) -> Instant {
        let budget = begun + self.settings.timeout;
        let patience = at.deadline.and_then(|deadline| deadline.checked_sub(MARGIN));
        patience.map_or(budget, |patience| patience.min(budget))
    }

    /// The budget of one request.
    pub(super) fn timeout(&self) -> Duration {
        self.settings.timeout
    }

    /// Connections to a server of the group for what is no decision.
    pub(super) fn side(&self, address: &NodeAddress, limit: Duration) -> Side {
        Side::new(address, format!("{}{ROSTER}", self.settings.link.key_prefix), limit)
    }

    /// Says that slots may have moved.
    pub(super) fn doubt(&self) {
        self.doubt.notify_one();
    }

    /// Waits until somebody says that slots may have moved.
    pub(super) async fn doubted(&self) {
        self.doubt.notified().await;
    }
}
