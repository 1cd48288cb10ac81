//! Restoring: a shard that may have lost counts is told those that this replica read.
//!
//! A server that was started anew, or became a master, says so by naming another history of its data. One that was merely
//! away has lost nothing, and is not held up with counts that it knows.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::{COUNTERS_AT_A_TIME, Keeper, told};
use crate::decision::key::CounterKey;
use crate::decision::period::Period;
use crate::decision::time::Timestamp;
use crate::storage::ledger::restoration::RestorationRound;
use crate::storage::redis::order::{Settlement, SettlementId};
use crate::storage::shared::shard::ERRAND;
use crate::storage::slot::Slot;

/// How long requests are kept from a shard that is back while it is told what was read; the rest is told while it counts.
pub(super) const RESTORE_BEFORE_RETURN: Duration = Duration::from_secs(10);

/// How long a tick goes on telling a shard that counts what was read.
pub(super) const RESTORE_STEP: Duration = Duration::from_millis(100);

/// What a keeper knows of its shard's memory.
#[derive(Debug, Default)]
pub(super) struct Restoring {
    history: Option<String>,
    /// Nothing where the shard has been told all.
    round: Option<RestorationRound>,
}

/// When the shard's history was looked at last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    Lately,
    BeforeAnOutage,
}

/// A counter that the shard is told.
struct Known {
    slot: Slot,
    settlement: Settlement,
}

impl Keeper {
    /// Has a look whether the shard's data are still the same, and begins to restore them where they may not be.
    pub(super) async fn note_history(&mut self, since: Since) {
        let told = self.side.history().await.ok().flatten();
        let lost = match &told {
            Some(_) => told != self.restoring.history,
            // One that does not tell may have lost something whenever it was away.
            None => since == Since::BeforeAnOutage,
        };
        self.restoring.history = told.or(self.restoring.history.take());
        if lost {
            self.shard.doubt_replicas();
            self.begin_to_restore();
        }
    }

    /// Sees to it that the shard is told everything that was read, if anything was: a process that has just started knows
    /// nothing of what was before, and nothing that came later can have been lost.
    pub(in crate::storage::shared) fn begin_to_restore(&mut self) {
        let knows_something = self.shards.ledger.figures().readings > 0;
        self.restoring.round = knows_something.then(RestorationRound::new);
    }

    /// Goes on telling the shard what was read, for so long at the most; false where it did not take it.
    pub(in crate::storage::shared) async fn restore(&mut self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        while let Some(mut round) = self.restoring.round.filter(|_| Instant::now() < until) {
            let (now, known) = self.next_known(&mut round);
            let calls = self.in_calls(&known, |known| known.slot).map(|known| self.restore_call(known, now));
            if !join_all(calls).await.into_iter().all(|taken| taken) {
                return false;
            }
            self.restoring.round = (!known.is_empty()).then_some(round);
        }
        true
    }

    /// The next counters that were read and that the shard has, sorted by slot.
    fn next_known(&self, round: &mut RestorationRound) -> (Timestamp, Vec<Known>) {
        let (now, topology, group) = (self.now(), self.shards.topology(), self.shard.group());
        let slot = |key: &CounterKey| group.slot_of(key.as_bytes());
        let has = |key: &CounterKey, period| {
            self.counts(period) && Arc::ptr_eq(topology.shard_of(slot(key)), &self.shard)
        };
        let read = self.shards.ledger.read_counts(round, has, now, COUNTERS_AT_A_TIME);
        let known = read.into_iter().map(|count| Known {
            slot: slot(&count.key),
            settlement: Settlement {
                key: count.key,
                limit: count.limit,
                read: count.read,
                admitted: 0,
                came: Box::default(),
                id: SettlementId { replica: self.replica.id, outage: 0 },
            },
        });
        let mut known: Vec<Known> = known.collect();
        known.sort_by_key(|known| known.slot);
        (now, known)
    }

    /// Whether limits of this unit are counted in the shard's group: where there are two, one has those per second.
    fn counts(&self, period: Period) -> bool {
        let per_second = self.shards.groups().nth(1);
        per_second.is_none_or(|group| Arc::ptr_eq(group, self.shard.group()) == (period == Period::SECOND))
    }

    /// Tells counts of one slot; false where the shard did not take them.
    async fn restore_call(&self, known: &[Known], now: Timestamp) -> bool {
        let asked: Vec<Settlement> = known.iter().map(|known| known.settlement.clone()).collect();
        match told(self.link.settle(&asked, now, Instant::now() + ERRAND).await) {
            Ok(_) => true,
            Err(failure) => self.is_elsewhere(&failure),
        }
    }
}
