//! How much of a counter this replica may still hand out while the counter's shard is away: arithmetic and nothing else.
//!
//! The rule is the fixed window's (`decision/fixed_window.rs`), with a count that is raised as if all other replicas had used
//! up their shares. With one replica it is the fixed window itself, which a test holds.

use crate::decision::fixed_window::Window;
use crate::decision::hit::Hit;
use crate::decision::limit::Limit;
use crate::decision::reading::Reading;
use crate::decision::request::Hits;
use crate::storage::ledger::Share;
use crate::storage::ledger::debt::Charge;
use crate::storage::slot::Slot;

/// What is known of one counter in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    /// The window, with the count that was last read.
    pub(super) read: Window,
    /// Admitted here, and in no settlement yet.
    pub(super) pending: u64,
    /// Admitted here, and in a settlement that may or may not have arrived.
    pub(super) sending: u64,
}

impl Account {
    /// Decides one hit: the account with the hit in it, and what to tell. The reading's count leaves as much below the limit
    /// as this replica may still hand out.
    pub(super) fn decide(self, hit: &Hit, share: Share) -> (Self, Reading) {
        let after = self.after(hit.hits);
        let count = after.count(hit.limit, share);
        let over = matches!(hit.hits, Hits::Take(_)) && count > hit.limit.capacity();
        (after, Reading::of_window(count, over))
    }

    /// The account with a hit in it. Only what no settlement has taken yet can be given back.
    pub(super) fn after(self, hits: Hits) -> Self {
        let pending = match hits {
            Hits::Take(amount) => self.pending.saturating_add(u64::from(amount)),
            Hits::Refund(amount) => self.pending.saturating_sub(u64::from(amount)),
        };
        Self { pending, ..self }
    }

    /// The count as this replica has to take it, as if the others had used up their shares.
    pub(super) fn count(self, limit: Limit, share: Share) -> u64 {
        let limit = limit.capacity();
        let allowance = limit.saturating_sub(self.read.count).div_ceil(u64::from(share.replicas.get()));
        let used_by_others = (limit - allowance).max(self.read.count);
        used_by_others.saturating_add(self.pending).saturating_add(self.sending)
    }

    /// What has to be entered for the account as it would be with this hit in it.
    pub(super) fn charged(self, hit: &Hit, slot: Slot) -> Charge {
        Charge { slot, period: hit.limit.period, read: self.read, hits: hit.hits }
    }
}
