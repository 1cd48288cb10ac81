//! Replicas whose own clocks disagree by half a second either way: they count in one window all the same, that of the
//! Redis that they share. Real time passes, because a real Redis tells it.

use std::time::Duration;

use futures_util::future::join_all;
use rustix::process::{Pid, Signal, kill_process};
use smallvec::smallvec;
use tokio::time::sleep;

use super::*;
use crate::config::settings::{RedisUrl, Replicas};
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::plan::Modes;
use crate::decision::request::{Descriptor, Entry, Hits, Request};
use crate::decision::rules::RuleSet;
use crate::decision::rules::spec::DomainSpec;
use crate::decision::time::Timestamp;
use crate::decision::verdict::Verdict;
use crate::service::{Asker, Limiter, Rulebook};
use crate::storage::redis::tests::server::Server;

/// By how much the replicas' clocks are ahead, in milliseconds.
const SHIFTS: [i64; 3] = [-500, 0, 500];

/// Requests a second; each replica's share is a whole number.
const LIMIT: usize = 30;

/// How many milliseconds into a window something may happen that belongs to the window before, or before a window begins
/// what belongs to it: much more than half a round trip, much less than the clocks differ by.
const UNCERTAINTY: u64 = 60;

/// In seconds.
const YEAR: u64 = 86_400 * 365;

struct ShiftedClock(i64);

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(SystemClock.now().millis().saturating_add_signed(self.0))
    }
}

struct Replica(Limiter<Store, ShiftedClock>);

impl Replica {
    /// A replica that has reached its Redis, and so has read its clock.
    async fn start(server: &Server, shift: i64) -> Self {
        let mut settings = Settings { store: Kind::Redis, ..Settings::default() };
        settings.redis.urls = vec![RedisUrl::tcp("127.0.0.1", server.port())];
        settings.redis.timeout = Duration::from_millis(500);
        settings.breaker.failures = 1;
        settings.fallback.replicas = Replicas::Fixed(3.try_into().unwrap());
        let counters = Counters::build(&settings, &Tracer::default()).unwrap();
        let rulebook = Arc::new(Rulebook::new());
        let domain = DomainSpec { name: "d".into(), descriptors: Vec::new() };
        rulebook.publish(RuleSet::compile(&[domain]).unwrap(), "f", SystemClock.now());
        let replica = Self(Limiter::new(rulebook, counters.open(), ShiftedClock(shift), Modes::default()));
        assert!(replica.passes("warm", Period::YEAR).await);
        replica
    }

    async fn passes(&self, value: &str, period: Period) -> bool {
        self.ask(value, period, |verdict| !verdict.denied).await
    }

    async fn ask<R>(&self, value: &str, period: Period, answer: impl FnOnce(&Verdict<'_>) -> R) -> R {
        let limit = Limit::new(u32::try_from(LIMIT).unwrap(), period);
        let entries = smallvec![Entry { key: b"k", value: value.as_bytes() }];
        let descriptor = Descriptor { entries, limit_override: Some(limit), hits: Hits::Take(1) };
        let request = Request { domain: "d", descriptors: smallvec![descriptor] };
        self.0.decide(&request, Asker::default(), answer).await.unwrap()
    }

    /// How many of so many requests pass, all asked at once.
    async fn passed_of(&self, requests: usize) -> usize {
        let asked = (0..requests).map(|_| self.passes("v", Period::SECOND));
        join_all(asked).await.into_iter().filter(|&passed| passed).count()
    }
}

async fn replicas(server: &Server) -> Vec<Replica> {
    join_all(SHIFTS.map(|shift| Replica::start(server, shift))).await
}

/// The shard's time: it is on this machine.
fn now() -> u64 {
    SystemClock.now().millis()
}

async fn at(millis: u64) {
    sleep(Duration::from_millis(millis.saturating_sub(now()))).await;
}

/// Waits for a moment in the midst of the window that starts at `window`, and asks.
async fn ask_at(window: u64, into: u64, replica: &Replica, requests: usize) -> usize {
    at(window + into).await;
    let passed = replica.passed_of(requests).await;
    assert!(now() < window + 1_000 - UNCERTAINTY, "the machine is too busy to ask within a window");
    passed
}

fn next_window() -> u64 {
    (now() / 1_000 + 1) * 1_000
}

#[tokio::test]
async fn replicas_whose_clocks_differ_share_the_window() {
    let server = Server::start();
    let replicas = replicas(&server).await;
    let first = next_window();
    for turn in 0..SHIFTS.len() {
        let window = first + 1_000 * turn as u64;
        let replica = |place: usize| &replicas[(turn + place) % replicas.len()];
        let passed = [
            ask_at(window, 150, replica(0), LIMIT / 3).await,
            ask_at(window, 400, replica(1), LIMIT).await,
            ask_at(window, 650, replica(2), LIMIT).await,
        ];
        assert_eq!(passed, [LIMIT / 3, LIMIT - LIMIT / 3, 0], "in turn {turn}");
    }
}

/// Callers are told when the window ends by the clock that it goes by.
#[tokio::test]
async fn replicas_whose_clocks_differ_tell_the_same_reset() {
    let server = Server::start();
    let replicas = replicas(&server).await;
    let first = next_window();
    let reset = |verdict: &Verdict<'_>| verdict.statuses[0].limited.unwrap().until_reset.as_secs();
    // Whose clock is half a second off would be a whole one off in one of these halves of a second.
    for (second, into) in [(0, 250), (1, 750)] {
        let window = first + 1_000 * second;
        at(window + into).await;
        for replica in &replicas {
            let told = replica.ask("v", Period::YEAR, reset).await;
            assert_eq!(told, YEAR - window / 1_000 % YEAR);
        }
        assert!(now() < window + 1_000 - UNCERTAINTY, "the machine is too busy to ask within a second");
    }
}

#[tokio::test]
async fn at_its_edge_the_window_is_as_sharp_as_the_estimates() {
    const WINDOWS: u64 = 3;
    let server = Server::start();
    let replicas = replicas(&server).await;
    let first = next_window();
    // In the midst of a window to the midst of another, and all the time more than what fits.
    let ask_on = async |replica: &Replica| {
        let mut passed = Vec::new();
        at(first + 500).await;
        while now() < first + 500 + 1_000 * WINDOWS {
            let asked = now();
            if replica.passes("v", Period::SECOND).await {
                passed.push((asked, now()));
            }
            sleep(Duration::from_millis(1)).await;
        }
        passed
    };
    let callers = replicas.iter().flat_map(|replica| [replica, replica]).map(ask_on);
    let mut passed: Vec<(u64, u64)> = join_all(callers).await.into_iter().flatten().collect();
    passed.sort_unstable();
    assert_eq!(passed.len(), LIMIT * (1 + usize::try_from(WINDOWS).unwrap()), "{passed:?}");
    for (window, passed) in (first..).step_by(1_000).zip(passed.chunks(LIMIT)) {
        for &(asked, answered) in passed {
            assert!(answered + UNCERTAINTY >= window, "{answered} is before {window}");
            assert!(asked < window + 1_000 + UNCERTAINTY, "{asked} is behind {window}");
        }
    }
}

#[tokio::test]
async fn replicas_whose_clocks_differ_agree_on_the_window_while_redis_is_away() {
    let server = Server::start();
    let replicas = replicas(&server).await;
    let redis = Pid::from_raw(i32::try_from(server.process_id()).unwrap()).unwrap();
    kill_process(redis, Signal::STOP).unwrap();
    // The first request of each waits in vain and opens the breaker.
    join_all(replicas.iter().map(|replica| replica.passes("lost", Period::YEAR))).await;
    let first = next_window();
    for turn in 0..2 {
        let window = first + 1_000 * turn;
        for (into, expected) in [(150, LIMIT / 3), (400, 0), (650, 0)] {
            for (replica, shift) in replicas.iter().zip(SHIFTS) {
                let passed = ask_at(window, into, replica, LIMIT).await;
                assert_eq!(
                    passed, expected,
                    "turn {turn}, {into} ms into the window, a clock off by {shift} ms"
                );
            }
        }
    }
}
