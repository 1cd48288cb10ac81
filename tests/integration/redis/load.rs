//! Callers of a fleet, as many as a mesh has, and what they were answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ratekeeper_proto::rate_limit_service_client::RateLimitServiceClient;
use ratekeeper_proto::{RateLimitRequest, rate_limit_response::Code};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tonic::transport::Channel;

use super::fleet::Fleet;
use crate::harness::Ask;

/// How many callers a burst has.
const CALLERS: usize = 64;
/// How many callers a steady load has, which is also the most calls at a time.
pub(super) const STEADY_CALLERS: usize = 30;
/// The calls of a steady load in a second; a debug build on a machine that runs other tests, too, cannot do more than
/// half of the thousand that are meant.
pub(super) const RATE: usize = if cfg!(debug_assertions) { 300 } else { 1000 };
/// How long a caller waits; no call may come near it.
const PATIENCE: Duration = Duration::from_secs(10);

/// What callers were answered.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) passed: usize,
    pub(super) denied: usize,
    /// The texts of calls that failed.
    pub(super) failed: Vec<String>,
    latencies: Vec<Duration>,
}

impl Tally {
    /// How many calls were answered.
    pub(super) fn answered(&self) -> usize {
        self.passed + self.denied
    }

    /// Prints how long callers waited.
    pub(super) fn print(mut self, what: &str) {
        self.latencies.sort();
        let at = |part: usize| self.latencies[(self.latencies.len() - 1) * part / 1000];
        eprintln!(
            "{what}: {} calls, {} passed; p50 {:.1?}, p99 {:.1?}, p99.9 {:.1?}, max {:.1?}",
            self.answered(),
            self.passed,
            at(500),
            at(990),
            at(999),
            at(1000)
        );
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.denied += other.denied;
        self.failed.extend(other.failed);
        self.latencies.extend(other.latencies);
    }
}

/// Sends so many requests as fast as 64 callers can, spread over all replicas; `request` gives each by its number.
pub(super) async fn burst(fleet: &Fleet, requests: usize, request: impl Fn(usize) -> Ask) -> Tally {
    let requests: Arc<[RateLimitRequest]> = (0..requests).map(|index| request(index).request()).collect();
    let next = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for mut client in clients(fleet, CALLERS) {
        let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
        callers.spawn(async move {
            let mut tally = Tally::default();
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                call(&mut client, request, &mut tally).await;
            }
            tally
        });
    }
    add_up(callers).await
}

/// Callers that send a request again and again, [`RATE`] a second together, until they are told to stop.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    callers: JoinSet<Tally>,
}

impl Load {
    /// Starts the callers.
    pub(super) fn start(fleet: &Fleet, ask: &Ask) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut callers = JoinSet::new();
        // One call after the other, evenly.
        let gap = Duration::from_secs(1) / u32::try_from(RATE).unwrap();
        let period = gap * u32::try_from(STEADY_CALLERS).unwrap();
        let mut first = Instant::now();
        for mut client in clients(fleet, STEADY_CALLERS) {
            let (stop, request) = (Arc::clone(&stop), ask.request());
            first += gap;
            let mut ticks = interval_at(first, period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            callers.spawn(async move {
                let mut tally = Tally::default();
                while !stop.load(Ordering::Relaxed) {
                    ticks.tick().await;
                    call(&mut client, &request, &mut tally).await;
                }
                tally
            });
        }
        Self { stop, callers }
    }

    /// Stops the callers and adds up what they were answered.
    pub(super) async fn stop(self) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        add_up(self.callers).await
    }
}

fn clients(fleet: &Fleet, count: usize) -> Vec<RateLimitServiceClient<Channel>> {
    fleet.replicas.iter().cycle().take(count).map(|replica| replica.client()).collect()
}

async fn call(client: &mut RateLimitServiceClient<Channel>, request: &RateLimitRequest, tally: &mut Tally) {
    let mut request = tonic::Request::new(request.clone());
    request.set_timeout(PATIENCE);
    let begin = Instant::now();
    match client.should_rate_limit(request).await.map(|answer| answer.into_inner().overall_code()) {
        Ok(Code::Ok) => tally.passed += 1,
        Ok(Code::OverLimit) => tally.denied += 1,
        Ok(other) => tally.failed.push(format!("{other:?}")),
        Err(failure) => tally.failed.push(failure.to_string()),
    }
    tally.latencies.push(begin.elapsed());
}

async fn add_up(mut callers: JoinSet<Tally>) -> Tally {
    let mut sum = Tally::default();
    while let Some(tally) = callers.join_next().await {
        sum.add(tally.unwrap());
    }
    assert_eq!(sum.failed, Vec::<String>::new(), "no call fails");
    sum
}
