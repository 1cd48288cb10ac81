//! One shard as the whole process sees it: its breaker, its clock, how many replicas use it, and its figures.

mod hearing;

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::decision::time::Timestamp;
use crate::storage::breaker::reason::FailureReason;
use crate::storage::breaker::shared::SharedBreaker;
use crate::storage::breaker::{BreakerSettings, Jitter, Transition, Uptime};
use crate::storage::chance::Chance;
use crate::storage::ledger::Share;
use crate::storage::redis::failure::Failure;
use crate::storage::redis::link::Link;
use crate::storage::redis::node::NodeAddress;
use crate::storage::redis::order::Now;
use crate::storage::redis::shard_time::ShardTime;
use crate::storage::shared::group::ShardGroup;
use crate::storage::shared::headcount::Headcount;
use crate::storage::shared::metrics::calls::CallHistograms;
use crate::storage::shared::shard::hearing::Hearing;
use crate::storage::trace;

/// One shard.
#[derive(Debug)]
pub struct Shard {
    address: NodeAddress,
    group: Arc<ShardGroup>,
    settings: ShardSettings,
    /// Replicas that announce themselves; one number for all shards that take each other's place.
    replicas: Arc<Headcount>,
    breaker: SharedBreaker,
    started: Instant,
    time: ArcSwapOption<ShardTime>,
    offset_millis: AtomicI64,
    eviction_policy: ArcSwapOption<String>,
    chance: Chance,
    /// The address that its name moved to last.
    renamed: ArcSwapOption<SocketAddr>,
    /// Why no connection to it could be made, while none can be.
    unreachable: ArcSwapOption<Failure>,
    /// Why it was said to be away.
    told: Mutex<Option<FailureReason>>,
    /// What happened at it.
    pub figures: ShardFigures,
}

/// How a shard is treated.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShardSettings {
    /// Its breaker.
    pub(super) breaker: BreakerSettings,
    /// Replicas that share its limits; `None`: those that announce themselves.
    pub(super) replicas: Option<NonZeroU32>,
}

/// What happened at a shard.
#[derive(Debug, Default)]
pub struct ShardFigures {
    /// Orders that were answered.
    pub answered: AtomicU64,
    /// Orders and probes that failed.
    pub failed: AtomicU64,
    /// Script calls.
    pub calls: AtomicU64,
    /// Script calls by what became of them, how long they took, and what they carried.
    pub calls_made: CallHistograms,
    /// Flights that are under way on all its links.
    pub flights: AtomicUsize,
    /// Hits that were decided without it: by the ledger, by a rule's `allow`, by a rule's `deny`.
    pub fallback: [AtomicU64; 3],
    /// Keys that held what is not ours.
    pub foreign: AtomicU64,
    /// Counters that were settled.
    pub settled: AtomicU64,
    /// Hits that should have been given back and perhaps were not.
    pub lost_give_backs: AtomicU64,
}

impl ShardFigures {
    /// Hits that were decided without it, by what decided them.
    #[must_use]
    pub fn fallback_by_policy(&self) -> [(&'static str, u64); 3] {
        let [local, allow, deny] = self.fallback.each_ref().map(|count| count.load(Ordering::Relaxed));
        [("local", local), ("allow", allow), ("deny", deny)]
    }
}

/// Adds one, or more.
pub(super) fn add(counter: &AtomicU64, amount: usize) {
    counter.fetch_add(amount as u64, Ordering::Relaxed);
}

impl Shard {
    /// A shard of this group.
    pub(super) fn new(address: NodeAddress, group: &Arc<ShardGroup>, settings: ShardSettings) -> Self {
        Self::with(address, Arc::clone(group), settings, Arc::new(Headcount::new()))
    }

    /// Another server that may take this one's place.
    pub(super) fn beside(&self, address: NodeAddress) -> Self {
        Self::with(address, Arc::clone(&self.group), self.settings, Arc::clone(&self.replicas))
    }

    fn with(
        address: NodeAddress,
        group: Arc<ShardGroup>,
        settings: ShardSettings,
        replicas: Arc<Headcount>,
    ) -> Self {
        Self {
            address,
            breaker: SharedBreaker::new(settings.breaker),
            group,
            settings,
            replicas,
            started: Instant::now(),
            time: ArcSwapOption::empty(),
            offset_millis: AtomicI64::new(0),
            eviction_policy: ArcSwapOption::empty(),
            chance: Chance::default(),
            renamed: ArcSwapOption::empty(),
            unreachable: ArcSwapOption::empty(),
            told: Mutex::default(),
            figures: ShardFigures::default(),
        }
    }

    /// Its breaker.
    #[must_use]
    pub fn breaker(&self) -> &SharedBreaker {
        &self.breaker
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> &NodeAddress {
        &self.address
    }

    /// What it is called in logs and metrics: its address, and its group where there are two.
    #[must_use]
    pub fn name(&self) -> String {
        match self.group.name() {
            "" => self.address.to_string(),
            group => format!("{} ({group})", self.address),
        }
    }

    /// What time it is there, as this replica estimates it; until it was reached once, what time it is where others of its group
    /// are, or else by this replica's own clock.
    #[must_use]
    pub fn now(&self, own: Timestamp) -> Timestamp {
        match self.now_there(own) {
            Now::There(now) | Now::Here(now) => now,
        }
    }

    /// The same, with whose time it is.
    pub(super) fn now_there(&self, own: Timestamp) -> Now {
        let read = self.time.load().as_deref().copied().or_else(|| self.group.time());
        read.map_or(Now::Here(own), |read| Now::There(read.at(Instant::now())))
    }

    /// Takes down how far its clock is ahead of this replica's.
    pub(super) fn note_offset(&self, own: Timestamp) {
        let millis = |time: Timestamp| i64::try_from(time.millis()).unwrap_or(0);
        self.offset_millis.store(millis(self.now(own)) - millis(own), Ordering::Relaxed);
    }

    /// How far its clock is ahead of this replica's, in milliseconds, when it was last asked.
    #[must_use]
    pub fn offset_millis(&self) -> i64 {
        self.offset_millis.load(Ordering::Relaxed)
    }

    /// This replica's share while the shard is away: the last number of replicas that was known holds.
    #[must_use]
    pub fn share(&self) -> Share {
        Share { replicas: self.settings.replicas.unwrap_or_else(|| self.replicas.alive()) }
    }

    /// Learns how many replicas announce themselves at the shard.
    pub(super) fn note_replicas(&self, alive: u32) {
        self.replicas.note(alive, Instant::now());
    }

    /// The shard may have forgotten replicas: it is back after a while, or has lost its memory. The others find it again when
    /// their breakers say so.
    pub(super) fn doubt_replicas(&self) {
        self.replicas.doubt(Instant::now(), self.settings.breaker.max_backoff);
    }

    /// The shards that it belongs to.
    pub(super) fn group(&self) -> &Arc<ShardGroup> {
        &self.group
    }

    /// Its `maxmemory-policy`, once it has told.
    #[must_use]
    pub fn eviction_policy(&self) -> Option<Arc<String>> {
        self.eviction_policy.load_full()
    }

    pub(super) fn note_eviction_policy(&self, policy: &str) {
        self.eviction_policy.store(Some(Arc::new(policy.to_owned())));
    }

    pub(super) fn uptime(&self) -> Uptime {
        self.started.elapsed()
    }

    /// A number that keeps replicas from doing things in step.
    pub(super) fn jitter(&self) -> Jitter {
        Jitter::new(self.chance.fraction(Instant::now().duration_since(self.started).as_nanos()))
    }

    pub(super) fn open_link(self: &Arc<Self>) -> Link {
        Link::open(self.address.clone(), self.group.link_settings().clone(), Arc::new(Hearing::of(self)))
    }

    /// Sends no request there until its keeper has told it what was admitted meanwhile.
    pub(super) fn hold(&self) {
        let why = "it takes the place of another one, and is told first what was admitted meanwhile";
        self.tell(self.breaker.hold(self.uptime()), &why);
    }

    /// Logs a change of the breaker's state: one line when the shard goes, another one where the reason becomes another one, and one when it is
    /// back; not one for each request or probe.
    pub(super) fn tell(&self, transition: Option<Transition>, why: &dyn fmt::Display) {
        let Some(transition) = transition else { return };
        self.group.doubt();
        trace::breaker_changed(&self.group.link_settings().tracer, &self.name(), transition, why);
        let Transition { from, to } = transition;
        let (shard, from, to) = (self.name(), from.name(), to.name());
        match to {
            "open" if self.is_news(from) => {
                tracing::warn!(%shard, from, to, %why, "the shard is away: its counters are decided by this replica");
            }
            "open" => tracing::debug!(%shard, from, to, %why, "the shard is still away"),
            "closed" => {
                tracing::info!(%shard, from, to, %why, "the shard is back: its counters are shared again");
            }
            _ => tracing::debug!(%shard, from, to, %why, "the shard is being probed"),
        }
    }
}

impl Shard {
    /// Whether it was not said yet that the shard is away, for this reason.
    fn is_news(&self, from: &str) -> bool {
        let reason = self.breaker.snapshot().last_failure();
        let told = std::mem::replace(&mut *self.told.lock(), reason);
        from == "closed" || told != reason
    }
}

/// How long what is no request may wait for a shard.
pub(super) const ERRAND: Duration = Duration::from_secs(1);
