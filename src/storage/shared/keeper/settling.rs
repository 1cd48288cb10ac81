//! Settling: a shard is told what was admitted without it.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::{COUNTERS_AT_A_TIME, COUNTERS_PER_CALL, Keeper, told};
use crate::decision::key::CounterKey;
use crate::decision::time::Timestamp;
use crate::storage::ledger::settlement::{self, SettlementRound};
use crate::storage::redis::failure::Failure;
use crate::storage::redis::order::{Settlement, SettlementId};
use crate::storage::shared::shard::{ERRAND, add};
use crate::storage::shared::shards::Hint;
use crate::storage::slot::Slot;

/// Rounds of one settlement at the most.
const MOST_ROUNDS: usize = 4;

impl Keeper {
    /// Tells the shard what was admitted without it; false where it did not take it.
    ///
    /// A counter whose last settlement was lost tells that one again first, and what came later in the next round. Under load
    /// there is always something new, so rounds are bounded; the rest is settled at the next tick.
    pub(in crate::storage::shared) async fn settle(&self) -> bool {
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
        let (mut round, mut settled) = (SettlementRound::new(), 0);
        loop {
            let (now, topology) = (self.now(), self.shards.topology());
            let has = |slot| Arc::ptr_eq(topology.shard_of(slot), &self.shard);
            let mut found = self.shards.ledger.unsettled(&mut round, has, now, COUNTERS_AT_A_TIME);
            if found.is_empty() {
                return Some(settled);
            }
            found.sort_by_key(|settlement| settlement.slot);
            let calls = self.in_calls(&found, |settlement| settlement.slot);
            let told = calls.map(|found| self.settle_call(found, now));
            for told in join_all(told).await {
                settled += told?;
            }
        }
    }

    /// Settles counters of one slot in one call; gives how many, nothing where the shard did not take them.
    async fn settle_call(&self, found: &[settlement::Settlement], now: Timestamp) -> Option<usize> {
        let asked: Vec<Settlement> =
            found.iter().filter_map(|settlement| self.as_order(settlement)).collect();
        let failure = match told(self.link.settle(&asked, now, Instant::now() + ERRAND).await) {
            Ok(states) => {
                for (settlement, state) in found.iter().zip(states) {
                    // A foreign value under the key cannot be settled with; its window will end.
                    self.shards.ledger.settled(settlement, state.as_ref().unwrap_or(&settlement.read), now);
                }
                add(&self.shard.figures.settled, found.len());
                return Some(found.len());
            }
            Err(failure) => failure,
        };
        tracing::debug!(shard = %self.shard.name(), %failure, "a settlement will be sent again");
        self.is_elsewhere(&failure).then_some(0)
    }

    /// Whether counters have gone to another shard, whose keeper will see to them, or are about to, or their slot alone is not
    /// served: the others are not to wait for them.
    pub(super) fn is_elsewhere(&self, failure: &Failure) -> bool {
        if let Failure::Moved(redirect) = failure
            && self.shard.group().redirects()
        {
            self.shards.note(Hint::Moved, redirect, &self.shard);
        }
        self.shard.group().redirects()
            && (failure.is_redirect() || matches!(failure, Failure::ClusterDown(_)))
    }

    /// Counters that are sorted by slot, cut into what one call may carry.
    pub(super) fn in_calls<'c, T>(
        &self,
        counters: &'c [T],
        slot: impl Fn(&T) -> Slot,
    ) -> impl Iterator<Item = &'c [T]> {
        let most = if self.shard.group().placement().keeps_keys_apart() { 1 } else { COUNTERS_PER_CALL };
        let one_slot = counters.chunk_by(move |one, next| slot(one) == slot(next));
        one_slot.flat_map(move |counters| counters.chunks(most))
    }

    fn as_order(&self, settlement: &settlement::Settlement) -> Option<Settlement> {
        Some(Settlement {
            key: CounterKey::from_stored(&settlement.key)?,
            limit: settlement.limit,
            read: settlement.read.clone(),
            admitted: settlement.admitted,
            came: settlement.came.clone(),
            id: SettlementId { replica: self.replica.id, outage: settlement.id.0 },
        })
    }
}
