//! Deciding what shards did not answer, and taking back what counted for a request that is denied elsewhere.

use std::num::NonZeroU32;
use std::sync::Arc;

use smallvec::SmallVec;
use tokio::time::Instant;

use crate::decision::hit::{Batch, DeniedRequests, Hit, Leniency, OnStoreFailure, Role};
use crate::decision::reading::Reading;
use crate::decision::request::Hits;
use crate::decision::time::Timestamp;
use crate::storage::Moment;
use crate::storage::ledger::Share;
use crate::storage::redis::order::{GiveBack, Outcome, States};
use crate::storage::shared::answers::{Answers, Known};
use crate::storage::shared::redirect::{Question, Target};
use crate::storage::shared::shard::add;
use crate::storage::shared::view::View;
use crate::storage::shared::{Group, SharedStore};
use crate::storage::slot::Slot;

impl Answers<'_> {
    /// Decides every hit that is still without a reading, as its rule says.
    pub(super) fn rescue(&mut self, at: &Moment) {
        if self.known.iter().all(|known| known.reading().is_some()) {
            return;
        }
        for index in 0..self.known.len() {
            self.rescue_by_policy(index);
        }
        self.rescue_by_ledger(at);
    }

    /// `allow` and `deny` need no memory: what passes by `allow` counts against nobody, sent or not.
    fn rescue_by_policy(&mut self, index: usize) {
        let (hit, known) = (&self.batch.hits[index], self.known[index]);
        let policy = hit.on_store_failure;
        if known.reading().is_some() || policy == OnStoreFailure::Local {
            return;
        }
        let shard = self.shard(index);
        add(&shard.figures.fallback[policy as usize], 1);
        let over = policy == OnStoreFailure::Deny && !matches!(hit.hits, Hits::Refund(_));
        let count = if over { hit.limit.capacity() } else { 0 };
        self.known[index] = Known::Rescued(Reading::of_window(count, over));
    }

    /// The rest is decided by what this replica knows, all at once.
    fn rescue_by_ledger(&mut self, at: &Moment) {
        let missing: SmallVec<[usize; 2]> =
            (0..self.known.len()).filter(|&index| self.known[index].reading().is_none()).collect();
        let Some(&first) = missing.first() else { return };
        let hits: SmallVec<[Hit; 2]> = self.batch.part(&missing).collect();
        let slots: SmallVec<[Slot; 2]> = missing.iter().map(|&index| self.slots[index]).collect();
        let batch =
            Batch { hits: &hits, leniency: self.leniency(), denied_requests: self.batch.denied_requests };
        let now = self.shard(first).now(at.now);
        let share = self.share(&missing);
        let readings = self.ledger.decide(batch, &slots, share, now);
        let outcomes = hits.iter().zip(&readings).map(|(hit, reading)| (hit.role, *reading));
        let was_entered = !batch.leniency.denies(outcomes);
        for (&index, reading) in missing.iter().zip(readings) {
            let shard = self.shard(index);
            add(&shard.figures.fallback[OnStoreFailure::Local as usize], 1);
            self.known[index] = Known::Rescued(reading);
        }
        if batch.denied_requests == DeniedRequests::Ignore && was_entered && self.is_denied() {
            self.take_out(&missing, share, now);
        }
    }

    /// Takes locally admitted hits out again, because a part of the request that others decided denies it.
    fn take_out(&self, entered: &[usize], share: Share, now: Timestamp) {
        let refund = |&index: &usize| match self.batch.hits[index].hits {
            Hits::Take(amount) => {
                let hit = Hit { hits: Hits::Refund(amount), ..self.batch.hits[index].clone() };
                Some((hit, self.slots[index]))
            }
            Hits::Refund(_) => None,
        };
        let (hits, slots): (SmallVec<[Hit; 2]>, SmallVec<[Slot; 2]>) =
            entered.iter().filter_map(refund).unzip();
        let leniency = Leniency { never_denies: true, quota_left: true };
        let batch = Batch { hits: &hits, leniency, denied_requests: DeniedRequests::Count };
        let _ = self.ledger.decide(batch, &slots, share, now);
    }

    /// This replica's share of these hits: the smallest, where their shards have seen different numbers of replicas.
    fn share(&self, hits: &[usize]) -> Share {
        let shares = hits.iter().map(|&index| self.shard(index).share());
        shares.max_by_key(|share| share.replicas).unwrap_or(Share { replicas: NonZeroU32::MIN })
    }

    /// What descriptors all of whose hits have readings contribute to the verdict on the others.
    fn leniency(&self) -> Leniency {
        let (mut quota_left, mut room) = (self.batch.leniency.quota_left, false);
        for (hit, known) in self.batch.hits.iter().zip(&self.known) {
            if !hit.role.continues {
                quota_left |= room;
                room = hit.role.quota;
            }
            room &= known.reading().is_some_and(|reading| !reading.over || hit.role.shadow);
        }
        Leniency { quota_left: quota_left || room, ..self.batch.leniency }
    }

    /// Whether the request is denied, by all that is known.
    pub(super) fn is_denied(&self) -> bool {
        let all: SmallVec<[usize; 2]> = (0..self.known.len()).collect();
        let outcomes = self.outcomes(&all);
        self.batch.leniency.denies(outcomes)
    }

    /// Whether these hits deny the request by themselves.
    fn is_denied_by(&self, hits: &[usize]) -> bool {
        let leniency = Leniency { quota_left: true, ..self.batch.leniency };
        leniency.denies(self.outcomes(hits))
    }

    fn outcomes<'a>(&'a self, hits: &'a [usize]) -> impl Iterator<Item = (Role, Reading)> + 'a {
        hits.iter().filter_map(|&index| Some((self.batch.hits[index].role, self.known[index].reading()?)))
    }
}

impl SharedStore {
    /// Gives back what shards counted for a request that another shard's part denies. Never admits too much; a give-back that is
    /// lost stays counted, and a figure tells of it.
    pub(super) async fn give_back(
        &self,
        view: &Arc<View>,
        answers: &mut Answers<'_>,
        groups: &[Group],
        at: &Moment,
        begun: Instant,
    ) {
        if !answers.is_denied() {
            return;
        }
        let counted = |group: &&Group| !answers.is_denied_by(&group.hits);
        let groups: SmallVec<[&Group; 2]> = groups.iter().filter(counted).collect();
        let given: SmallVec<[_; 2]> = groups.iter().map(|group| amounts(answers, group)).collect();
        let asked =
            groups.iter().zip(&given).map(|(group, given)| self.give_to(view, group.slot, given, at, begun));
        futures_util::future::join_all(asked).await;
        for group in groups {
            for &index in &group.hits {
                if let (Known::Counted { reading, .. }, Hits::Take(amount)) =
                    (&mut answers.known[index], answers.batch.hits[index].hits)
                {
                    reading.count = reading.count.saturating_sub(u64::from(amount));
                }
            }
        }
    }

    async fn give_to(&self, view: &Arc<View>, slot: Slot, amounts: &[GiveBack], at: &Moment, begun: Instant) {
        if amounts.is_empty() {
            return;
        }
        let deadline = view.topology.shard_of(slot).group().deadline(at, begun);
        let outcome = self.ask(view, slot, &GiveBackQuestion { amounts, at, deadline }, deadline).await;
        if !matches!(outcome, Some(Outcome::Done(_))) {
            add(&view.topology.shard_of(slot).figures.lost_give_backs, amounts.len());
        }
    }
}

/// Take these hits back.
struct GiveBackQuestion<'q> {
    amounts: &'q [GiveBack],
    at: &'q Moment,
    deadline: Instant,
}

impl Question for GiveBackQuestion<'_> {
    type Told = States;

    async fn ask(&self, Target { link, shard, route }: Target<'_>) -> Outcome<States> {
        link.give_back(self.amounts, route.way, shard.now(self.at.now), self.deadline).await
    }
}

fn amounts(answers: &Answers<'_>, group: &Group) -> Vec<GiveBack> {
    let given = |&index: &usize| {
        let hit = &answers.batch.hits[index];
        match (answers.known[index], hit.hits) {
            // A meter has taken nothing for a hit that was denied.
            (Known::Counted { reading, .. }, hits)
                if hit.limit.algorithm.is_meter() && !reading.changes(hit.limit, hits) =>
            {
                None
            }
            (Known::Counted { window_start, .. }, Hits::Take(amount)) if amount > 0 => {
                Some(GiveBack { key: hit.key.clone(), limit: hit.limit, window_start, amount })
            }
            _ => None,
        }
    };
    group.hits.iter().filter_map(given).collect()
}
