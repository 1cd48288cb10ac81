//! Looks after one shard: probes it while it is away, settles when it is back, and counts the replicas that use it.
//!
//! It has a connection of its own, so nothing here queues in front of decisions, and no user's request is ever a probe.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::decision::key::CounterKey;
use crate::decision::time::Timestamp;
use crate::storage::breaker::reason::FailureReason;
use crate::storage::ledger::settlement::{self, SettlementRound};
use crate::storage::redis::failure::Failure;
use crate::storage::redis::link::Link;
use crate::storage::redis::order::{Outcome, Settlement, SettlementId};
use crate::storage::redis::side::Side;
use crate::storage::shared::Shards;
use crate::storage::shared::shard::{ERRAND, Shard, add, reason};

/// How often the keeper looks whether there is something to do.
const TICK: Duration = Duration::from_millis(100);

/// Ticks between two announcements of this replica.
const ANNOUNCE_EVERY: u32 = 10;

/// Rounds of one settlement at the most.
const MOST_ROUNDS: usize = 4;

/// Counters that are settled by one script call.
const SETTLE_BATCH: usize = 64;

/// Keeps one shard.
pub struct Keeper {
    shards: Arc<Shards>,
    shard: Arc<Shard>,
    link: Link,
    side: Side,
    replica: u64,
    own_time: Box<dyn Fn() -> Timestamp + Send + Sync>,
    policy_told: bool,
}

impl Keeper {
    /// A keeper for the shard of this number. `replica` tells this process from every other one, and `own_time` is its clock.
    ///
    /// # Errors
    /// Where the shard's address cannot be connected to by its form.
    pub fn new(
        shards: &Arc<Shards>,
        number: usize,
        replica: u64,
        own_time: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Self, Failure> {
        let shard = Arc::clone(&shards.all[number]);
        let settings = &shards.settings.link;
        let side = Side::new(shard.address(), &settings.key_prefix, ERRAND)?;
        let link = shard.open_link(settings);
        let (shards, own_time) = (Arc::clone(shards), Box::new(own_time));
        Ok(Self { shards, shard, link, side, replica, own_time, policy_told: false })
    }

    /// Keeps the shard for ever.
    pub async fn run(mut self) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for tick in (0..ANNOUNCE_EVERY).cycle() {
            ticks.tick().await;
            if self.shard.breaker().is_closed() {
                let settled = self.settle().await;
                if settled && tick == 0 {
                    self.announce().await;
                }
            } else {
                self.try_again().await;
            }
        }
    }

    /// Probes a shard that is away, once its breaker says that it is time.
    async fn try_again(&mut self) {
        let breaker = self.shard.breaker();
        let probing = breaker.may_probe(self.shard.uptime());
        if probing.is_none() {
            return;
        }
        self.shard.tell(probing, &"its backoff has passed");
        match self.link.probe(Instant::now() + ERRAND).await {
            // Back means: it answers, and it knows what was admitted while it was away.
            Outcome::Done(_) if self.settle().await => {
                let closed = breaker.probe_succeeded(self.shard.uptime());
                self.shard.tell(closed, &"a probe was answered and what was admitted meanwhile is settled");
                self.announce().await;
            }
            Outcome::Done(_) => self.probe_failed(&Failure::Timeout),
            Outcome::NotDone(failure) | Outcome::Unknown(failure) => self.probe_failed(&failure),
        }
    }

    fn probe_failed(&self, failure: &Failure) {
        let (uptime, jitter) = (self.shard.uptime(), self.shard.jitter());
        let why = reason(failure).unwrap_or(FailureReason::UnexpectedReply);
        self.shard.tell(self.shard.breaker().probe_failed(why, uptime, jitter), failure);
    }

    /// Tells the shard what was admitted without it; false where it did not take it.
    ///
    /// A counter whose last settlement was lost tells that one again first, and what came later in the next round. Under load
    /// there is always something new, so rounds are bounded; the rest is settled at the next tick.
    async fn settle(&self) -> bool {
        for _ in 0..MOST_ROUNDS {
            match self.settle_round().await {
                Some(0) => return true,
                Some(_) => {}
                None => return false,
            }
        }
        true
    }

    /// Goes through all counters once; gives how many were settled, nothing where the shard did not take them.
    async fn settle_round(&self) -> Option<usize> {
        let (mut round, mut settled) = (SettlementRound::new(self.shard.id()), 0);
        loop {
            let now = self.shard.now((self.own_time)());
            let found = self.shards.ledger.unsettled(&mut round, now, SETTLE_BATCH);
            if found.is_empty() {
                return Some(settled);
            }
            if !self.settle_some(&found, now).await {
                return None;
            }
            settled += found.len();
        }
    }

    async fn settle_some(&self, found: &[settlement::Settlement], now: Timestamp) -> bool {
        let asked: Vec<Settlement> =
            found.iter().filter_map(|settlement| self.as_order(settlement)).collect();
        match self.link.settle(&asked, now, Instant::now() + ERRAND).await {
            Outcome::Done(windows) => {
                for (settlement, window) in found.iter().zip(windows) {
                    // A foreign value under the key cannot be settled with; its window will end.
                    let count = window.map_or(settlement.read, |window| window.count);
                    self.shards.ledger.settled(settlement, count, now);
                }
                add(&self.shard.figures.settled, found.len());
                true
            }
            Outcome::NotDone(failure) | Outcome::Unknown(failure) => {
                tracing::debug!(shard = %self.shard.address(), %failure, "a settlement will be sent again");
                false
            }
        }
    }

    fn as_order(&self, settlement: &settlement::Settlement) -> Option<Settlement> {
        Some(Settlement {
            key: CounterKey::from_stored(&settlement.key)?,
            unit: settlement.unit,
            window_start: settlement.window_start,
            last_read: settlement.read,
            admitted: settlement.admitted,
            id: SettlementId { replica: self.replica, outage: settlement.id.0 },
        })
    }

    async fn announce(&mut self) {
        match self.side.announce(self.replica, self.shard.now((self.own_time)())).await {
            Ok(alive) => self.shard.note_replicas(alive),
            Err(failure) => {
                tracing::debug!(shard = %self.shard.address(), %failure, "this replica could not announce itself");
            }
        }
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

    /// A server that evicts counters gives quota away.
    fn warn_of(&self, policy: &str) {
        if policy != "noeviction" {
            tracing::warn!(
                shard = %self.shard.address(), policy,
                "this Redis evicts keys when its memory is full, and with them counts; set maxmemory-policy noeviction",
            );
        }
    }

    /// Says good-bye to a shard, so that the others' shares grow at once.
    pub async fn leave(shards: &Shards, number: usize, replica: u64) {
        let shard = &shards.all[number];
        let side = Side::new(shard.address(), &shards.settings.link.key_prefix, ERRAND / 4);
        // A shard that is away forgets this replica by itself.
        if let Ok(side) = side
            && let Err(failure) = side.leave(replica).await
        {
            tracing::debug!(shard = %shard.address(), %failure, "this replica could not say good-bye");
        }
    }
}
