//! One part of the ledger, behind one lock: readings, debts, and the memory of being over for the same keys.

use std::sync::Arc;

use crate::decision::fixed_window::Window;
use crate::decision::hit::Hit;
use crate::decision::request::Hits;
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::storage::ledger::account::Account;
use crate::storage::ledger::debt::{Charge, Debt};
use crate::storage::ledger::debts::{Debts, Owed};
use crate::storage::ledger::figures::PartCounts;
use crate::storage::ledger::meters::Meters;
use crate::storage::ledger::over_memory::OverMemory;
use crate::storage::ledger::{expiry, is_live};
use crate::storage::table::{HashedKey, Table, Worth};

/// Forgetting a reading lets the fallback take what was counted for unused.
impl Worth for Window {
    fn worth(&self, _key: &[u8]) -> u64 {
        self.count
    }
}

/// What the ledger knows of the keys of one part.
#[derive(Debug)]
pub(super) struct Part {
    /// The last count read from the store.
    pub(super) readings: Table<Window>,
    /// What has to be settled.
    pub(super) debts: Debts,
    /// The same of meters.
    pub(super) meters: Meters,
    /// What was used up.
    pub(super) over: OverMemory,
    pub(super) counts: PartCounts,
}

impl Part {
    /// A part that knows nothing; `capacity` bounds readings and debts, each by themselves.
    pub(super) fn new(capacity: usize, owed: &Arc<Owed>, over: OverMemory) -> Self {
        let (readings, debts) = (Table::new(capacity), Debts::new(capacity, Arc::clone(owed)));
        let meters = Meters::new(capacity, Arc::clone(owed));
        Self { readings, debts, meters, over, counts: PartCounts::default() }
    }

    /// Learns what the store answered.
    pub(super) fn note_reading(&mut self, key: HashedKey<'_>, hit: &Hit, counted: Window, at: Timestamp) {
        let end = counted.end(hit.limit.period);
        if self.learn(key, counted, end, at) {
            if let Some(id) = self.debts.find(key) {
                self.debts.get_mut(id).note_reading(hit.hits, counted);
            }
            self.over.note_reading(key, hit, counted, at);
        }
    }

    /// The same for a meter.
    pub(super) fn note_meter(&mut self, key: HashedKey<'_>, hit: &Hit, counted: &State, at: Timestamp) {
        self.meters.note_reading(key, hit, counted, at);
        self.over.note_meter(key, hit, counted, at);
    }

    /// Keeps a count that was read in a window with this end; false where a newer window is known already.
    pub(super) fn learn(&mut self, key: HashedKey<'_>, counted: Window, end: u64, at: Timestamp) -> bool {
        match self.readings.find(key) {
            Some(id) if self.readings.value(id).start > counted.start => return false,
            Some(id) => self.readings.update(id, counted, expiry(end)),
            // What nobody has hit yet is as good as unknown.
            None if counted.count == 0 => {}
            None => {
                let evicted = self.readings.insert(key, counted, expiry(end), at);
                self.counts.evicted_readings += u64::from(is_live(evicted.as_ref(), at));
            }
        }
        true
    }

    /// What is known of a hit's counter in the window that runs: the newest of which anything is known, else a new one.
    pub(super) fn account(&self, key: HashedKey<'_>, hit: &Hit, now: Timestamp) -> Account {
        let period = hit.limit.period;
        let read = match self.readings.find(key) {
            Some(id) => self.readings.value(id).advanced(period, now),
            None => Window::at(period, now),
        };
        match self.debts.find(key).map(|id| self.debts.get(id)) {
            Some(debt) if debt.read.start >= read.start => {
                Account { read: debt.read, pending: debt.pending, sending: debt.sending_amount() }
            }
            _ => Account { read, pending: 0, sending: 0 },
        }
    }

    /// Enters hits that passed, or takes out what was given back.
    pub(super) fn charge(&mut self, key: HashedKey<'_>, charge: Charge, now: Timestamp) {
        let expires = expiry(charge.read.end(charge.period));
        let found = self.debts.find(key);
        let debt = found.map(|id| *self.debts.get(id)).filter(|debt| debt.read.start == charge.read.start);
        let mut debt = debt.unwrap_or_else(|| Debt::new(&charge));
        match charge.hits {
            Hits::Take(amount) => {
                debt.pending = debt.pending.saturating_add(u64::from(amount));
                self.counts.admitted += u64::from(amount);
            }
            Hits::Refund(amount) => debt.pending = debt.pending.saturating_sub(u64::from(amount)),
        }
        match found {
            Some(id) if debt.is_settled() => self.debts.remove(id),
            Some(id) => self.debts.update(id, debt, expires),
            None if debt.is_settled() => {}
            None => {
                let evicted = self.debts.insert(key, debt, expires, now);
                self.counts.evicted_debts += u64::from(is_live(evicted.as_ref(), now));
            }
        }
    }

    /// Forgets a counter.
    pub(super) fn forget(&mut self, key: HashedKey<'_>) {
        self.over.forget(key);
        self.meters.forget(key);
        if let Some(id) = self.readings.find(key) {
            self.readings.remove(id);
        }
        if let Some(id) = self.debts.find(key) {
            self.debts.remove(id);
        }
    }

    /// Takes away some of what has expired; says whether there may be more.
    pub(super) fn expire(&mut self, now: Timestamp, most: usize) -> bool {
        let taken = [
            self.readings.expire(now, most),
            self.debts.expire(now, most),
            self.meters.expire(now, most),
            self.over.expire(now, most),
        ];
        taken.contains(&most)
    }
}
