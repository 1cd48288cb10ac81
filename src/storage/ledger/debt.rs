//! What this replica owes the store: hits that were admitted in one window of one counter without its knowing.

use crate::decision::fixed_window::Window;
use crate::decision::period::Period;
use crate::decision::request::Hits;
use crate::decision::time::Timestamp;
use crate::storage::ledger::settlement::SettlementId;
use crate::storage::slot::Slot;
use crate::storage::table::Worth;

/// Hits to be settled. It is kept while there are any.
#[derive(Debug, Clone, Copy)]
pub(super) struct Debt {
    pub(super) slot: Slot,
    pub(super) period: Period,
    /// The window, with the highest count that was read in it. Unlike the last count, it still knows what had passed where
    /// the store comes back empty.
    pub(super) read: Window,
    /// Hits that are in no settlement yet.
    pub(super) pending: u64,
    /// The settlement whose end is not known yet. Whatever becomes of it, it is sent again as it was.
    pub(super) sending: Option<Sending>,
}

/// Forgetting a debt lets the store take what was admitted for unused.
impl Worth for Debt {
    fn worth(&self, _key: &[u8]) -> u64 {
        self.pending.saturating_add(self.sending.map_or(0, |sending| sending.amount))
    }
}

/// A settlement under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sending {
    pub(super) id: SettlementId,
    pub(super) amount: u64,
}

/// Hits to enter into a debt, or to take out of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Charge {
    pub(super) slot: Slot,
    pub(super) period: Period,
    pub(super) read: Window,
    pub(super) hits: Hits,
}

impl Debt {
    /// A debt of nothing yet.
    pub(super) fn new(charge: &Charge) -> Self {
        let Charge { slot, period, read, .. } = *charge;
        Self { slot, period, read, pending: 0, sending: None }
    }

    /// Takes note of what the store counted meanwhile. What was given back through this replica lowers what was read by as
    /// much; no other answer does.
    pub(super) fn note_reading(&mut self, hits: Hits, counted: Window) {
        if counted.start == self.read.start {
            let given_back = match hits {
                Hits::Take(_) => 0,
                Hits::Refund(amount) => u64::from(amount),
            };
            self.read.count = self.read.count.saturating_sub(given_back).max(counted.count);
        }
    }

    /// Whether its window still runs, so that settling it has a meaning.
    pub(super) fn runs(&self, now: Timestamp) -> bool {
        self.read.end(self.period) > now.secs()
    }

    /// Hits that are in a settlement under way.
    pub(super) fn sending_amount(&self) -> u64 {
        self.sending.map_or(0, |sending| sending.amount)
    }

    /// Whether there is nothing left to settle.
    pub(super) fn is_settled(&self) -> bool {
        self.pending == 0 && self.sending.is_none()
    }
}
