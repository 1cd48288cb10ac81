//! The local store at its size: `cargo bench --bench local_store`.
//!
//! What a hit costs and how much memory a counter takes, from a thousand live counters to ten million; what a new counter costs
//! in a full store; and how long calls take while a million counters expire at once, beside the same calls while nothing expires,
//! which shows what this machine adds.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(clippy::print_stdout, reason = "the result of a benchmark")]

use std::hint::black_box;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use ratekeeper::decision::hit::{Batch, DeniedRequests, Hit, Leniency, OnStoreFailure, Role};
use ratekeeper::decision::key::CounterKey;
use ratekeeper::decision::limit::Limit;
use ratekeeper::decision::period::Period;
use ratekeeper::decision::request::{Entry, Hits};
use ratekeeper::decision::time::Timestamp;
use ratekeeper::storage::local::{LocalSettings, LocalStore};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const LIVE: [usize; 4] = [1_000, 100_000, 1_000_000, 10_000_000];

/// Counters that expire at once.
const EXPIRING: usize = 1_000_000;
/// Counters that are hit meanwhile.
const STAYING: usize = 100_000;
/// Calls of which the times are taken while nothing expires.
const CALLS: usize = 500_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.first().map(|live| live.parse()) {
        Some(Ok(live)) => of_size(live),
        _ => {
            println!(
                "{:>12}{:>12}{:>14}{:>14}{:>14}",
                "counters", "ns a hit", "ns a new one", "ns when full", "bytes each"
            );
            LIVE.iter().for_each(|live| in_a_process_of_its_own(*live));
            growing();
            expiring("while nothing expires", false);
            expiring("while a million counters expire", true);
        }
    }
}

/// So that memory which an earlier store gave back is not taken for that of a later one.
fn in_a_process_of_its_own(live: usize) {
    let own = std::env::current_exe().expect("this program is somewhere");
    let status = Command::new(own).arg(live.to_string()).status().expect("this program can be started");
    assert!(status.success(), "{status}");
}

fn of_size(live: usize) {
    let store = LocalStore::new(LocalSettings { max_entries: live });
    let before = resident();
    let new = fill(&store, live);
    let bytes = resident().saturating_sub(before) / live;
    let hit = per_call(1_000_000, |turn| scattered(turn) % live, |hit| count(&store, hit, NOW));
    let full = per_call(200_000, |turn| live + turn, |hit| count(&store, hit, NOW));
    println!("{live:>12}{hit:>12}{new:>14}{full:>14}{bytes:>14}");
}

/// Hits of these keys, prepared some at a time; the nanoseconds of each.
fn per_call(calls: usize, key: impl Fn(usize) -> usize, mut call: impl FnMut(&Hit)) -> u128 {
    const AT_A_TIME: usize = 500;
    let mut taken = Duration::ZERO;
    for first in (0..calls).step_by(AT_A_TIME) {
        let hits: Vec<Hit> = (first..first + AT_A_TIME).map(|turn| hit(key(turn), Period::DAY)).collect();
        let begun = Instant::now();
        hits.iter().for_each(&mut call);
        taken += begun.elapsed();
    }
    taken.as_nanos() / calls as u128
}

fn fill(store: &LocalStore, live: usize) -> u128 {
    per_call(live, |key| key, |hit| count(store, hit, NOW))
}

/// How long single calls take while the store grows from nothing.
fn growing() {
    let store = LocalStore::new(LocalSettings { max_entries: 10_000_000 });
    let mut times = times();
    for key in 0..3_000_000 {
        timed(&mut times, &store, &hit(key, Period::DAY), NOW);
    }
    heading();
    show("new counters, from 0 to 3 million", &times);
}

/// How long single calls take, hits and new counters in turn, beside a thread that sweeps.
fn expiring(name: &str, expire: bool) {
    let store = LocalStore::new(LocalSettings { max_entries: 10_000_000 });
    (0..STAYING).for_each(|key| count(&store, &hit(key, Period::DAY), NOW));
    (STAYING..STAYING + EXPIRING).for_each(|key| count(&store, &hit(key, Period::SECOND), NOW));
    let later = if expire { NOW.after(Duration::from_secs(10)) } else { NOW };
    let (done, mut hits, mut new) = (AtomicBool::new(false), times(), times());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            store.sweep(later);
            done.store(true, Ordering::Relaxed);
        });
        for turn in
            (0..).take_while(|turn| if expire { !done.load(Ordering::Relaxed) } else { *turn < CALLS })
        {
            if turn % 4 == 0 {
                timed(&mut new, &store, &hit(STAYING + EXPIRING + turn, Period::DAY), later);
            } else {
                timed(&mut hits, &store, &hit(scattered(turn) % STAYING, Period::DAY), later);
            }
        }
    });
    show(&format!("{} hits {name}", hits.len()), &hits);
    show(&format!("{} new counters {name}", new.len()), &new);
    assert!(!expire || hits.len() + new.len() > 1_000, "the sweep was over before anything was called");
}

fn timed(times: &mut Histogram<u64>, store: &LocalStore, hit: &Hit, now: Timestamp) {
    let begun = Instant::now();
    count(store, hit, now);
    times.saturating_record(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX));
}

fn times() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 10_000_000_000, 3).expect("the bounds are constants")
}

fn heading() {
    println!("{:<50}{:>9}{:>9}{:>9}{:>9}{:>9}", "microseconds", "p50", "p99", "p99.9", "p99.99", "max");
}

#[expect(clippy::cast_precision_loss, reason = "no call takes 2^53 nanoseconds")]
fn show(name: &str, times: &Histogram<u64>) {
    let micros = |nanos: u64| nanos as f64 / 1_000.0;
    let at = |quantile: f64| micros(times.value_at_quantile(quantile));
    let (p50, p99, p999, p9999, max) = (at(0.5), at(0.99), at(0.999), at(0.9999), micros(times.max()));
    println!("{name:<50}{p50:>9.2}{p99:>9.2}{p999:>9.2}{p9999:>9.1}{max:>9.1}");
}

fn count(store: &LocalStore, hit: &Hit, now: Timestamp) {
    let hits = std::slice::from_ref(hit);
    let batch = Batch { hits, leniency: Leniency::default(), denied_requests: DeniedRequests::Count };
    black_box(store.count_now(batch, now));
}

fn hit(key: usize, period: Period) -> Hit {
    let value = key.to_string();
    let entries = [Entry { key: b"remote_address", value: value.as_bytes() }];
    Hit {
        key: CounterKey::new("bench", period, entries.into_iter()),
        limit: Limit::new(u32::MAX, period),
        hits: Hits::Take(1),
        role: Role::default(),
        on_store_failure: OnStoreFailure::Local,
    }
}

/// Far from its neighbours, so that what is asked for in turn does not lie side by side in memory.
fn scattered(turn: usize) -> usize {
    turn.wrapping_mul(0x9e37_79b1) >> 7
}

/// This process's memory in bytes, 0 where the system does not say.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?.trim().parse().ok());
    kib.map_or(0, |kib: usize| kib * 1_024)
}
