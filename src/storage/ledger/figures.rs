//! The ledger in figures, for metrics and tests.

use crate::storage::ledger::Ledger;
use crate::storage::slot::Slot;

/// What the ledger holds, and what became of what it held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LedgerFigures {
    /// Counters whose last reading is known, expired ones that no sweep has met yet included.
    pub readings: usize,
    /// Counters that are remembered as over.
    pub over: usize,
    /// Counters with hits to settle.
    pub unsettled: usize,
    /// Hits that were admitted without the store's knowing, since the start.
    pub admitted: u64,
    /// Those of them that the store has acknowledged.
    pub settled: u64,
    /// Readings that gave way while their window ran: the fallback takes their counters for unused.
    pub evicted_readings: u64,
    /// Counters whose hits gave way before they were settled: a bound that was broken.
    pub evicted_unsettled: u64,
}

/// What one part has counted since the start.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PartCounts {
    pub(super) admitted: u64,
    pub(super) settled: u64,
    pub(super) evicted_readings: u64,
    pub(super) evicted_debts: u64,
}

impl Ledger {
    /// The ledger in figures. Looks into every part, so it is for a scrape, not for a request.
    #[must_use]
    pub fn figures(&self) -> LedgerFigures {
        self.parts.all().iter().fold(LedgerFigures::default(), |sum, part| {
            let part = part.lock();
            LedgerFigures {
                readings: sum.readings + part.readings.len() + part.meters.len(),
                over: sum.over + part.over.len(),
                unsettled: sum.unsettled + part.debts.len() + part.meters.unsettled(),
                admitted: sum.admitted + part.counts.admitted + part.meters.counts.admitted,
                settled: sum.settled + part.counts.settled + part.meters.counts.settled,
                evicted_readings: sum.evicted_readings
                    + part.counts.evicted_readings
                    + part.meters.counts.evicted_readings,
                evicted_unsettled: sum.evicted_unsettled
                    + part.counts.evicted_debts
                    + part.meters.counts.evicted_debts,
            }
        })
    }

    /// The slots that have counters with hits to settle, and how many.
    pub fn unsettled_by_slot(&self) -> impl Iterator<Item = (Slot, u32)> {
        self.owed.slots()
    }
}
