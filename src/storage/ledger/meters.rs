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

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::decision::hit::Hit;
use crate::decision::key::CounterKey;
use crate::decision::limit::Limit;
use crate::decision::meter::{Awaited, Meter, until};
use crate::decision::reading::Reading;
use crate::decision::request::Hits;
use crate::decision::sliding_window::SlidingWindow;
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::decision::token_bucket::TokenBucket;
use crate::storage::ledger::debts::Owed;
use crate::storage::ledger::figures::PartCounts;
use crate::storage::ledger::part::is_live;
use crate::storage::ledger::restoration::ReadCount;
use crate::storage::ledger::settlement::{Settlement, SettlementId};
use crate::storage::ledger::{SLACK, Share};
use crate::storage::slot::Slot;
use crate::storage::table::{HashedKey, SlotId, Table, Worth};

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
    debt: Option<Box<Debt>>,
}

/// What was admitted, and is not known to be settled.
#[derive(Debug, Clone)]
struct Debt {
    slot: Slot,
    /// The most that was read since the first was admitted. Unlike the last reading, it still knows what had passed where the shard comes
    /// back empty.
    read: State,
    /// In no settlement yet.
    pending: Option<Admitted>,
    /// In a settlement whose end is not known yet.
    sending: Option<Sending>,
}

/// Hits that were admitted.
#[derive(Debug, Clone)]
struct Admitted {
    /// What was there before, and the same with them in it, as often as there are replicas.
    base: State,
    belief: State,
    replicas: u64,
    hits: u64,
}

/// A settlement under way. Whatever becomes of it, it is sent again with this amount; and this replica's share stays used.
#[derive(Debug, Clone)]
struct Sending {
    id: SettlementId,
    amount: u64,
    admitted: Admitted,
}

/// What this replica takes a meter to hold.
#[derive(Debug, Clone)]
pub(super) struct Belief {
    state: State,
    /// What of it cannot be given back: what was read, or is being settled.
    base: State,
}

/// Forgetting one lets the fallback take it for unused, and what is to be settled is lost.
impl Worth for Metered {
    fn worth(&self, _key: &[u8]) -> u64 {
        let admitted = |debt: &Debt| {
            let pending = debt.pending.as_ref().map_or(0, |pending| pending.hits);
            pending + debt.sending.as_ref().map_or(0, |sending| sending.admitted.hits)
        };
        self.debt.as_ref().map_or(0, |debt| admitted(debt))
    }
}

impl Belief {
    /// Decides one hit. The reading's count leaves as much below the limit as this replica may still hand out.
    pub(super) fn decide(&mut self, hit: &Hit, share: Share, now: Timestamp) -> Reading {
        let (limit, replicas) = (hit.limit, u64::from(share.replicas.get()));
        let before = self.count(limit, share, now);
        let over = match hit.hits {
            Hits::Take(amount) => before.saturating_add(u64::from(amount)) > limit.capacity(),
            Hits::Refund(_) => false,
        };
        let reading = Reading { count: before, over, reset: None };
        if reading.changes(limit, hit.hits) {
            charge(&mut self.state, &self.base, limit, hit.hits, replicas, now);
        }
        let taken = match hit.hits {
            Hits::Take(amount) if !over => before + u64::from(amount),
            _ => self.count(limit, share, now),
        };
        self.awaited(hit.hits, Reading { count: taken, ..reading }, limit, share, now)
    }

    /// What there is, as hits that change nothing are told.
    pub(super) fn look(&self, limit: Limit, share: Share, now: Timestamp) -> Reading {
        let reading = Reading::of_window(self.count(limit, share, now), false);
        self.awaited(Hits::Refund(0), reading, limit, share, now)
    }

    /// The reading of these hits with the time that their caller waits.
    fn awaited(&self, hits: Hits, reading: Reading, limit: Limit, share: Share, now: Timestamp) -> Reading {
        let empty = || self.state.empty_at(limit, now);
        let then = match Awaited::after(hits, reading, limit) {
            // What fits the whole limit and not this replica's part of it will find the shard again, or a meter as empty as it gets.
            Awaited::Room(wanted) if wanted <= limit.capacity() => {
                // When the first of the last ones fits, all do.
                let others = (wanted - 1).saturating_mul(u64::from(share.replicas.get()));
                Some(self.state.fits_at(limit, others.saturating_add(1), now).unwrap_or_else(empty))
            }
            Awaited::Room(_) => None,
            Awaited::Empty => Some(empty()),
        };
        Reading { reset: Some(until(then, limit, now)), ..reading }
    }

    /// The count as this replica has to take it, as if the others had used up their shares.
    pub(super) fn count(&self, limit: Limit, share: Share, now: Timestamp) -> u64 {
        let used = self.state.used(limit, now);
        let allowance = limit.capacity().saturating_sub(used).div_ceil(u64::from(share.replicas.get()));
        (limit.capacity() - allowance).max(used)
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
        let debt = metered
            .debt
            .get_or_insert_with(|| Box::new(Debt { slot, read: read.clone(), pending: None, sending: None }));
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
        let metered = self.table.value_mut(place);
        let limit = metered.limit;
        let debt = metered.debt.as_mut().filter(|debt| has(debt.slot))?;
        let slot = debt.slot;
        if debt.sending.is_none()
            && let Some(mut pending) = debt.pending.take()
        {
            let amount = pending.amount(limit, now);
            if amount > 0 {
                let id = SettlementId(next_id.fetch_add(1, Ordering::Relaxed));
                debt.sending = Some(Sending { id, amount, admitted: pending });
            } else {
                self.counts.settled += pending.hits;
            }
        }
        let Some(sending) = &debt.sending else {
            metered.debt = None;
            self.settle(slot);
            return None;
        };
        let (id, admitted, read) = (sending.id, sending.amount, debt.read.clone());
        Some(Settlement { id, slot, key, limit, read, admitted })
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
    }

    fn insert(&mut self, key: HashedKey<'_>, metered: Metered, now: Timestamp) {
        self.expire(now, crate::storage::table::EXPIRE_STEP);
        let expires = metered.expires(now);
        let Some(evicted) = self.table.put(key, metered, expires) else { return };
        let live = u64::from(is_live(Some(&evicted), now));
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

impl Debt {
    /// Puts what was admitted on top of what is read now. What was given back through this replica lowers what was read by as much; no
    /// other answer does.
    fn learn(&mut self, limit: Limit, hits: Hits, counted: &State, at: Timestamp) {
        self.read.advance(limit, at);
        if let Hits::Refund(amount) = hits {
            self.read.give_back(limit, u64::from(amount), at);
        }
        if counted.used(limit, at) >= self.read.used(limit, at) {
            self.read = counted.clone();
        }
        let mut base = counted;
        if let Some(sending) = &mut self.sending {
            sending.admitted.put_on(base, limit, at);
            base = &sending.admitted.belief;
        }
        if let Some(pending) = &mut self.pending {
            pending.put_on(base, limit, at);
        }
    }
}

impl Admitted {
    /// What of the admitted hits still counts, rounded up.
    fn amount(&mut self, limit: Limit, now: Timestamp) -> u64 {
        self.base.advance(limit, now);
        self.belief.advance(limit, now);
        more(&self.belief, &self.base, limit, now).div_ceil(self.replicas)
    }

    fn put_on(&mut self, base: &State, limit: Limit, now: Timestamp) {
        let amount = self.amount(limit, now);
        self.base = base.clone();
        self.belief = base.clone();
        self.belief.take(limit, amount.saturating_mul(self.replicas), now);
    }
}

/// What one state holds more than another one, both in the present, rounded up. What each holds is rounded by itself: the difference
/// of that would be too little by a part of a hit.
fn more(state: &State, base: &State, limit: Limit, now: Timestamp) -> u64 {
    match (state, base) {
        (State::Bucket(state), State::Bucket(base)) => {
            TokenBucket { level: state.level.saturating_sub(base.level), ..*state }.used(limit, now)
        }
        (State::SlidingWindow(state), State::SlidingWindow(base)) if state.start == base.start => {
            let previous = state.previous.saturating_sub(base.previous);
            let current = state.current.saturating_sub(base.current);
            SlidingWindow { previous, current, ..*state }.used(limit, now)
        }
        _ => state.used(limit, now).saturating_sub(base.used(limit, now)),
    }
}

/// Puts hits into what is believed, or takes them out of it as far as they are on top of the base.
fn charge(state: &mut State, base: &State, limit: Limit, hits: Hits, replicas: u64, now: Timestamp) {
    match hits {
        Hits::Take(amount) => state.take(limit, u64::from(amount).saturating_mul(replicas), now),
        Hits::Refund(amount) => {
            state.give_back(limit, u64::from(amount).saturating_mul(replicas), now);
            if state.used(limit, now) <= base.used(limit, now) {
                *state = base.clone();
            }
        }
    }
}
