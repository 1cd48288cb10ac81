//! Counting in the local store, and the memory of being over.

use std::hint::black_box;
use std::time::Duration;

use ratekeeper::decision::fixed_window::Window;
use ratekeeper::decision::hit::{Batch, DeniedRequests, Hit, Leniency, OnStoreFailure, Role};
use ratekeeper::decision::key::CounterKey;
use ratekeeper::decision::limit::Limit;
use ratekeeper::decision::period::Period;
use ratekeeper::decision::request::{Entry, Hits};
use ratekeeper::decision::state::State;
use ratekeeper::decision::time::Timestamp;
use ratekeeper::storage::ledger::{Ledger, LedgerSettings, OverMemorySettings};
use ratekeeper::storage::local::{LocalSettings, LocalStore};

use super::{Case, Make, scattered};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const IN_TURN: usize = 4_096;

pub(super) const CASES: &[Make] = &[
    || present(1_000),
    || present(100_000),
    several_unless_denied,
    new_key,
    new_key_in_a_full_store,
    new_key_for_an_expired_one,
    known_over,
    not_known_over,
];

/// The counter is there: what nearly every request finds.
fn present(live_keys: usize) -> Case {
    let store = store(1_000_000);
    (0..live_keys).for_each(|key| count(&store, &[hit(key, Period::HOUR)], NOW));
    let hits: Vec<Hit> = (0..IN_TURN).map(|turn| hit(scattered(turn) % live_keys, Period::HOUR)).collect();
    let mut turn = 0;
    Case::new(format!("count a present key, {live_keys} keys"), 4_096, move || {
        count(&store, std::slice::from_ref(&hits[turn % IN_TURN]), NOW);
        turn += 1;
    })
}

/// Where denied requests are ignored, a request's counters are changed at once or not at all.
fn several_unless_denied() -> Case {
    let store = store(1_000_000);
    let hits: Vec<Hit> = (0..IN_TURN).map(|turn| hit(turn, Period::HOUR)).collect();
    let mut turn = 0;
    Case::new("count 4 present keys unless denied", 4_096, move || {
        let hits = &hits[turn % IN_TURN / 4 * 4..][..4];
        turn += 4;
        let batch = Batch { hits, leniency: Leniency::default(), denied_requests: DeniedRequests::Ignore };
        black_box(store.count_now(batch, NOW));
    })
}

fn new_key() -> Case {
    new_keys("count a new key", store(1_000_000), |_| NOW)
}

fn new_key_in_a_full_store() -> Case {
    new_keys("count a new key in a full store", store(8_192), |_| NOW)
}

/// The windows of a second end, and new keys take the place of old ones.
fn new_key_for_an_expired_one() -> Case {
    new_keys("count a new key while others expire", store(1_000_000), |turn| {
        NOW.after(Duration::from_millis(turn))
    })
}

fn new_keys(name: &str, store: LocalStore, now: fn(u64) -> Timestamp) -> Case {
    let mut turn = 0;
    // As many as make the full store full before it counts.
    Case::new(name, 10_000, move || {
        turn += 1;
        let key = usize::try_from(turn).unwrap_or_default();
        count(&store, &[hit(key, Period::SECOND)], now(turn));
    })
}

fn known_over() -> Case {
    let ledger = ledger();
    let hits: Vec<Hit> = (0..1_000).map(|key| hit(key, Period::HOUR)).collect();
    for hit in &hits {
        let window = Window { count: u64::from(u32::MAX), ..Window::at(Period::HOUR, NOW) };
        ledger.note_reading(hit, &State::FixedWindow(window), NOW);
    }
    let mut turn = 0;
    Case::new("remember that a key is over", 1_000, move || {
        assert!(ledger.known_over(&hits[turn % hits.len()], NOW).is_some());
        turn += 1;
    })
}

fn not_known_over() -> Case {
    let (ledger, hit) = (ledger(), hit(1, Period::HOUR));
    let window = Window { count: 1, ..Window::at(Period::HOUR, NOW) };
    Case::new("know nothing of being over, and note a reading", 1_000, move || {
        assert!(ledger.known_over(&hit, NOW).is_none());
        ledger.note_reading(&hit, black_box(&State::FixedWindow(window)), NOW);
    })
}

fn ledger() -> Ledger {
    let over = OverMemorySettings { max_entries: 100_000, max_age: Duration::from_secs(1) };
    Ledger::new(LedgerSettings { max_entries: 1_000_000, over })
}

fn store(max_entries: usize) -> LocalStore {
    LocalStore::new(LocalSettings { max_entries })
}

fn count(store: &LocalStore, hits: &[Hit], now: Timestamp) {
    let batch = Batch { hits, leniency: Leniency::default(), denied_requests: DeniedRequests::Count };
    black_box(store.count_now(batch, now));
}

fn hit(key: usize, period: Period) -> Hit {
    let value = format!("10.{:03}.{:03}", key / 1_000, key % 1_000);
    let entries = [Entry { key: b"remote_address", value: value.as_bytes() }];
    Hit {
        key: CounterKey::new("bench", period, entries.into_iter()),
        limit: Limit::new(u32::MAX - 1, period),
        hits: Hits::Take(1),
        role: Role::default(),
        on_store_failure: OnStoreFailure::Local,
    }
}
