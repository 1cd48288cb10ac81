//! What the ledger knows of meters, whose counters time makes less: what was last read, and what was admitted without the shard.
//!
//! A replica takes the others to do as it does: each hit that it admits weighs as many as there are replicas, in a copy of what it last
//! read. So it admits ceil(what is left ÷ replicas), and then as much as drains ÷ replicas; with one replica it is the algorithm itself.
//! What it settles is what of the copy is more than the reading, divided by the replicas again. Where all have read the same and settle at
//! the same time, the sum of that is never less than what they admitted together and time has not taken away: what is left of a meter is at
//! most the mean of what would be left had all admitted what one has (for buckets, because a level is the greatest of sums over the past,
//! and the greatest of means is no more than the mean of the greatest; for windows, because it is a sum). Of windows and logs that holds
//! whatever each has read, and whenever it settles. Of buckets it does not: a replica that knows of less than there is takes for drained from
//! its own hits what drained from others', and settles too little, at the most by what it admitted.

pub(super) mod belief;

mod debt;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::decision::hit::Hit;
use crate::decision::key::CounterKey;
use crate::decision::limit::Limit;
use crate::decision::request::Hits;
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::storage::ledger::debts::Owed;
use crate::storage::ledger::figures::PartCounts;
use crate::storage::ledger::meters::belief::{Belief, charge};
use crate::storage::ledger::meters::debt::{Admitted, MeterDebt, MeterSending};
use crate::storage::ledger::restoration::ReadCount;
use crate::storage::ledger::settlement::{Settlement, SettlementId};
use crate::storage::ledger::{SLACK, Share, is_live};
use crate::storage::slot::Slot;
use crate::storage::table::{Evicted, HashedKey, RELIEF_STEP, SlotId, Table, Worth, entries_in};

/// A bounded table of meters.
#[derive(Debug)]
pub(super) struct Meters {
    table: Table<Metered>,
    owed: Arc<Owed>,
    unsettled: usize,
    pub(super) counts: PartCounts,
}

/// What is known of one meter.
#[derive(Debug, Clone)]
struct Metered {
    /// What it was last held against.
    limit: Limit,
    /// What was last read.
    read: State,
    debt: Option<Box<MeterDebt>>,
}

/// Forgetting one lets the fallback take it for unused, and what is to be settled is lost.
impl Worth for Metered {
    fn worth(&self, _key: &[u8]) -> u64 {
        let admitted = |debt: &MeterDebt| {
            let pending = debt.pending.as_ref().map_or(0, |pending| pending.hits);
            pending + debt.sending.as_ref().map_or(0, |sending| sending.admitted.hits)
        };
        self.debt.as_ref().map_or(0, |debt| admitted(debt))
    }

    fn weight(&self) -> usize {
        let debt = self.debt.as_ref().map_or(0, |debt| debt.bytes_of_logs());
        1 + entries_in(self.read.bytes_elsewhere() + debt)
    }
}

impl Metered {
    /// What is in the meter as far as is known here, with what was admitted.
    fn belief(&self) -> &State {
        let pending = self.debt.as_ref().and_then(|debt| debt.pending.as_ref());
        pending.map_or(self.base(), |pending| &pending.belief)
    }

    /// The same without what is in no settlement yet.
    fn base(&self) -> &State {
        let debt = self.debt.as_ref();
        match debt.and_then(|debt| debt.pending.as_ref()) {
            Some(pending) => &pending.base,
            None => debt.and_then(|debt| debt.sending.as_ref()).map_or(&self.read, |s| &s.admitted.belief),
        }
    }

    /// Takes note of what the shard answered.
    fn learn(&mut self, limit: Limit, hits: Hits, counted: &State, at: Timestamp) {
        self.limit = limit;
        self.read = counted.clone();
        if let Some(debt) = &mut self.debt {
            debt.learn(limit, hits, counted, at);
        }
    }

    fn is_owed(&self) -> bool {
        self.debt.is_some()
    }

    /// When it may be forgotten, in seconds since the epoch.
    fn expires(&self, now: Timestamp) -> u64 {
        let empty = |state: &State| {
            let mut state = state.clone();
            state.advance(self.limit, now);
            state.empty_at(self.limit, now).millis().div_ceil(1_000)
        };
        empty(&self.read).max(empty(self.belief())).saturating_add(SLACK)
    }
}

impl Meters {
    /// No meters; `capacity` bounds them.
    pub(super) fn new(capacity: usize, owed: Arc<Owed>) -> Self {
        Self { table: Table::new(capacity), owed, unsettled: 0, counts: PartCounts::default() }
    }

    /// Learns what the store answered.
    pub(super) fn note_reading(&mut self, key: HashedKey<'_>, hit: &Hit, counted: &State, at: Timestamp) {
        let Some(id) = self.table.find(key) else {
            // What nobody has hit yet is as good as unknown.
            if counted.used(hit.limit, at) > 0 {
                self.insert(key, Metered { limit: hit.limit, read: counted.clone(), debt: None }, at);
            }
            return;
        };
        let mut metered = self.table.value(id).clone();
        metered.learn(hit.limit, hit.hits, counted, at);
        self.put(id, metered, at);
    }

    /// What is known of a meter, brought to the present.
    pub(super) fn belief(&self, key: HashedKey<'_>, limit: Limit, now: Timestamp) -> Belief {
        let known = self.table.find(key).map(|id| self.table.value(id));
        let current = |known: Option<&State>| {
            let mut state = known.cloned().unwrap_or_else(|| State::begin(limit, now));
            state.advance(limit, now);
            state
        };
        Belief { state: current(known.map(Metered::belief)), base: current(known.map(Metered::base)) }
    }

    /// Enters a hit that passed, or takes out what was given back.
    pub(super) fn charge(&mut self, key: HashedKey<'_>, hit: &Hit, slot: Slot, share: Share, now: Timestamp) {
        let (limit, found) = (hit.limit, self.table.find(key));
        let known = found.map(|id| self.table.value(id).clone());
        let mut metered =
            known.unwrap_or_else(|| Metered { limit, read: State::begin(limit, now), debt: None });
        let was_owed = metered.is_owed();
        metered.limit = limit;
        metered.read.advance(limit, now);
        if matches!(hit.hits, Hits::Refund(_))
            && metered.debt.as_ref().is_none_or(|debt| debt.pending.is_none())
        {
            // Only what no settlement has taken yet can be given back.
            return;
        }
        let replicas = u64::from(share.replicas.get());
        let base = metered.base().clone();
        let read = &metered.read;
        let debt = metered.debt.get_or_insert_with(|| {
            Box::new(MeterDebt { slot, read: read.clone(), pending: None, sending: None })
        });
        let pending =
            debt.pending.get_or_insert_with(|| Admitted { belief: base.clone(), base, replicas, hits: 0 });
        pending.replicas = pending.replicas.min(replicas);
        pending.base.advance(limit, now);
        pending.belief.advance(limit, now);
        charge(&mut pending.belief, &pending.base, limit, hit.hits, replicas, now);
        match hit.hits {
            Hits::Take(amount) => {
                pending.hits += u64::from(amount);
                self.counts.admitted += u64::from(amount);
            }
            Hits::Refund(amount) => pending.hits = pending.hits.saturating_sub(u64::from(amount)),
        }
        if !was_owed {
            self.owe(slot);
        }
        match found {
            Some(id) => self.put(id, metered, now),
            None => self.insert(key, metered, now),
        }
    }

    /// The meter at this place as it has to be settled, put into a settlement if it is in none.
    pub(super) fn settlement_at(
        &mut self,
        place: SlotId,
        has: impl Fn(Slot) -> bool,
        now: Timestamp,
        next_id: &AtomicU64,
    ) -> Option<Settlement> {
        let key: Box<[u8]> = self.table.at(place)?.into();
        let known = self.table.value(place);
        known.debt.as_ref().filter(|debt| has(debt.slot))?;
        let mut metered = known.clone();
        let limit = metered.limit;
        let debt = metered.debt.as_mut()?;
        let slot = debt.slot;
        if debt.sending.is_none()
            && let Some(mut pending) = debt.pending.take()
        {
            let amount = pending.amount(limit, now);
            if amount > 0 {
                let id = SettlementId(next_id.fetch_add(1, Ordering::Relaxed));
                let came = pending.came(amount);
                debt.sending = Some(MeterSending { id, amount, came, admitted: pending });
            } else {
                self.counts.settled += pending.hits;
            }
        }
        let Some(sending) = &debt.sending else {
            metered.debt = None;
            self.settle(slot);
            self.put(place, metered, now);
            return None;
        };
        let (id, admitted, came) = (sending.id, sending.amount, sending.came.clone());
        let mut read = debt.read.clone();
        // A window stays in its place, since the shard's clock may be a little late.
        if matches!(read, State::SlidingLog(_)) {
            read.advance(limit, now);
        }
        self.put(place, metered, now);
        Some(Settlement { id, slot, key, limit, read, admitted, came })
    }

    /// The shard has acknowledged a settlement, and this is what is in its meter afterwards.
    pub(super) fn settled(
        &mut self,
        key: HashedKey<'_>,
        settlement: &Settlement,
        counted: &State,
        at: Timestamp,
    ) {
        let Some(id) = self.table.find(key) else { return };
        let mut metered = self.table.value(id).clone();
        let Some(debt) = &mut metered.debt else { return };
        let Some(sending) = debt.sending.take_if(|sending| sending.id == settlement.id) else { return };
        self.counts.settled += sending.admitted.hits;
        if debt.pending.is_none() {
            let slot = debt.slot;
            metered.debt = None;
            self.settle(slot);
        }
        metered.learn(metered.limit, Hits::Take(0), counted, at);
        self.put(id, metered, at);
    }

    /// What was read of the meter at this place, if it holds anything.
    pub(super) fn read_at(&self, place: SlotId, now: Timestamp) -> Option<ReadCount> {
        let key = CounterKey::from_stored(self.table.at(place)?)?;
        let Metered { limit, read, .. } = self.table.value(place);
        let mut current = read.clone();
        current.advance(*limit, now);
        (current.used(*limit, now) > 0).then(|| ReadCount { key, limit: *limit, read: read.clone() })
    }

    /// Entries are at places below this one.
    pub(super) fn places(&self) -> SlotId {
        self.table.places()
    }

    /// Forgets a meter.
    pub(super) fn forget(&mut self, key: HashedKey<'_>) {
        if let Some(id) = self.table.find(key) {
            let gone = self.table.remove(id);
            self.note_gone(&gone);
        }
    }

    /// Takes away meters that hold nothing any more, `most` at the most; says how many.
    pub(super) fn expire(&mut self, now: Timestamp, most: usize) -> usize {
        let (owed, mut settled) = (&self.owed, 0);
        let taken = self.table.expire_each(now, most, |metered| {
            if let Some(debt) = metered.debt {
                owed.take(debt.slot);
                settled += 1;
            }
        });
        self.unsettled -= settled;
        taken
    }

    /// Meters that something is known of.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// Those with something to settle.
    pub(super) fn unsettled(&self) -> usize {
        self.unsettled
    }

    fn put(&mut self, id: SlotId, metered: Metered, now: Timestamp) {
        let expires = metered.expires(now);
        self.table.update(id, metered, expires);
        self.relieve(u64::from(id), now);
    }

    fn insert(&mut self, key: HashedKey<'_>, metered: Metered, now: Timestamp) {
        self.expire(now, crate::storage::table::EXPIRE_STEP);
        let expires = metered.expires(now);
        if let Some(evicted) = self.table.put(key, metered, expires) {
            self.note_evicted(&evicted, now);
        }
        self.relieve(key.hash, now);
    }

    /// Gives up meters where logs have grown so much that all together take more room than they may.
    fn relieve(&mut self, seed: u64, now: Timestamp) {
        for _ in 0..RELIEF_STEP {
            let Some(evicted) = self.table.relieve(seed.wrapping_add(now.millis())) else { return };
            self.note_evicted(&evicted, now);
        }
    }

    fn note_evicted(&mut self, evicted: &Evicted<Metered>, now: Timestamp) {
        let live = u64::from(is_live(Some(evicted), now));
        match evicted.value.is_owed() {
            true => self.counts.evicted_debts += live,
            false => self.counts.evicted_readings += live,
        }
        self.note_gone(&evicted.value);
    }

    fn note_gone(&mut self, metered: &Metered) {
        if let Some(debt) = &metered.debt {
            self.settle(debt.slot);
        }
    }

    fn owe(&mut self, slot: Slot) {
        self.owed.add(slot);
        self.unsettled += 1;
    }

    fn settle(&mut self, slot: Slot) {
        self.owed.take(slot);
        self.unsettled -= 1;
    }
}
