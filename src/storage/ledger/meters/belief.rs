//! What a replica takes a meter to hold, and how it decides by that.

use crate::decision::hit::Hit;
use crate::decision::limit::Limit;
use crate::decision::meter::{Awaited, until};
use crate::decision::reading::Reading;
use crate::decision::request::Hits;
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::storage::ledger::Share;

/// What this replica takes a meter to hold.
#[derive(Debug, Clone)]
pub(in crate::storage::ledger) struct Belief {
    pub(super) state: State,
    /// What of it cannot be given back: what was read, or is being settled.
    pub(super) base: State,
}

impl Belief {
    /// Decides one hit. The reading's count leaves as much below the limit as this replica may still hand out.
    pub(in crate::storage::ledger) fn decide(&mut self, hit: &Hit, share: Share, now: Timestamp) -> Reading {
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
    pub(in crate::storage::ledger) fn look(&self, limit: Limit, share: Share, now: Timestamp) -> Reading {
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
    pub(in crate::storage::ledger) fn count(&self, limit: Limit, share: Share, now: Timestamp) -> u64 {
        let used = self.state.used(limit, now);
        let allowance = limit.capacity().saturating_sub(used).div_ceil(u64::from(share.replicas.get()));
        (limit.capacity() - allowance).max(used)
    }
}

/// Puts hits into what is believed, or takes them out of it as far as they are on top of the base.
pub(super) fn charge(
    state: &mut State,
    base: &State,
    limit: Limit,
    hits: Hits,
    replicas: u64,
    now: Timestamp,
) {
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
