//! Counters of every algorithm in the local store: they are the states of `decision`, one for each key.

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::decision::algorithm::Algorithm;
use crate::decision::state::State;

fn hit_on(limit: Limit, name: &str, hits: Hits) -> Hit {
    let entries = [Entry { key: b"k", value: name.as_bytes() }];
    let (role, on_store_failure) = (Role::default(), OnStoreFailure::Local);
    Hit { key: CounterKey::of_limit(limit, "d", entries.into_iter()), limit, hits, role, on_store_failure }
}

fn per_minute(algorithm: Algorithm, requests_per_unit: u32) -> Limit {
    Limit::new(requests_per_unit, Period::MINUTE).held_by(algorithm)
}

fn after(seconds: u64) -> Timestamp {
    Timestamp::from_secs(NOW.secs() + seconds)
}

/// A state for each key, and the second from which it is forgotten. What changes nothing leaves no trace.
#[derive(Clone, Default)]
struct States(HashMap<CounterKey, (State, u64)>);

impl States {
    fn find(&self, hit: &Hit, now: Timestamp) -> State {
        let found = self.0.get(&hit.key).map(|(state, _)| state.clone());
        let mut state = found.unwrap_or_else(|| State::begin(hit.limit, now));
        state.advance(hit.limit, now);
        state
    }

    fn count_one(&mut self, hit: &Hit, now: Timestamp) -> Reading {
        let mut state = self.find(hit, now);
        let reading = state.count(hit.limit, hit.hits, now);
        let stays = match (&state, self.0.get(&hit.key)) {
            (_, None) => state.used(hit.limit, now) > 0,
            (State::FixedWindow(window), Some((State::FixedWindow(stored), _))) => window.replaces(*stored),
            _ => reading.changes(hit.limit, hit.hits),
        };
        if stays {
            let forgotten = state.empty_at(hit.limit, now).millis().div_ceil(1_000) + 2;
            self.0.insert(hit.key.clone(), (state, forgotten));
        }
        reading
    }

    fn count(&mut self, batch: Batch<'_>, now: Timestamp) -> Vec<Reading> {
        let mut after = self.clone();
        let mut readings: Vec<_> = batch.hits.iter().map(|hit| after.count_one(hit, now)).collect();
        let is_denied = readings.iter().any(|reading| reading.over);
        if is_denied && batch.denied_requests == DeniedRequests::Ignore {
            let before: Vec<_> =
                batch.hits.iter().map(|hit| self.find(hit, now).look(hit.limit, now)).collect();
            for ((hit, reading), before) in batch.hits.iter().zip(&mut readings).zip(before) {
                match hit.takes_anyway() {
                    true => *reading = self.count_one(hit, now),
                    false => *reading = reading.untaken(before),
                }
            }
        } else {
            let is_begun = |key: &CounterKey, state: &State| match state {
                // What a request puts into a log and takes out of it again leaves no trace.
                State::SlidingLog(log) if batch.denied_requests == DeniedRequests::Ignore => {
                    log.total() > 0 || self.0.contains_key(key)
                }
                _ => true,
            };
            after.0.retain(|key, (state, _)| is_begun(key, state));
            *self = after;
        }
        readings
    }
}

fn limits() -> impl Strategy<Value = Limit> {
    let seconds = select(vec![1, 60, 3_601, 86_400]);
    let limit = (select(Algorithm::ALL.as_slice()), seconds, 0..9_u32, 0..9_u32, any::<bool>());
    limit.prop_map(|(algorithm, seconds, number, burst, overdraft)| {
        let limit = Limit::new(number, Period::from_seconds(seconds).unwrap()).held_by(algorithm);
        let limit = Limit { overdraft, ..limit };
        if algorithm == Algorithm::TokenBucket { limit.with_burst(burst) } else { limit }
    })
}

fn requests() -> impl Strategy<Value = (Vec<Hit>, DeniedRequests, i64)> {
    let hits = prop_oneof![4 => (0..4_u32).prop_map(Hits::Take), 1 => (0..4_u32).prop_map(Hits::Refund)];
    let hit =
        (limits(), select(vec!["a", "b"]), hits).prop_map(|(limit, name, hits)| hit_on(limit, name, hits));
    let moved = prop_oneof![Just(0), -1_000..0_i64, 0..3_000_i64, 0..90_000_i64, 0..100_000_000_i64];
    let denied_requests = select(vec![DeniedRequests::Count, DeniedRequests::Ignore]);
    // The same hit twice is the same counter twice. What holds where one request has two limits on one counter is not tested: which of
    // them what drained until then drained at.
    let hits = (prop::collection::vec(hit, 1..4), any::<bool>()).prop_map(|(mut hits, twice)| {
        hits.extend(twice.then(|| hits[0].clone()));
        for later in 1..hits.len() {
            let first = hits.iter().position(|hit| hit.key == hits[later].key);
            hits[later].limit = hits[first.unwrap_or(later)].limit;
        }
        hits
    });
    (hits, denied_requests, moved)
}

proptest! {
    #[test]
    fn the_store_is_a_state_for_each_key(requests in prop::collection::vec(requests(), 1..40)) {
        let (store, mut states, mut now) = (store(1_000), States::default(), NOW.millis());
        for (hits, denied_requests, moved) in requests {
            now = now.saturating_add_signed(moved);
            let (batch, at) = (
                Batch { hits: &hits, leniency: Leniency::default(), denied_requests },
                Timestamp::from_millis(now),
            );
            store.sweep(at);
            states.0.retain(|_, (_, forgotten)| *forgotten > at.secs());
            prop_assert_eq!(store.entries(), states.0.len());
            prop_assert_eq!(store.count_now(batch, at).to_vec(), states.count(batch, at), "{:?}", hits);
        }
    }
}

#[test]
fn looks_and_refunds_and_what_is_denied_create_no_counter() {
    let store = store(100);
    for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| algorithm.is_meter()) {
        for hits in [Hits::Take(0), Hits::Refund(5), Hits::Take(11)] {
            count(&store, &[hit_on(per_minute(algorithm, 10), "a", hits)]);
        }
    }
    assert_eq!(store.entries(), 0);
}

#[test]
fn a_counter_that_is_empty_is_swept() {
    let sweep = |limit: Limit, empty_after: u64| {
        let store = store(100);
        count(&store, &[hit_on(limit, "a", Hits::Take(1))]);
        // Two seconds longer, for clocks that are set back a little.
        store.sweep(after(empty_after + 1));
        assert_eq!(store.entries(), 1, "{limit:?}");
        store.sweep(after(empty_after + 2));
        assert_eq!((store.entries(), store.live_evictions()), (0, 0), "{limit:?}");
    };
    sweep(per_minute(Algorithm::TokenBucket, 10), 6);
    sweep(per_minute(Algorithm::LeakyBucket, 30), 2);
    sweep(per_minute(Algorithm::SlidingLog, 10), 60);
    // The minute that NOW lies in has 40 seconds left.
    sweep(per_minute(Algorithm::FixedWindow, 10), 40);
    sweep(per_minute(Algorithm::SlidingWindow, 10), 40 + 60);
}

#[test]
fn a_refund_lets_a_counter_be_swept_earlier() {
    let (store, limit) = (store(100), per_minute(Algorithm::TokenBucket, 60));
    count(&store, &[hit_on(limit, "a", Hits::Take(30)), hit_on(limit, "a", Hits::Refund(29))]);
    store.sweep(after(2));
    assert_eq!(store.entries(), 1);
    store.sweep(after(3));
    assert_eq!(store.entries(), 0);
}

#[test]
fn a_full_store_gives_up_the_fewest_hits_of_any_algorithm() {
    for algorithm in Algorithm::ALL.into_iter().filter(|&algorithm| algorithm != Algorithm::LeakyBucket) {
        // A log takes the room of two.
        let room = if algorithm == Algorithm::SlidingLog { 6 } else { 3 };
        let (store, limit) = (store(room), per_minute(algorithm, 9));
        let held = |name: &str, hits| hit_on(limit, name, Hits::Take(hits));
        count(&store, &[held("three", 3), held("one", 1), held("two", 2), held("new", 1)]);
        assert_eq!((store.entries(), store.live_evictions()), (3, 1), "{algorithm:?}");
        let looks = ["three", "two", "new", "one"].map(|name| held(name, 0));
        assert_eq!(count(&store, &looks), [(3, false), (2, false), (1, false), (0, false)], "{algorithm:?}");
    }
}

/// A level in milliseconds means something else in seconds.
#[test]
fn a_limit_that_is_counted_in_another_tick_has_another_counter() {
    let per_day = |algorithm, number| Limit::new(number, Period::DAY).held_by(algorithm);
    for algorithm in [Algorithm::SlidingWindow, Algorithm::TokenBucket] {
        let (small, large) = (per_day(algorithm, 26_062_497), per_day(algorithm, 26_062_498));
        let store = store(100);
        let take = |limit, hits| count(&store, &[hit_on(limit, "a", Hits::Take(hits))])[0];
        assert_eq!(take(small, 26_062_497), (26_062_497, false));
        assert_eq!(take(large, 1_000), (1_000, false), "{algorithm:?}");
        assert_eq!(take(small, 1), (26_062_497, true), "turned back, it goes on");
        assert_eq!((take(large, 1), store.entries()), ((1_001, false), 2));
    }
    let store = store(100);
    let rate = |number| per_day(Algorithm::TokenBucket, number).with_burst(10);
    count(&store, &[hit_on(rate(1), "a", Hits::Take(10))]);
    let raised = count(&store, &[hit_on(rate(u32::MAX), "a", Hits::Take(1))]);
    assert_eq!(raised, [(10, true)], "a rate of any size keeps the counter");
}

/// What becomes of the counters of a limit of ten a minute that is used up, where a rule file gives another one.
#[test]
fn a_limit_that_changes_keeps_its_counter_unless_period_or_algorithm_change() {
    for algorithm in Algorithm::ALL.into_iter().filter(|&algorithm| algorithm != Algorithm::LeakyBucket) {
        let (store, limit) = (store(100), per_minute(algorithm, 10));
        let take = |limit, hits| count(&store, &[hit_on(limit, "a", Hits::Take(hits))])[0];
        assert_eq!(take(limit, 10), (10, false));
        assert_eq!(take(per_minute(algorithm, 12), 2), (12, false), "{algorithm:?}");
        assert!(take(per_minute(algorithm, 5), 1).1, "{algorithm:?}");
        let longer = Limit { period: Period::HOUR, ..limit };
        assert_eq!(take(longer, 1), (1, false), "{algorithm:?}");
        for other in Algorithm::ALL.into_iter().filter(|&other| other != algorithm) {
            let store = LocalStore::new(LocalSettings { max_entries: 100 });
            count(&store, &[hit_on(limit, "a", Hits::Take(10))]);
            let other = hit_on(per_minute(other, 10), "a", Hits::Take(1));
            assert_eq!(count(&store, &[other]), [(1, false)], "{algorithm:?}");
        }
    }
}

#[test]
fn a_log_gives_its_room_back_when_it_has_forgotten() {
    let (store, limit) = (store(1_000), per_minute(Algorithm::SlidingLog, 1_000));
    let hit = hit_on(limit, "a", Hits::Take(1));
    let at = |millis| Timestamp::from_millis(NOW.millis() + millis);
    for millis in 0..900 {
        count_as(&store, DeniedRequests::Count, std::slice::from_ref(&hit), at(millis));
    }
    let others = || (0..900).map(|name| take(&format!("{name}"), 9)).collect::<Vec<_>>();
    count_as(&store, DeniedRequests::Count, std::slice::from_ref(&hit), at(61_000));
    count_as(&store, DeniedRequests::Count, &others(), at(61_000));
    assert_eq!((store.entries(), store.live_evictions()), (901, 0));
}
