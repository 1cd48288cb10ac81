//! The local store: exact under concurrency, bounded, forgetting in order, and atomic where denied requests are ignored.
//! That it counts as the scripts and as a model do is tested in `storage/redis/tests/model.rs`.

mod algorithms;
mod several_limits;

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::decision::hit::{Leniency, OnStoreFailure, Role};
use crate::decision::key::CounterKey;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::request::{Entry, Hits};

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

fn hit(name: &str, limit: u32, period: Period, hits: Hits) -> Hit {
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

fn take(name: &str, limit: u32) -> Hit {
    hit(name, limit, Period::HOUR, Hits::Take(1))
}

fn store(max_entries: usize) -> LocalStore {
    LocalStore::new(LocalSettings { max_entries })
}

fn count_as(
    store: &LocalStore,
    denied_requests: DeniedRequests,
    hits: &[Hit],
    now: Timestamp,
) -> Vec<(u64, bool)> {
    let batch = Batch { hits, leniency: Leniency::default(), denied_requests };
    store.count_now(batch, now).iter().map(|reading| (reading.count, reading.over)).collect()
}

fn count(store: &LocalStore, hits: &[Hit]) -> Vec<(u64, bool)> {
    count_as(store, DeniedRequests::Count, hits, NOW)
}

#[test]
fn a_key_that_stands_twice_counts_twice() {
    let store = store(100);
    assert_eq!(
        count(&store, &[take("a", 1), take("a", 1), take("b", 1)]),
        [(1, false), (2, true), (1, false)]
    );
    assert_eq!(count(&store, &[take("a", 1)]), [(3, true)]);
}

#[test]
fn looks_and_refunds_create_no_counter() {
    let store = store(100);
    let look = hit("a", 1, Period::HOUR, Hits::Take(0));
    let refund = hit("a", 1, Period::HOUR, Hits::Refund(5));
    assert_eq!(count(&store, &[look.clone(), refund.clone()]), [(0, false), (0, false)]);
    assert_eq!(store.entries(), 0);
    assert_eq!(
        count(&store, &[take("a", 1), look.clone(), refund, look]),
        [(1, false), (1, false), (0, false), (0, false)]
    );
}

#[test]
fn a_window_that_is_over_starts_anew_and_is_swept() {
    let store = store(100);
    let minute = |name| hit(name, 1, Period::MINUTE, Hits::Take(1));
    count(&store, &[minute("a"), minute("b"), take("long", 9)]);
    let later = Timestamp::from_secs(NOW.secs() + 60);
    assert_eq!(count_as(&store, DeniedRequests::Count, &[minute("a")], later), [(1, false)]);
    store.sweep(Timestamp::from_secs(later.secs() + 2));
    assert_eq!(store.entries(), 2);
    store.sweep(Timestamp::from_secs(NOW.secs() + 2 * 3_600));
    assert_eq!((store.entries(), store.live_evictions()), (0, 0));
}

#[test]
fn a_full_store_gives_up_the_fewest_hits() {
    let store = store(3);
    let minute = || hit("minute", 9, Period::MINUTE, Hits::Take(2));
    let day = || hit("day", 9, Period::DAY, Hits::Take(1));
    count(&store, &[take("hour", 9), take("hour", 9), minute(), day()]);
    assert_eq!(count(&store, &[take("new", 9)]), [(1, false)]);
    assert_eq!((store.entries(), store.live_evictions()), (3, 1));
    assert_eq!(count(&store, &[take("hour", 9), minute()]), [(3, false), (4, false)]);
    assert_eq!(count(&store, &[day()]), [(1, false)]);
}

/// Otherwise a user who can choose values of a long window could wash away every short window's limit.
#[test]
fn a_flood_of_new_counters_does_not_lift_a_limit_that_is_used_up() {
    let store = store(2_000);
    let banned = || hit("banned", 5, Period::SECOND, Hits::Take(1));
    count(&store, &vec![banned(); 9]);
    for index in 0..50_000 {
        count(&store, &[hit(&index.to_string(), 1_000, Period::DAY, Hits::Take(1))]);
    }
    assert_eq!(count(&store, &[banned()]), [(10, true)]);
}

#[test]
fn the_bound_holds_for_every_size() {
    for max_entries in [1, 2, 1_023, 1_025, 5_000] {
        let store = store(max_entries);
        for index in 0..2 * max_entries {
            count(&store, &[take(&index.to_string(), 9)]);
        }
        assert!(store.entries() <= max_entries, "{} of {max_entries}", store.entries());
        assert!(store.entries() > max_entries / 2);
    }
}

#[test]
fn an_ignored_denied_request_changes_nothing() {
    let store = store(10_000);
    let ignore = |hits: &[Hit]| count_as(&store, DeniedRequests::Ignore, hits, NOW);
    assert_eq!(ignore(&[take("a", 5), take("b", 1)]), [(1, false), (1, false)]);
    assert_eq!(ignore(&[take("a", 5), take("b", 1)]), [(1, false), (1, true)]);
    assert_eq!(ignore(&[take("new", 5), take("b", 1)]), [(0, false), (1, true)]);
    assert_eq!(store.entries(), 2);
    assert_eq!(ignore(&[take("a", 3), take("a", 3)]), [(2, false), (3, false)]);
    assert_eq!(ignore(&[take("a", 4), take("a", 4)]), [(3, false), (3, true)]);
    assert_eq!(ignore(&[take("a", 4)]), [(4, false)]);
}

#[test]
fn ignoring_follows_the_verdict_of_the_whole_request() {
    let store = store(100);
    let with = |role: Role, name: &str| Hit { role, ..take(name, 0) };
    let ignore = |hits: &[Hit]| count_as(&store, DeniedRequests::Ignore, hits, NOW);
    let shadow = Role { shadow: true, ..Role::default() };
    assert_eq!(ignore(&[with(shadow, "s")]), [(1, true)]);
    assert_eq!(ignore(&[with(shadow, "s"), with(Role::default(), "p")]), [(1, true), (0, true)]);
}

#[test]
fn exactly_the_limit_passes_however_many_ask() {
    for denied_requests in [DeniedRequests::Count, DeniedRequests::Ignore] {
        let store = store(10_000);
        let passed = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        // Everybody fits into the second: one who has the last place of the first may be late for it.
                        let readings =
                            count_as(&store, denied_requests, &[take("a", 1_000), take("b", 9_000)], NOW);
                        passed
                            .fetch_add(u64::from(readings.iter().all(|(_, over)| !over)), Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(passed.into_inner(), 1_000);
        let expected = if denied_requests == DeniedRequests::Count { 8_001 } else { 1_001 };
        assert_eq!(count(&store, &[take("b", 9_000)])[0].0, expected);
    }
}
