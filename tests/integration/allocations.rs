//! What the way of a decision allocates: nothing, as long as a request is of the usual size and its counters are there.
//!
//! An allocation counts for the thread that makes it, so that other tests do not disturb.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use ratekeeper::decision::algorithm::Algorithm;
use ratekeeper::decision::cost::Cost;
use ratekeeper::decision::hit::{Batch, DeniedRequests, Hit, Leniency, OnStoreFailure, Role};
use ratekeeper::decision::key::CounterKey;
use ratekeeper::decision::limit::Limit;
use ratekeeper::decision::period::Period;
use ratekeeper::decision::plan::Modes;
use ratekeeper::decision::request::{Descriptor, Entry, Hits, Request};
use ratekeeper::decision::rules::RuleSet;
use ratekeeper::decision::rules::spec::{DescriptorSpec, DomainSpec, LimitSpec, Location, QuotaSpec};
use ratekeeper::decision::time::Timestamp;
use ratekeeper::service::{Asker, Limiter, ManualClock, Rulebook};
use ratekeeper::storage::local::{LocalSettings, LocalStore};
use smallvec::SmallVec;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn hit(value: &str, period: Period) -> Hit {
    hit_on(Algorithm::FixedWindow, value, period)
}

fn hit_on(algorithm: Algorithm, value: &str, period: Period) -> Hit {
    let entries = [Entry { key: b"remote_address", value: value.as_bytes() }];
    let limit = Limit::new(1_000, period).held_by(algorithm);
    Hit {
        key: CounterKey::of_limit(limit, "domain", entries.into_iter()),
        limit,
        hits: Hits::Take(1),
        role: Role::default(),
        on_store_failure: OnStoreFailure::Local,
    }
}

fn count(store: &LocalStore, denied_requests: DeniedRequests, hits: &[Hit], now: Timestamp) {
    let batch = Batch { hits, leniency: Leniency::default(), denied_requests };
    assert!(store.count_now(batch, now).iter().all(|reading| !reading.over));
}

#[test]
fn a_hit_on_a_counter_that_is_there_allocates_nothing() {
    for algorithm in Algorithm::ALL {
        for denied_requests in [DeniedRequests::Count, DeniedRequests::Ignore] {
            let store = LocalStore::new(LocalSettings { max_entries: 10_000 });
            let values = ["10.0.0.1", "10.0.0.2", &"v".repeat(60)];
            let hits = values.map(|value| hit_on(algorithm, value, Period::SECOND));
            for hit in &hits {
                count(&store, denied_requests, std::slice::from_ref(hit), NOW);
            }
            for later in 1..10 {
                // Each second is a new window of the same counters.
                let now = Timestamp::from_secs(NOW.secs() + later);
                for hits in hits.chunks(2) {
                    let allocated = measure(|| count(&store, denied_requests, hits, now));
                    assert_eq!(allocated.count_total, 0, "{hits:?} {later} s later, {denied_requests:?}");
                }
            }
        }
    }
}

#[test]
fn a_log_allocates_only_to_grow() {
    for denied_requests in [DeniedRequests::Count, DeniedRequests::Ignore] {
        let store = LocalStore::new(LocalSettings { max_entries: 10_000 });
        let hits = [hit_on(Algorithm::SlidingLog, "10.0.0.1", Period::SECOND)];
        let allocated = (0..10_000).map(|millis| {
            let now = Timestamp::from_millis(NOW.millis() + millis);
            measure(|| count(&store, denied_requests, &hits, now)).count_total
        });
        // To 4 places, 8, 16 and so on to 1,024; and once for the counter, and its part of the table.
        assert!(allocated.sum::<u64>() <= 9 + 6, "{denied_requests:?}");
    }
}

/// Logs that grow push others out, so that all together have no more room than so many counters of other algorithms.
#[test]
fn logs_take_no_more_room_than_other_counters() {
    const MAX_ENTRIES: usize = 2_000;
    let store = LocalStore::new(LocalSettings { max_entries: MAX_ENTRIES });
    let allocated = measure(|| {
        for millis in 0..500 {
            let now = Timestamp::from_millis(NOW.millis() + millis);
            for name in 0..300 {
                let hit = hit_on(Algorithm::SlidingLog, &name.to_string(), Period::HOUR);
                count(&store, DeniedRequests::Count, &[hit], now);
            }
        }
    });
    let bytes = usize::try_from(allocated.bytes_current).unwrap();
    assert!((100 * MAX_ENTRIES..135 * MAX_ENTRIES).contains(&bytes), "{bytes}");
    assert!(store.live_evictions() > 200, "{}", store.live_evictions());
}

#[test]
fn a_counter_of_usual_length_is_made_without_an_allocation_of_its_own() {
    let store = LocalStore::new(LocalSettings { max_entries: 1_000 });
    let value = |index: usize| format!("10.20.{index:03}.{index:03}");
    count(&store, DeniedRequests::Count, &[hit(&value(0), Period::HOUR)], NOW);
    let made = (1..60).map(|index| hit(&value(index), Period::HOUR)).map(|hit| {
        measure(|| count(&store, DeniedRequests::Count, std::slice::from_ref(&hit), NOW)).count_total
    });
    assert!(made.sum::<u64>() < 10, "only the index grows");
}

#[test]
fn a_decision_with_counters_that_are_there_allocates_nothing() {
    let limiter = &limiter();
    let ask = |descriptors: usize| {
        let entry = |key: &'static str| Entry { key: key.as_bytes(), value: b"10.20.30.40" };
        let one = |key| Descriptor {
            entries: SmallVec::from_slice(&[entry(key)]),
            limit_override: None,
            hits: Hits::Take(1),
        };
        let request =
            Request { domain: "domain", descriptors: KEYS.into_iter().take(descriptors).map(one).collect() };
        move || {
            let mut denied = pin!(limiter.decide(&request, Asker::default(), |verdict| verdict.denied));
            let answer = denied.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(answer, Poll::Ready(Ok(false))));
        }
    };
    ask(4)();
    assert_eq!(measure(ask(1)).count_total, 0);
    assert_eq!(measure(ask(2)).count_total, 0);
    // More than two have their own places for matches, hits, readings and statuses.
    let four = measure(ask(4)).count_total;
    assert!(four <= 4, "{four}");
}

const KEYS: [&str; 4] = ["remote_address", "path", "user", "tenant"];

fn limiter() -> Limiter<LocalStore, ManualClock> {
    let descriptor = |key: &str| {
        let quota = QuotaSpec::Counted(Limit::new(1_000, Period::HOUR));
        let location = Location { file: "test.yaml".into(), line: 1, column: 1 };
        let limit = Some(LimitSpec { quota, name: None, replaces: Vec::new(), cost: Cost::PLAIN });
        DescriptorSpec { limit, ..DescriptorSpec::new(key, location) }
    };
    let domain = DomainSpec { name: "domain".to_owned(), descriptors: KEYS.map(descriptor).into() };
    let rulebook = Arc::new(Rulebook::new());
    rulebook.publish(RuleSet::compile(&[domain]).unwrap(), "test", NOW);
    let store = LocalStore::new(LocalSettings { max_entries: 10_000 });
    Limiter::new(rulebook, store, ManualClock::at(NOW), Modes { near_limit_ratio: 0.8, ..Modes::default() })
}
