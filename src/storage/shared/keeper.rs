//! Looks after one shard: probes it while it is away, mends its counters when it is back, and counts the replicas that use it.
//!
//! It has a connection of its own, so nothing here queues in front of decisions, and no user's request is ever a probe.

mod restoring;
mod settling;

use std::sync::Arc;
use std::time::Duration;

use smallvec::smallvec;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::decision::hit::{Hit, OnStoreFailure, Role};
use crate::decision::key::CounterKey;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::request::{Entry, Hits};
use crate::decision::time::Timestamp;
use crate::storage::breaker::reason::FailureReason;
use crate::storage::redis::failure::Failure;
use crate::storage::redis::link::Link;
use crate::storage::redis::order::{Mode, Order, Outcome, Route};
use crate::storage::redis::side::Side;
use crate::storage::shared::keeper::restoring::{RESTORE_BEFORE_RETURN, RESTORE_STEP, Restoring, Since};
use crate::storage::shared::keepers::Replica;
use crate::storage::shared::shard::{ERRAND, Shard};
use crate::storage::shared::shards::Shards;
use crate::storage::slot::Slot;

/// How often the keeper looks whether there is something to do.
const TICK: Duration = Duration::from_millis(100);

/// Ticks between two announcements of this replica.
const ANNOUNCE_EVERY: u32 = 10;

/// Counters in one script call: more would hold Redis up for other callers.
const COUNTERS_PER_CALL: usize = 64;

/// Counters that are under way together: enough that Redis never waits for us.
const COUNTERS_AT_A_TIME: usize = 1_024;

/// The domain of probes. Rules cannot name it: theirs is never empty.
const PROBE_DOMAIN: &str = "";

/// Keys that are tried for one in a slot of the shard: so many that a node with a single slot is found one.
const MOST_PROBE_KEYS: u32 = 200_000;

/// Keeps one shard.
pub(super) struct Keeper {
    shards: Arc<Shards>,
    shard: Arc<Shard>,
    link: Link,
    side: Side,
    replica: Replica,
    policy_told: bool,
    restoring: Restoring,
}

impl Keeper {
    /// A keeper for this shard.
    pub(super) fn new(shards: &Arc<Shards>, shard: &Arc<Shard>, replica: Replica) -> Self {
        let side = shard.group().side(shard.address(), ERRAND);
        let link = shard.open_link();
        let (shards, shard) = (Arc::clone(shards), Arc::clone(shard));
        Self { shards, shard, link, side, replica, policy_told: false, restoring: Restoring::default() }
    }

    /// Keeps the shard for ever.
    pub(super) async fn run(mut self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for tick in (0..ANNOUNCE_EVERY).cycle() {
            ticks.tick().await;
            if self.shard.breaker().is_closed() {
                let mended = self.restore(RESTORE_STEP).await && self.settle().await;
                if mended && tick == 0 {
                    self.say_hello().await;
                }
            } else {
                self.try_again().await;
            }
        }
    }

    /// Probes a shard that is away, once its breaker says that it is time.
    async fn try_again(&mut self) {
        let shard = Arc::clone(&self.shard);
        let probing = shard.breaker().may_probe(shard.uptime());
        if probing.is_none() {
            return;
        }
        shard.tell(probing, &"its backoff has passed");
        match self.probe().await {
            // Back means: it counts, and it knows what was counted before and what was admitted while it was away.
            Ok(()) if self.mend().await => {
                shard.doubt_replicas();
                let closed = shard.breaker().probe_succeeded(shard.uptime());
                shard.tell(closed, &"a probe was counted and what was admitted meanwhile is settled");
                self.say_hello().await;
            }
            Ok(()) => self.probe_failed(&Failure::Timeout),
            Err(failure) => self.probe_failed(&failure),
        }
    }

    /// Tells a shard that is back all that it may not know; false where it did not take it.
    async fn mend(&mut self) -> bool {
        self.note_history(Since::BeforeAnOutage).await;
        self.restore(RESTORE_BEFORE_RETURN).await && self.settle().await
    }

    /// Reads the shard's clock, then lets it count a hit of our own: many a server that is of no use still tells the time.
    async fn probe(&self) -> Result<(), Failure> {
        told(self.link.probe(Instant::now() + ERRAND).await)?;
        // A server without slots counts nothing; that it answers is all there is to know.
        let Some((slot, key)) = self.probe_key() else { return Ok(()) };
        let limit = Limit::new(u32::MAX, Period::SECOND);
        let (role, on_store_failure) = (Role::default(), OnStoreFailure::Allow);
        let hit = Hit { key, limit, hits: Hits::Take(1), role, on_store_failure };
        let route = Route { slot, ..Route::default() };
        let order = Order {
            hits: smallvec![hit],
            mode: Mode::Count,
            now: self.shard.now_there((self.replica.own_time)()),
            route,
            trace: None,
        };
        // No sooner than requests would wait for it: a shard that answers late is of no use to them.
        let deadline = Instant::now() + self.shard.group().timeout();
        match told(self.link.count(order, deadline).await) {
            // It knows its place.
            Err(Failure::Moved(_) | Failure::Ask(_) | Failure::TryAgain)
                if self.shard.group().redirects() =>
            {
                Ok(())
            }
            Err(failure) => Err(failure),
            Ok(_) => Ok(()),
        }
    }

    /// A counter of nobody's that lives on this shard.
    fn probe_key(&self) -> Option<(Slot, CounterKey)> {
        let topology = self.shards.topology();
        if !topology.has_slots(&self.shard) {
            return None;
        }
        (0..MOST_PROBE_KEYS).find_map(|number: u32| {
            let entry = Entry { key: b"probe", value: &number.to_be_bytes() };
            let key = CounterKey::new(PROBE_DOMAIN, Period::SECOND, [entry].into_iter());
            let slot = self.shard.group().slot_of(key.as_bytes());
            Arc::ptr_eq(topology.shard_of(slot), &self.shard).then_some((slot, key))
        })
    }

    fn now(&self) -> Timestamp {
        self.shard.now((self.replica.own_time)())
    }

    fn probe_failed(&self, failure: &Failure) {
        let (uptime, jitter) = (self.shard.uptime(), self.shard.jitter());
        let failure = self.shard.cause(failure);
        let why = self.shard.reason(&failure).unwrap_or(FailureReason::UnexpectedReply);
        self.shard.tell(self.shard.breaker().probe_failed(why, uptime, jitter), &failure);
    }

    /// Announces this replica where replicas do so, and has a look at how the shard is set up.
    async fn say_hello(&mut self) {
        self.note_history(Since::Lately).await;
        self.shard.note_offset((self.replica.own_time)());
        if self.shards.has_roster(&self.shard) {
            match self.side.announce(self.replica.id, self.now()).await {
                Ok(alive) => self.shard.note_replicas(alive),
                Err(failure) => {
                    tracing::debug!(shard = %self.shard.name(), %failure, "this replica could not announce itself");
                }
            }
        }
        self.compare_rings().await;
        if !self.policy_told
            && let Ok(policy) = self.side.eviction_policy().await
        {
            self.policy_told = true;
            if let Some(policy) = policy {
                self.shard.note_eviction_policy(&policy);
                self.warn_of(&policy);
            }
        }
    }

    /// Announces this replica's ring, where the store is one, and hears of those of the others.
    async fn compare_rings(&self) {
        let Some(rings) = self.shard.group().rings() else { return };
        let own = rings.own().to_string();
        match self.side.announce_ring(&self.shard.group().rings_key(), &own, self.now()).await {
            Ok(told) => rings.hear(&told, Instant::now()),
            Err(failure) => {
                tracing::debug!(shard = %self.shard.address(), %failure, "this replica's ring could not be announced");
            }
        }
    }

    /// A server that evicts counters gives quota away.
    fn warn_of(&self, policy: &str) {
        if policy != "noeviction" {
            tracing::warn!(
                shard = %self.shard.name(), policy,
                "this Redis evicts keys when its memory is full, and with them counts; set maxmemory-policy noeviction",
            );
        }
    }
}

/// What was told, or why nothing was.
fn told<T>(outcome: Outcome<T>) -> Result<T, Failure> {
    match outcome {
        Outcome::Done(told) => Ok(told),
        Outcome::NotDone(failure) | Outcome::Unknown(failure) => Err(failure),
    }
}
