//! Who asks all the time gets what the limit says: for any period, any rate that a bucket can reach, and any time since the first hit.

use proptest::prelude::*;

use super::sequences::periods;
use crate::decision::algorithm::Algorithm;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::request::Hits;
use crate::decision::state::State;
use crate::decision::ticks::{Tick, Ticks};
use crate::decision::time::Timestamp;

/// A client that asks all the time: at once for all that fits, and again in the very millisecond in which one more does.
struct Client {
    limit: Limit,
    state: State,
    began: u64,
    now: Timestamp,
    passed: u128,
}

impl Client {
    fn new(limit: Limit, began: u64) -> Self {
        let now = Timestamp::from_millis(began);
        Self { limit, state: State::begin(limit, now), began, now, passed: 0 }
    }

    /// Takes all that fits.
    fn take(&mut self) {
        self.state.advance(self.limit, self.now);
        let fits = self.limit.capacity().saturating_sub(self.state.used(self.limit, self.now));
        let hits = Hits::Take(u32::try_from(fits).unwrap());
        assert!(!self.state.count(self.limit, hits, self.now).over, "{hits:?} of {:?}", self.limit);
        self.passed += u128::from(fits);
    }

    /// Waits until one more fits.
    fn wait(&mut self) {
        let next = match self.limit.algorithm {
            Algorithm::FixedWindow => Some(self.state.empty_at(self.limit, self.now)),
            _ => self.state.fits_at(self.limit, 1, self.now),
        };
        let next = next.unwrap();
        assert!(next > self.now, "{:?} at {:?}", self.limit, self.now);
        self.now = next;
    }

    /// Milliseconds since it began.
    fn time(&self) -> u64 {
        self.now.millis() - self.began
    }
}

/// What a limit of so many hits gives in this time, rounded down.
fn due(hits: u64, limit: Limit, millis: u64) -> u128 {
    u128::from(hits) * u128::from(millis) / (1_000 * u128::from(limit.period.seconds()))
}

/// Up to 4,294,967,295 in a second, and for buckets as far as their burst reaches it.
fn limits(algorithm: Algorithm) -> impl Strategy<Value = Limit> {
    let number = || prop_oneof![1..100_u32, 1..10_000_u32, 1..=u32::MAX];
    (periods(), number(), number()).prop_map(move |(period, number, burst)| {
        let limit = Limit::new(number, period).held_by(algorithm);
        let most = |tick| u32::try_from(Ticks::new(period, tick).largest_limit()).unwrap();
        let limit = match algorithm {
            Algorithm::TokenBucket => limit.with_burst(burst.min(most(Tick::Second))),
            Algorithm::SlidingWindow => Limit::new(number.min(most(Tick::Second)), period).held_by(algorithm),
            _ => limit,
        };
        let reached = limit.capacity().saturating_mul(1_000 * u64::from(period.seconds()));
        match algorithm.is_bucket() {
            true => {
                Limit { requests_per_unit: u32::try_from(reached).unwrap_or(u32::MAX).min(number), ..limit }
            }
            false => limit,
        }
    })
}

fn beginnings() -> impl Strategy<Value = u64> {
    1_700_000_000_000..1_700_100_000_000_u64
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whoever_asks_all_the_time_gets_the_limit(
        limit in prop::sample::select(vec![
            Algorithm::FixedWindow, Algorithm::TokenBucket, Algorithm::LeakyBucket, Algorithm::SlidingLog,
        ]).prop_flat_map(limits),
        began in beginnings(),
    ) {
        let mut client = Client::new(limit, began);
        for _ in 0..60 {
            client.take();
            client.wait();
            // Up to the last moment before one more passes.
            let time = client.time() - 1;
            let due = due(limit.requests_per_unit.into(), limit, time);
            prop_assert!(client.passed >= due, "{} and not {due} in {time} ms of {limit:?}", client.passed);
        }
    }

    /// The burst, and then exactly what drained in the ticks that have gone by: no hit is lost, and none is given.
    #[test]
    fn a_bucket_gives_its_burst_and_its_rate_and_no_more(
        limit in prop::sample::select(vec![Algorithm::TokenBucket, Algorithm::LeakyBucket]).prop_flat_map(limits),
        began in beginnings(),
    ) {
        let mut client = Client::new(limit, began);
        let tick = limit.tick().millis();
        for _ in 0..60 {
            client.take();
            let ticks = client.now.millis() / tick - began / tick;
            let (burst, rate) = (u128::from(limit.capacity()), limit.requests_per_unit.into());
            let least = burst + due(rate, limit, ticks * tick);
            let most = burst + due(rate, limit, (ticks + 1) * tick);
            prop_assert!((least..=most).contains(&client.passed), "{} of {limit:?} in {ticks}", client.passed);
            client.wait();
        }
    }

    /// Weights are rounded up, so a sliding window that is used up gives one hit less in each window than its limit.
    #[test]
    fn a_sliding_window_gives_its_limit_less_one(limit in limits(Algorithm::SlidingWindow), began in beginnings()) {
        let mut client = Client::new(limit, began);
        for _ in 0..60 {
            client.take();
            client.wait();
            let due = due(u64::from(limit.requests_per_unit) - 1, limit, client.time() - 1);
            prop_assert!(client.passed >= due, "{} and not {due} of {limit:?}", client.passed);
        }
    }
}

/// What passes within so many seconds, from the first hit on.
#[track_caller]
fn check(limit: Limit, seconds: u64, expected: u128) {
    let mut client = Client::new(limit, 1_700_000_000_700);
    while client.time() < 1_000 * seconds {
        client.take();
        client.wait();
    }
    assert_eq!(client.passed, expected, "{limit:?}");
}

#[test]
fn rates_are_reached() {
    let leaky = |number, period| Limit::new(number, period).held_by(Algorithm::LeakyBucket);
    check(leaky(864_000, Period::DAY), 60, 600);
    check(leaky(3, Period::SECOND), 60, 180);
    check(leaky(999, Period::SECOND), 60, 59_940);
    check(leaky(u32::MAX, Period::YEAR), 60, 8_172);
    let bucket =
        |number, burst| Limit::new(number, Period::DAY).held_by(Algorithm::TokenBucket).with_burst(burst);
    check(bucket(864_000, 2), 60, 601);
    check(bucket(864_000_000, 50), 60, 600_040);
}

/// What rounding takes of the smallest limits: half.
#[test]
fn a_sliding_window_of_one_gives_one_in_two_windows() {
    let sliding = |number| Limit::new(number, Period::SECOND).held_by(Algorithm::SlidingWindow);
    check(sliding(1), 60, 31);
    check(sliding(2), 60, 62);
}
