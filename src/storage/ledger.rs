//! What this replica knows of counters that it shares with others: what it read last, and what it has admitted on its own.
//!
//! It serves three ends. **Memory of being over**: a counter that was read as used up is denied without asking again, for a
//! moment. **Fallback**: while a counter's shard is away, this replica admits its share of what was left. **Settlement**:
//! what it admitted, also where nobody knows whether the store counted it before, is told to the shard once it is back.
//! What passes because a rule says `allow` counts against nobody, and no hit is taken down for a caller who gave up: it has
//! mostly been counted, and nobody else was let through for it.
//! It does no I/O and reads no clock; it does not know what a breaker is or who sends settlements.
//!
//! Each of the three has a table of its own. One for all would be one entry less to write, but readings of healthy shards
//! would push out what must be settled, `over_limit_memory.max_entries` would bound nothing by itself, every request would
//! look for "over" in the largest table instead of the smallest, and a settlement would have to walk a million readings.
//!
//! # What is guaranteed
//!
//! L is the limit, R the number of replicas, and T what all of them admit in one window of one counter. Replica r last
//! read `read_r` in that window (0 where it read nothing), and admits on its own at most `A_r = ceil((L − read_r) / R_r)`
//! until it has settled, R_r being the number of replicas that *it* knows of.
//!
//! - *The shard is there*: T ≤ L. The ledger admits nothing then, and denies from memory only what the shard would have
//!   denied when it was last asked, at most `max_age` ago.
//! - *The window in which the shard went*: T ≤ max(L, P + Σ A_r), where P had passed before. Where every replica has read the
//!   latest count and knows of all others, that is L + R − 1: each share is rounded up, so that a limit below R is not 0.
//!   What makes it more is that `read_r` is older than the count: hits of other replicas since then, and calls in flight
//!   whose answers never came. A replica that has not asked for the counter in this window takes it for unused, so the most
//!   that can pass, with nothing read by anybody, is P + R · ceil(L / R) ≤ 2 L + R − 1.
//! - *A window that runs wholly without the shard*: T ≤ R · ceil(L / R) ≤ L + R − 1.
//! - *The window in which the shard comes back*: the shard does not know yet what others have to settle. It admits while its
//!   count is below L, so T ≤ L + the sum of what is unsettled. With everybody's settlement before the first request,
//!   the bounds above hold. In general, T ≤ L + the sum of A_r over all replicas and all outages in that window.
//! - *After settlement* the count is at least T: nothing that passed is forgotten. It may be more, since hits whose answer was
//!   lost may have counted already. So settling denies too much, never too little. Meters, of which time takes hits away, have a file and
//!   bounds of their own (`ledger/meters.rs`).
//!
//! Beside these, the limit can be exceeded by a replica that does not know of all others (it takes 1 / R_r for its share; a
//! replica that has never reached the store believes that it is alone and may admit L), by clocks that disagree about the edge
//! of a window, by entries that had to give way (counted, see [`LedgerFigures`]), and by a replica that ends before it has
//! settled. Descriptors in shadow mode, and quota-mode ones of a request that passes, pass over the limit by intention.

mod account;
mod debt;
mod debts;
mod decide;
mod figures;
mod meters;
mod over_memory;
mod part;
pub mod restoration;
pub mod settlement;
mod walk;

#[cfg(test)]
mod tests;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crate::decision::hit::Hit;
use crate::decision::key::CounterKey;
use crate::decision::reading::Reading;
use crate::decision::request::Hits;
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::storage::ledger::debts::Owed;
pub use crate::storage::ledger::figures::LedgerFigures;
use crate::storage::ledger::over_memory::OverMemory;
use crate::storage::ledger::part::Part;
use crate::storage::table::Evicted;
use crate::storage::table::sharded::{Place, Portion, Sharded};

/// How long an entry outlives its window, in seconds: a clock that is set back a little must find it.
const SLACK: u64 = 2;

/// Expired entries of one table that a sweep takes from a part while it holds its lock.
const SWEEP_BATCH: usize = 256;

/// How much the ledger may remember.
#[derive(Debug, Clone, Copy)]
pub struct LedgerSettings {
    /// Counters of which the last reading is known; and, by themselves, counters with something to settle.
    pub max_entries: usize,
    /// The memory of being over.
    pub over: OverMemorySettings,
}

/// How much is remembered of being over.
#[derive(Debug, Clone, Copy)]
pub struct OverMemorySettings {
    /// Counters at the most; 0 turns the memory off.
    pub max_entries: usize,
    /// A reading that is older denies nothing: a refund through another replica must be seen soon.
    pub max_age: Duration,
}

/// This replica's share of what a shard that is away can no longer hand out.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    /// Replicas that are alive as far as is known, this one included.
    pub replicas: NonZeroU32,
}

/// What this replica knows of shared counters.
#[derive(Debug)]
pub struct Ledger {
    parts: Sharded<Part>,
    owed: Arc<Owed>,
    next_settlement: AtomicU64,
    over: OverMemorySettings,
}

impl Ledger {
    /// A ledger that knows nothing.
    #[must_use]
    pub fn new(settings: LedgerSettings) -> Self {
        let max_entries = settings.max_entries.max(1);
        let over = settings.over;
        let owed = Arc::new(Owed::new());
        let part = |portion: Portion| {
            let over = OverMemorySettings { max_entries: portion.of(over.max_entries), ..over };
            Part::new(portion.of(max_entries), &owed, OverMemory::new(over))
        };
        let parts = Sharded::new(max_entries, part);
        Self { parts, owed, next_settlement: AtomicU64::new(1), over }
    }

    /// How long a reading of being over denies, on this replica as on others.
    #[must_use]
    pub fn over_is_believed_for(&self) -> Duration {
        if self.over.max_entries == 0 { Duration::ZERO } else { self.over.max_age }
    }

    /// Counters that are remembered as over at the most.
    #[must_use]
    pub fn over_memory_max_entries(&self) -> usize {
        self.over.max_entries
    }

    /// Learns what the store answered for this hit: the window that it counted in and the count there, or what is in a meter; and when.
    ///
    /// A window that is older than one known already is ignored. Within a window the last answer counts, even where it is
    /// lower, since hits are given back through other replicas, too.
    pub fn note_reading(&self, hit: &Hit, counted: &State, at: Timestamp) {
        let place = self.place(hit);
        let (mut part, key) = (self.parts.lock(place), place.key(hit.key.as_bytes()));
        match counted {
            State::FixedWindow(window) => part.note_reading(key, hit, *window, at),
            meter => part.note_meter(key, hit, meter, at),
        }
    }

    /// The answer for a hit whose counter is known to be over: denied, with the count that was read. A denial from here does
    /// not make the count grow.
    ///
    /// It is judged by the hit's own amount and limit, so a raised limit takes effect at once, and a look at a limit that is
    /// just used up is left to the store, where it passes. Refunds and descriptors in shadow mode are never answered.
    #[must_use]
    pub fn known_over(&self, hit: &Hit, now: Timestamp) -> Option<Reading> {
        // What is taken though it does not fit has to be told to the store.
        if hit.role.shadow || hit.limit.overdraft || matches!(hit.hits, Hits::Refund(_)) {
            return None;
        }
        let place = self.place(hit);
        self.parts.lock(place).over.find(place.key(hit.key.as_bytes()), hit, now)
    }

    /// Forgets all that is known of a counter, and what it has to settle: somebody has reset it.
    pub fn forget(&self, key: &CounterKey) {
        let place = self.parts.place(key.as_bytes());
        self.parts.lock(place).forget(place.key(key.as_bytes()));
    }

    /// Takes away what has expired, some at a time so that no call waits long for a lock.
    pub fn sweep(&self, now: Timestamp) {
        for part in self.parts.all() {
            while part.lock().expire(now, SWEEP_BATCH) {}
        }
    }

    fn place(&self, hit: &Hit) -> Place {
        self.parts.place(hit.key.as_bytes())
    }
}

/// When an entry for this window may be forgotten, in seconds since the epoch.
fn expiry(end: u64) -> u64 {
    end.saturating_add(SLACK)
}

/// Whether something had to give way whose window still ran.
fn is_live<V>(evicted: Option<&Evicted<V>>, now: Timestamp) -> bool {
    evicted.is_some_and(|evicted| evicted.expires > now.secs() + SLACK)
}
