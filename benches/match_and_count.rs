//! Matching and counting by themselves, without a server: `cargo bench --bench match_and_count`.
//!
//! Matching is shown among few and many rules, because its time must not grow with them; counting on the
//! local store by one thread and by two, because callers must not wait for each other.

use std::sync::atomic::{AtomicUsize, Ordering};

use divan::{AllocProfiler, Bencher, black_box};
use ratekeeper::decision::cost::Cost;
use ratekeeper::decision::hit::{Batch, DeniedRequests, Hit, Leniency, OnStoreFailure, Role};
use ratekeeper::decision::key::CounterKey;
use ratekeeper::decision::limit::Limit;
use ratekeeper::decision::period::Period;
use ratekeeper::decision::request::{Entry, Hits};
use ratekeeper::decision::rules::RuleSet;
use ratekeeper::decision::rules::spec::{DescriptorSpec, DomainSpec, LimitSpec, Location, QuotaSpec};
use ratekeeper::decision::time::Timestamp;
use ratekeeper::storage::local::{LocalSettings, LocalStore};

/// Shows allocations beside times: none for a look-up that matches, none for a hit on a counter that is there.
#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const DOMAIN: &str = "bench";
const RULES: [usize; 3] = [10, 1_000, 100_000];
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const LIMIT: Limit = Limit::new(u32::MAX, Period::HOUR);

/// Values that are asked for in turn, so that neither the branch predictor nor the first cache knows the answer.
const IN_TURN: usize = 4_096;

/// Counters in the store: as many as caches hold, and as many as a busy replica has.
const LIVE_KEYS: [usize; 2] = [1_000, 1_000_000];

/// Counts in a sample: many against the timer's precision, few enough that preparing them does not empty the caches.
const SAMPLE: u32 = 200;

fn main() {
    divan::main();
}

/// Every value has its own rule.
#[divan::bench(args = RULES)]
fn match_exact(bencher: Bencher<'_, '_>, rules: usize) {
    let set = compile((0..rules).map(|rule| descriptor(Some(format!("value-{rule}")))));
    let values = (0..IN_TURN).map(|turn| format!("value-{}", scattered(turn) % rules));
    find_in_turn(bencher, &set, &values.collect::<Vec<_>>());
}

/// Every rule is a pattern with a prefix of its own, as paths have them.
#[divan::bench(args = RULES)]
fn match_pattern(bencher: Bencher<'_, '_>, rules: usize) {
    let set = compile((0..rules).map(|rule| descriptor(Some(format!("/api/{rule}/*")))));
    let values = (0..IN_TURN).map(|turn| format!("/api/{}/orders", scattered(turn) % rules));
    find_in_turn(bencher, &set, &values.collect::<Vec<_>>());
}

/// No rule has the value, so the key's default rule applies.
#[divan::bench(args = RULES)]
fn match_default(bencher: Bencher<'_, '_>, rules: usize) {
    let exact = (1..rules).map(|rule| descriptor(Some(format!("value-{rule}"))));
    let set = compile(exact.chain([descriptor(None)]));
    let values = (0..IN_TURN).map(|turn| format!("other-{}", scattered(turn)));
    find_in_turn(bencher, &set, &values.collect::<Vec<_>>());
}

/// From a matched rule and the entries to the counter's key.
#[divan::bench]
fn name_counter(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| counter(black_box("10.20.30.40")));
}

/// The counter is there: what nearly every request finds.
#[divan::bench(args = LIVE_KEYS, threads = [1, 2], sample_size = SAMPLE)]
fn count_present_key(bencher: Bencher<'_, '_>, live_keys: usize) {
    let store = store();
    (0..live_keys).for_each(|key| count(&store, &hit(key)));
    let next = AtomicUsize::new(0);
    let next_key = || scattered(next.fetch_add(1, Ordering::Relaxed)) % live_keys;
    bencher.with_inputs(|| hit(next_key())).bench_refs(|hit| count(&store, hit));
}

/// All threads want the same counter.
#[divan::bench(threads = [1, 2], sample_size = SAMPLE)]
fn count_hot_key(bencher: Bencher<'_, '_>) {
    let (store, hot) = (store(), hit(0));
    bencher.bench(|| count(&store, black_box(&hot)));
}

/// The counter must be made.
#[divan::bench(threads = [1, 2], sample_size = SAMPLE)]
fn count_new_key(bencher: Bencher<'_, '_>) {
    let (store, next) = (store(), AtomicUsize::new(0));
    let next_key = || next.fetch_add(1, Ordering::Relaxed);
    bencher.with_inputs(|| hit(next_key())).bench_refs(|hit| count(&store, hit));
}

fn find_in_turn(bencher: Bencher<'_, '_>, set: &RuleSet, values: &[String]) {
    for value in values {
        assert!(find(set, value), "`{value}` has a rule");
    }
    let mut in_turn = values.iter().cycle();
    bencher
        .with_inputs(|| in_turn.next().map_or("", String::as_str))
        .bench_local_values(|value| find(set, black_box(value)));
}

fn find(set: &RuleSet, value: &str) -> bool {
    set.find(DOMAIN, &[Entry { key: b"key", value: value.as_bytes() }]).is_some()
}

fn count(store: &LocalStore, hit: &Hit) {
    let hits = std::slice::from_ref(hit);
    let batch = Batch { hits, leniency: Leniency::default(), denied_requests: DeniedRequests::Count };
    black_box(store.count_now(batch, NOW));
}

fn store() -> LocalStore {
    LocalStore::new(LocalSettings { max_entries: 2_000_000 })
}

fn hit(key: usize) -> Hit {
    let role = Role::default();
    Hit {
        key: counter(&key.to_string()),
        limit: LIMIT,
        hits: Hits::Take(1),
        role,
        on_store_failure: OnStoreFailure::Local,
    }
}

fn counter(value: &str) -> CounterKey {
    let entries = [Entry { key: b"remote_address", value: value.as_bytes() }];
    CounterKey::new(DOMAIN, LIMIT.period, entries.into_iter())
}

fn compile(descriptors: impl Iterator<Item = DescriptorSpec>) -> RuleSet {
    let domain = DomainSpec { name: DOMAIN.to_owned(), descriptors: descriptors.collect() };
    RuleSet::compile(&[domain]).expect("no two rules have the same key and value")
}

fn descriptor(value: Option<String>) -> DescriptorSpec {
    let quota = QuotaSpec::Counted(LIMIT);
    let location = Location { file: "bench.yaml".into(), line: 1, column: 1 };
    let limit = Some(LimitSpec { quota, name: None, replaces: Vec::new(), cost: Cost::PLAIN });
    DescriptorSpec { value, limit, ..DescriptorSpec::new("key", location) }
}

/// Far from its neighbours, so that what is asked for in turn does not lie side by side in memory.
fn scattered(turn: usize) -> usize {
    turn.wrapping_mul(0x9e37_79b1) >> 7
}
