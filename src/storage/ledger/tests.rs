//! The ledger by itself: what it remembers, what it admits, what it settles.

mod deciding;
mod meters;
mod over;
mod restoring;
mod settling;
mod simulation;

use super::settlement::{Settlement, SettlementRound};
use super::*;
use crate::decision::fixed_window::Window;
use crate::decision::hit::{Batch, DeniedRequests, Leniency, OnStoreFailure, Role};
use crate::decision::key::CounterKey;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::request::Entry;
use crate::storage::slot::Slot;

/// The start of a minute, an hour and a day.
const NOW: Timestamp = Timestamp::from_secs(1_699_920_000);
const SLOT: Slot = Slot(3);
const SHADOW: Role = Role { shadow: true, quota: false, continues: false };
const QUOTA: Role = Role { quota: true, shadow: false, continues: false };

fn ledger() -> Ledger {
    ledger_of(1_000)
}

fn ledger_of(max_entries: usize) -> Ledger {
    let over = OverMemorySettings { max_entries: 100, max_age: Duration::from_secs(1) };
    Ledger::new(LedgerSettings { max_entries, over })
}

fn share(replicas: u32) -> Share {
    Share { replicas: NonZeroU32::new(replicas).unwrap() }
}

fn hit(name: &str, limit: u32, hits: Hits) -> Hit {
    let period = Period::MINUTE;
    let entries = [Entry { key: b"k", value: name.as_bytes() }];
    let key = CounterKey::new("d", period, entries.into_iter());
    Hit {
        key,
        limit: Limit::new(limit, period),
        hits,
        role: Role::default(),
        on_store_failure: OnStoreFailure::Local,
    }
}

fn take(name: &str, limit: u32, amount: u32) -> Hit {
    hit(name, limit, Hits::Take(amount))
}

fn refund(name: &str, limit: u32, amount: u32) -> Hit {
    hit(name, limit, Hits::Refund(amount))
}

fn later(secs: u64) -> Timestamp {
    Timestamp::from_secs(NOW.secs() + secs)
}

fn window(start: u64, count: u64) -> State {
    State::FixedWindow(Window { start, count })
}

/// The window that a settlement is of, with what was read in it.
fn read_in(settlement: &Settlement) -> Window {
    settlement.read.window().unwrap()
}

/// The store has answered this hit with this count, now.
fn read(ledger: &Ledger, hit: &Hit, count: u64) {
    ledger.note_reading(hit, &window(NOW.secs(), count), NOW);
}

/// Decides with three replicas; (count, over) of each.
fn decide_as(ledger: &Ledger, denied_requests: DeniedRequests, hits: &[Hit]) -> Vec<(u64, bool)> {
    let batch = Batch { hits, leniency: Leniency::default(), denied_requests };
    readings_at(ledger, batch, NOW)
}

fn readings_at(ledger: &Ledger, batch: Batch<'_>, now: Timestamp) -> Vec<(u64, bool)> {
    let readings = ledger.decide(batch, &vec![SLOT; batch.hits.len()], share(3), now);
    readings.iter().map(|reading| (reading.count, reading.over)).collect()
}

fn decide(ledger: &Ledger, hits: &[Hit]) -> Vec<(u64, bool)> {
    decide_as(ledger, DeniedRequests::Count, hits)
}

fn decide_at(ledger: &Ledger, hits: &[Hit], now: Timestamp) -> Vec<(u64, bool)> {
    let (leniency, denied_requests) = (Leniency::default(), DeniedRequests::Count);
    readings_at(ledger, Batch { hits, leniency, denied_requests }, now)
}

/// A whole round of settlements.
fn round(ledger: &Ledger, now: Timestamp) -> Vec<Settlement> {
    ledger.unsettled(&mut SettlementRound::new(), |slot| slot == SLOT, now, usize::MAX)
}

/// (read, admitted) of a whole round.
fn owed(ledger: &Ledger) -> Vec<(u64, u64)> {
    round(ledger, NOW).iter().map(|settlement| (read_in(settlement).count, settlement.admitted)).collect()
}

/// The store has taken this settlement, and its counter has this count afterwards.
fn settled(ledger: &Ledger, settlement: &Settlement, count: u64, at: Timestamp) {
    ledger.settled(settlement, &window(read_in(settlement).start, count), at);
}
