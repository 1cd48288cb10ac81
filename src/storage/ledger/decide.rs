//! The fallback's decision: a request's hits on counters whose shards are away.

use smallvec::SmallVec;

use crate::decision::hit::{Batch, DeniedRequests};
use crate::decision::limit::Limit;
use crate::decision::reading::Reading;
use crate::decision::request::Hits;
use crate::decision::time::Timestamp;
use crate::storage::Readings;
use crate::storage::ledger::account::Account;
use crate::storage::ledger::meters::belief::Belief;
use crate::storage::ledger::part::Part;
use crate::storage::ledger::{Ledger, Share};
use crate::storage::slot::Slot;
use crate::storage::table::sharded::{LockedShards, Place};

/// A hit decided, not yet entered.
struct Draft {
    place: Place,
    /// What was known before the request.
    before: Known,
    /// What the next hit of the request on the same counter finds.
    after: Known,
    reading: Reading,
}

/// What is known of a counter.
#[derive(Clone)]
enum Known {
    Window(Account),
    Meter(Belief),
}

impl Known {
    /// What there is, as hits that change nothing are told.
    fn look(&self, limit: Limit, share: Share, now: Timestamp) -> Reading {
        match self {
            Self::Window(account) => Reading::of_window(account.count(limit, share), false),
            Self::Meter(belief) => belief.look(limit, share, now),
        }
    }
}

impl Ledger {
    /// Decides the hits of one request whose shards are away, all of them or a part (`batch.leniency` then says what the
    /// rest contributes). Atomic: no other request is decided on these counters in between.
    ///
    /// A request that passes is entered whole. Of one that is denied, hits that fit are entered as the store would count them,
    /// or nothing where denied requests are ignored; hits that do not fit take nothing from this replica's share. A look
    /// takes nothing, and a refund gives back what was admitted here. A request that others deny afterwards can be taken
    /// out again by refunds. `slots` says for each hit where its counter lives, and so whom to tell afterwards.
    #[must_use]
    pub fn decide(&self, batch: Batch<'_>, slots: &[Slot], share: Share, now: Timestamp) -> Readings {
        let places: SmallVec<[Place; 4]> = batch.hits.iter().map(|hit| self.place(hit)).collect();
        let mut parts = self.parts.lock_all(&places);
        let drafts = draft(batch, &places, &mut parts, share, now);
        let outcomes = batch.hits.iter().zip(&drafts).map(|(hit, draft)| (hit.role, draft.reading));
        let denied = batch.leniency.denies(outcomes);
        if denied && batch.denied_requests == DeniedRequests::Ignore {
            let mut readings = Readings::new();
            for ((hit, &slot), draft) in batch.hits.iter().zip(slots).zip(&drafts) {
                let meters = &mut parts.get(draft.place).meters;
                let key = draft.place.key(hit.key.as_bytes());
                readings.push(match hit.takes_anyway() {
                    true => {
                        let reading = meters.belief(key, hit.limit, now).decide(hit, share, now);
                        meters.charge(key, hit, slot, share, now);
                        reading
                    }
                    false => draft.reading.untaken(draft.before.look(hit.limit, share, now)),
                });
            }
            return readings;
        }
        for ((hit, &slot), draft) in batch.hits.iter().zip(slots).zip(&drafts) {
            let (part, key) = (parts.get(draft.place), draft.place.key(hit.key.as_bytes()));
            if matches!(hit.hits, Hits::Refund(_)) {
                part.over.forget(key);
            }
            match &draft.before {
                Known::Window(account) if !denied || !draft.reading.over => {
                    part.charge(key, account.charged(hit, slot), now);
                }
                Known::Window(_) => {}
                Known::Meter(_) if draft.reading.changes(hit.limit, hit.hits) => {
                    part.meters.charge(key, hit, slot, share, now);
                }
                Known::Meter(_) => {}
            }
        }
        drafts.iter().map(|draft| draft.reading).collect()
    }
}

fn draft(
    batch: Batch<'_>,
    places: &[Place],
    parts: &mut LockedShards<'_, Part>,
    share: Share,
    now: Timestamp,
) -> SmallVec<[Draft; 4]> {
    let mut drafts: SmallVec<[Draft; 4]> = SmallVec::with_capacity(places.len());
    for (index, (hit, &place)) in batch.hits.iter().zip(places).enumerate() {
        // The same counter may have been decided by an earlier hit of this very request.
        let earlier = (0..index)
            .rev()
            .find(|&other| places[other].may_be(&place) && batch.hits[other].key == hit.key)
            .map(|other| &drafts[other]);
        let (before, found) = match earlier {
            Some(earlier) => (earlier.before.clone(), earlier.after.clone()),
            None => {
                let (part, key) = (parts.get(place), place.key(hit.key.as_bytes()));
                let known = match hit.limit.algorithm.is_meter() {
                    true => Known::Meter(part.meters.belief(key, hit.limit, now)),
                    false => Known::Window(part.account(key, hit, now)),
                };
                (known.clone(), known)
            }
        };
        let (after, reading) = match found {
            Known::Window(account) => {
                let (after, reading) = account.decide(hit, share);
                // Where denied hits count by themselves, one that does not fit leaves room for a smaller one.
                let leaves_room = reading.over && batch.denied_requests == DeniedRequests::Count;
                (Known::Window(if leaves_room { account } else { after }), reading)
            }
            Known::Meter(mut belief) => {
                let reading = belief.decide(hit, share, now);
                (Known::Meter(belief), reading)
            }
        };
        drafts.push(Draft { place, before, after, reading });
    }
    drafts
}
