//! Counters that replicas share through Redis, and what keeps decisions flowing when it is away.
//!
//! A [`Shards`] is what the whole process knows of its shards: breakers, clocks, the ledger. Each runtime thread has a
//! [`SharedStore`] with connections of its own. A request's hits are grouped by shard and asked of all shards at once, within
//! the budget; whatever a shard does not answer is decided by the ledger, or as the rule says. A keeper per shard probes,
//! settles and counts the living replicas, so that no user's request ever carries a probe.

pub mod keeper;
pub mod metrics;
pub mod overview;
pub mod placement;
pub mod shard;

mod answers;
mod rescue;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;
use tokio::time::Instant;

use crate::decision::hit::{Batch, DeniedRequests, Hit};
use crate::storage::breaker::BreakerSettings;
use crate::storage::ledger::{Ledger, LedgerSettings};
use crate::storage::redis::link::{Link, LinkSettings};
use crate::storage::redis::order::{Counts, Mode, Order, Outcome};
use crate::storage::shared::answers::Answers;
use crate::storage::shared::placement::Placement;
use crate::storage::shared::shard::Shard;
use crate::storage::{CounterStore, Moment, Readings};

/// What is left of the caller's patience when an answer must be there, for the way back.
const MARGIN: Duration = Duration::from_millis(1);

/// How the shared store behaves.
#[derive(Debug, Clone)]
pub struct SharedSettings {
    /// The budget of one request for all of its shards.
    pub timeout: Duration,
    /// Each connection.
    pub link: LinkSettings,
    /// Each shard's breaker.
    pub breaker: BreakerSettings,
    /// What this replica remembers.
    pub ledger: LedgerSettings,
    /// Replicas that share the limits; `None`: those that announce themselves.
    pub replicas: Option<NonZeroU32>,
}

/// What the process knows of its shards.
#[derive(Debug)]
pub struct Shards {
    all: Box<[Arc<Shard>]>,
    placement: Placement,
    ledger: Ledger,
    settings: SharedSettings,
}

/// One runtime thread's way to the shards.
#[derive(Debug)]
pub struct SharedStore {
    shards: Arc<Shards>,
    links: Box<[Link]>,
}

/// The hits of one request that go to one shard, by their place in the batch.
#[derive(Debug)]
struct Group {
    shard: usize,
    hits: SmallVec<[usize; 2]>,
}

impl Shards {
    /// The shards at these addresses, placed so.
    #[must_use]
    pub fn new(shards: Vec<Shard>, placement: Placement, settings: SharedSettings) -> Self {
        let ledger = Ledger::new(settings.ledger);
        Self { all: shards.into_iter().map(Arc::new).collect(), placement, ledger, settings }
    }

    /// The shards, by their number.
    #[must_use]
    pub fn shards(&self) -> &[Arc<Shard>] {
        &self.all
    }

    /// What this replica knows of the counters.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Opens connections for the runtime that this is called on.
    #[must_use]
    pub fn open(self: &Arc<Self>) -> SharedStore {
        let links = self.all.iter().map(|shard| shard.open_link(&self.settings.link)).collect();
        SharedStore { shards: Arc::clone(self), links }
    }

    fn shard_of(&self, hit: &Hit) -> usize {
        self.placement.shard_of(hit.key.as_bytes())
    }

    fn group(&self, batch: &Batch<'_>, unanswered: impl Iterator<Item = usize>) -> SmallVec<[Group; 1]> {
        let mut groups: SmallVec<[Group; 1]> = SmallVec::new();
        for index in unanswered {
            let shard = self.shard_of(&batch.hits[index]);
            match groups.iter_mut().find(|group| group.shard == shard) {
                Some(group) => group.hits.push(index),
                None => groups.push(Group { shard, hits: SmallVec::from_slice(&[index]) }),
            }
        }
        groups
    }
}

impl CounterStore for SharedStore {
    async fn count(&self, batch: Batch<'_>, at: Moment) -> Readings {
        let deadline = self.deadline(&at);
        let mut answers = Answers::new(batch);
        answers.recall(&self.shards, at.now);
        let groups = self.shards.group(&batch, answers.unanswered());
        match groups.as_slice() {
            [] => {}
            [only] => {
                let outcome = self.ask(&batch, only, Alone::Yes, &at, deadline).await;
                answers.take(&self.shards, only, outcome, &at);
            }
            several => {
                let asked = several.iter().map(|group| self.ask(&batch, group, Alone::No, &at, deadline));
                let outcomes = futures_util::future::join_all(asked).await;
                for (group, outcome) in several.iter().zip(outcomes) {
                    answers.take(&self.shards, group, outcome, &at);
                }
            }
        }
        answers.rescue(&self.shards, &at);
        if groups.len() > 1 && batch.denied_requests == DeniedRequests::Ignore {
            self.give_back(&mut answers, &groups, &at, deadline).await;
        }
        answers.into_readings()
    }
}

/// Whether a group is all that the store is asked for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alone {
    Yes,
    No,
}

impl SharedStore {
    /// Until when an answer is of use: the budget, and never so late that the caller has gone.
    fn deadline(&self, at: &Moment) -> Instant {
        let budget = Instant::now() + self.shards.settings.timeout;
        let patience = at.deadline.and_then(|deadline| deadline.checked_sub(MARGIN));
        patience.map_or(budget, |patience| patience.min(budget))
    }

    /// Asks one shard; nothing where it is known to be away.
    async fn ask(
        &self,
        batch: &Batch<'_>,
        group: &Group,
        alone: Alone,
        at: &Moment,
        deadline: Instant,
    ) -> Option<Outcome<Counts>> {
        let shard = &self.shards.all[group.shard];
        if !shard.breaker().is_closed() {
            return None;
        }
        let hits = group.hits.iter().map(|&index| batch.hits[index].clone()).collect();
        let mode = match (Mode::of(batch), alone) {
            // What the other shards say of quotas is not known yet, so no shard may deny for quotas by itself.
            (Mode::CountUnlessDenied { .. }, Alone::No) => Mode::CountUnlessDenied { quota_left: true },
            (mode, _) => mode,
        };
        let order = Order { hits, mode, now: shard.now(at.now), slot: self.shards.placement.slot() };
        Some(self.links[group.shard].count(order, deadline).await)
    }
}
