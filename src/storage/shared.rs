//! Counters that replicas share through Redis, and what keeps decisions flowing when it is away.
//!
//! [`Shards`] is what the whole process knows of its shards: breakers, clocks, the ledger. Each runtime thread has a
//! [`SharedStore`] with connections of its own. A request's hits are grouped by slot and asked of all shards at once, within
//! the budget; whatever a shard does not answer is decided by the ledger, or as the rule says. A keeper per shard probes,
//! settles and counts the living replicas, so that no user's request ever carries a probe. Of a Redis Cluster, a surveyor
//! learns which node has which slots, beside what redirects tell.

pub mod group;
pub mod inspect;
pub mod keepers;
pub mod metrics;
pub mod overview;
pub mod placement;
pub mod ring_watch;
pub mod shard;
pub mod shards;
pub mod surveyor;
pub mod topology;

mod answers;
mod headcount;
mod keeper;
mod redirect;
mod rescue;
mod view;

#[cfg(test)]
mod tests;

use std::num::NonZeroU32;
use std::sync::Arc;

use arc_swap::ArcSwap;
use smallvec::SmallVec;
use tokio::time::Instant;

use crate::decision::hit::{Batch, DeniedRequests};
use crate::decision::time::Timestamp;
use crate::storage::breaker::BreakerSettings;
use crate::storage::ledger::LedgerSettings;
use crate::storage::redis::order::{Counts, Mode, Order, Outcome};
use crate::storage::shared::answers::Answers;
use crate::storage::shared::redirect::{Question, Target};
use crate::storage::shared::shards::Shards;
use crate::storage::shared::view::View;
use crate::storage::slot::Slot;
use crate::storage::{CounterStore, HitAnswers, Moment};

/// How the shared store behaves.
#[derive(Debug, Clone, Copy)]
pub struct SharedSettings {
    /// Each shard's breaker.
    pub breaker: BreakerSettings,
    /// What this replica remembers.
    pub ledger: LedgerSettings,
    /// Replicas that share the limits; `None`: those that announce themselves.
    pub replicas: Option<NonZeroU32>,
}

/// One runtime thread's way to the shards.
#[derive(Debug)]
pub struct SharedStore {
    shards: Arc<Shards>,
    view: ArcSwap<View>,
}

/// The hits of one request that live in one slot, and where keys are kept apart those on one key, by their place in the batch.
/// One server counts them together.
#[derive(Debug)]
struct Group {
    slot: Slot,
    hits: SmallVec<[usize; 2]>,
}

/// Whether a group is all that the store is asked for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alone {
    Yes,
    No,
}

impl CounterStore for SharedStore {
    async fn count(&self, batch: Batch<'_>, at: Moment) -> HitAnswers {
        let (view, begun) = (self.view(), Instant::now());
        let mut answers = Answers::new(batch, &self.shards, &view.topology);
        answers.recall(at.now);
        let groups = answers.unanswered();
        match groups.as_slice() {
            [] => {}
            [only] => {
                let outcome = self.count_group(&view, &batch, only, Alone::Yes, &at, begun).await;
                answers.take(only, outcome, &at);
            }
            several => {
                let count =
                    several.iter().map(|group| self.count_group(&view, &batch, group, Alone::No, &at, begun));
                let outcomes = futures_util::future::join_all(count).await;
                for (group, outcome) in several.iter().zip(outcomes) {
                    answers.take(group, outcome, &at);
                }
            }
        }
        answers.rescue(&at);
        if groups.len() > 1 && batch.denied_requests == DeniedRequests::Ignore {
            self.give_back(&view, &mut answers, &groups, &at, begun).await;
        }
        answers.into_hit_answers()
    }

    /// Servers' clocks hardly differ from each other, whatever this replica's own does; the main group's latest reading will do.
    fn time(&self, own: Timestamp) -> Timestamp {
        self.shards.main().time().map_or(own, |time| time.at(Instant::now()))
    }
}

impl SharedStore {
    /// Opens connections to all shards on the runtime that this is called on.
    #[must_use]
    pub fn open(shards: &Arc<Shards>) -> Self {
        Self { shards: Arc::clone(shards), view: ArcSwap::from_pointee(View::open(shards)) }
    }

    /// The shards as they are now.
    fn view(&self) -> Arc<View> {
        let view = self.view.load_full();
        if view.topology.version() == self.shards.version() {
            return view;
        }
        let renewed = Arc::new(view.renewed(&self.shards));
        self.view.store(Arc::clone(&renewed));
        renewed
    }

    /// Lets one shard count; nothing where it is known to be away.
    async fn count_group(
        &self,
        view: &Arc<View>,
        batch: &Batch<'_>,
        group: &Group,
        alone: Alone,
        at: &Moment,
        begun: Instant,
    ) -> Option<Outcome<Counts>> {
        let mode = match (Mode::of(batch), alone) {
            // What the other groups say of quotas is not known yet, so none may deny for quotas by itself.
            (Mode::CountUnlessDenied { .. }, Alone::No) => Mode::CountUnlessDenied { quota_left: true },
            (mode, _) => mode,
        };
        let deadline = view.topology.shard_of(group.slot).group().deadline(at, begun);
        let question = CountQuestion { batch, group, mode, at, deadline };
        self.ask(view, group.slot, &question, deadline).await
    }
}

/// Count these hits.
struct CountQuestion<'q> {
    batch: &'q Batch<'q>,
    group: &'q Group,
    mode: Mode,
    at: &'q Moment,
    deadline: Instant,
}

impl Question for CountQuestion<'_> {
    type Told = Counts;

    async fn ask(&self, Target { link, shard, route }: Target<'_>) -> Outcome<Counts> {
        let hits = self.batch.part(&self.group.hits).collect();
        let (now, trace) = (shard.now_there(self.at.now), self.at.trace);
        let order = Order { hits, mode: self.mode, now, route, trace };
        link.count(order, self.deadline).await
    }
}
