//! Telling a shard that is back what was admitted while it was away: once, however often it has to be told.
//!
//! A counter has one settlement under way at the most. Until it is known to have arrived it is handed out again, round after
//! round, with the same id and the same amount; what is admitted meanwhile waits for the next one. So a shard that keeps
//! the last id of each replica beside the counter can tell a repetition: an id that is not greater was settled before.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::decision::fixed_window::Window;
use crate::decision::limit::Limit;
use crate::decision::sliding_log::LogEntry;
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::storage::ledger::Ledger;
use crate::storage::ledger::debt::Sending;
use crate::storage::ledger::part::Part;
use crate::storage::ledger::walk::Walk;
use crate::storage::slot::Slot;
use crate::storage::table::{HashedKey, SlotId};

/// A settlement's number: they grow for as long as the process lives. A restarted process begins anew, so what the shard
/// keeps must name the process, not only the replica.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SettlementId(pub u64);

/// What one counter has to be told: it becomes max(what it is, `read`) + `admitted`, unless this id was told before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Tells a repetition.
    pub id: SettlementId,
    /// The slot that the counter lives in.
    pub slot: Slot,
    /// The counter's key.
    pub key: Box<[u8]>,
    /// Its period, and of a meter the limit that it was last held against.
    pub limit: Limit,
    /// The window, with the highest count that was read in it: at least so many had passed, even if the store has forgotten it. A shard that
    /// is in a newer window already has nothing to do. Or what was last read of a meter.
    pub read: State,
    /// Hits that were admitted without the shard's knowing.
    pub admitted: u64,
    /// Of a log: when they came.
    pub came: Box<[LogEntry]>,
}

/// One walk through everything that one shard has to be told.
#[derive(Debug, Default)]
pub struct SettlementRound {
    walk: Walk,
    meters: Walk,
}

impl SettlementRound {
    /// A walk from the start. Settlements of earlier rounds that nobody reported as settled are met again.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Ledger {
    /// The next settlements of a round, `most` at the most, of counters in slots that the shard `has`; empty when the round is
    /// over. Windows that are over are left out.
    ///
    /// What is not reported as [`Ledger::settled`] is handed out again by a later round, as it was; that is all there is to
    /// do about one that failed. Whoever wants to be done goes on with rounds until one is empty from the start.
    #[must_use]
    pub fn unsettled(
        &self,
        round: &mut SettlementRound,
        has: impl Fn(Slot) -> bool,
        now: Timestamp,
        most: usize,
    ) -> Vec<Settlement> {
        if round.walk.is_at_start() && !self.owed.slots().any(|(slot, _)| has(slot)) {
            return Vec::new();
        }
        let next = &self.next_settlement;
        let look = |part: &mut Part, place| part.settlement_at(place, &has, now, next);
        let mut found = round.walk.find(&self.parts, most, |part| part.debts.places(), look);
        let look = |part: &mut Part, place| part.meters.settlement_at(place, &has, now, next);
        let most = most.saturating_sub(found.len());
        found.extend(round.meters.find(&self.parts, most, |part| part.meters.places(), look));
        found
    }

    /// The shard has acknowledged a settlement, and this is its counter afterwards: in another window where the settlement's
    /// is over, or far ahead of the shard's clock. A report about one that is not under way any more changes nothing.
    pub fn settled(&self, settlement: &Settlement, counted: &State, at: Timestamp) {
        let place = self.parts.place(&settlement.key);
        let key = place.key(&settlement.key);
        let mut part = self.parts.lock(place);
        match (counted, &settlement.read) {
            (State::FixedWindow(counted), State::FixedWindow(read)) => {
                part.settled(key, settlement, *read, *counted, at);
            }
            _ => part.meters.settled(key, settlement, counted, at),
        }
    }
}

impl Part {
    fn settled(
        &mut self,
        key: HashedKey<'_>,
        settlement: &Settlement,
        read: Window,
        counted: Window,
        at: Timestamp,
    ) {
        let Some(id) = self.debts.find(key) else { return };
        let debt = self.debts.get_mut(id);
        if debt.sending.is_none_or(|sending| sending.id != settlement.id) {
            return;
        }
        debt.sending = None;
        let same_window = counted.start == read.start;
        if same_window {
            debt.read.count = debt.read.count.max(counted.count);
        }
        if debt.is_settled() {
            self.debts.remove(id);
        }
        self.counts.settled += settlement.admitted;
        if same_window {
            // Without this a second outage would hand out the same share once more.
            self.learn(key, counted, counted.end(settlement.limit.period), at);
        }
    }
}

impl Part {
    /// The debt at this place, if it can be settled, put into a settlement if it is in none.
    fn settlement_at(
        &mut self,
        place: SlotId,
        has: impl Fn(Slot) -> bool,
        now: Timestamp,
        next_id: &AtomicU64,
    ) -> Option<Settlement> {
        self.debts.at(place)?;
        let debt = self.debts.get_mut(place);
        if !has(debt.slot) || !debt.runs(now) {
            return None;
        }
        let sending = *debt.sending.get_or_insert_with(|| Sending {
            id: SettlementId(next_id.fetch_add(1, Ordering::Relaxed)),
            amount: std::mem::take(&mut debt.pending),
        });
        let debt = *debt;
        Some(Settlement {
            id: sending.id,
            slot: debt.slot,
            key: self.debts.at(place)?.into(),
            limit: Limit::new(0, debt.period),
            read: State::FixedWindow(debt.read),
            admitted: sending.amount,
            came: Box::default(),
        })
    }
}
