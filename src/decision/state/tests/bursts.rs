//! No burst at the boundary: what each algorithm promises for any time, held against patterns of arrivals that a search makes worse
//! and worse. The same search finds twice the limit in a moment on fixed windows, so it can find what it looks for.

use crate::decision::algorithm::Algorithm;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::request::Hits;
use crate::decision::state::State;
use crate::decision::ticks::Tick;
use crate::decision::time::Timestamp;

const LIMIT: u32 = 10;
const ARRIVALS: usize = 60;
const CHANGES: usize = 6_000;

/// A multiple of every period of these tests, in milliseconds: windows begin here.
const START: u64 = 1_699_920_000_000;

/// Hits that came together, and when.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    at: u64,
    hits: u32,
}

/// The most that passed in any time of less than a hundredth of a period, and of less than a whole one.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Most {
    moment: u64,
    period: u64,
}

/// Random numbers that are the same in every run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

fn length(limit: Limit) -> u64 {
    1_000 * u64::from(limit.period.seconds())
}

fn any_arrival(limit: Limit, dice: &mut Dice) -> Arrival {
    let hits = if dice.below(2) == 0 { 1 } else { 1 + dice.below(u64::from(limit.requests_per_unit)) };
    Arrival { at: START + dice.below(4 * length(limit)), hits: u32::try_from(hits).unwrap() }
}

/// Puts one arrival elsewhere, often close to another, or one period or one drained hit after it, or where windows begin.
fn change(arrivals: &mut [Arrival], limit: Limit, dice: &mut Dice) {
    let count = arrivals.len() as u64;
    let mut pick = || usize::try_from(dice.below(count)).unwrap();
    let (changed, near) = (pick(), arrivals[pick()].at);
    let mut arrival = any_arrival(limit, dice);
    arrival.at = match dice.below(6) {
        0 => near + dice.below(3),
        1 => near.saturating_sub(dice.below(3)),
        2 => near + length(limit) - 1 + dice.below(3),
        3 => near + length(limit) / u64::from(limit.requests_per_unit),
        4 => START + dice.below(4) * length(limit) + dice.below(4) - 2,
        _ => arrival.at,
    };
    arrivals[changed] = arrival;
    arrivals.sort_by_key(|arrival| arrival.at);
}

/// Those of them that pass.
fn passed(arrivals: &[Arrival], limit: Limit) -> Vec<Arrival> {
    let mut state = State::begin(limit, Timestamp::from_millis(START));
    let passes = |arrival: &&Arrival| {
        let now = Timestamp::from_millis(arrival.at);
        state.advance(limit, now);
        !state.count(limit, Hits::Take(arrival.hits), now).over
    };
    arrivals.iter().filter(passes).copied().collect()
}

/// How many hits come in each of the intervals that begin and end with an arrival, and the time that it takes.
fn each_interval(passed: &[Arrival], mut see: impl FnMut(u64, u64)) {
    for (first, from) in passed.iter().enumerate() {
        let mut sum = 0;
        for arrival in &passed[first..] {
            sum += u64::from(arrival.hits);
            see(arrival.at - from.at, sum);
        }
    }
}

/// What may pass in an interval, times the length of a period.
fn promise(limit: Limit, time: u64) -> u64 {
    let (length, number) = (length(limit), u64::from(limit.requests_per_unit));
    match limit.algorithm {
        // Each window that the interval touches has a limit of its own.
        Algorithm::FixedWindow => number * length * (2 + time / length),
        Algorithm::SlidingWindow => number * (length + time),
        Algorithm::TokenBucket => limit.capacity() * length + number * (time + limit.tick().millis() - 1),
        // A hit passes in the millisecond in which it fits.
        Algorithm::LeakyBucket => length + number * time + number.min(length) - 1,
        Algorithm::SlidingLog => number * length * (1 + time / length),
    }
}

/// Makes arrivals worse and worse, and holds each to the promise; gives back the most that passed within the time.
fn worst(limit: Limit, time: u64, seed: u64) -> u64 {
    let mut dice = Dice(seed);
    let mut arrivals: Vec<_> = (0..ARRIVALS).map(|_| any_arrival(limit, &mut dice)).collect();
    arrivals.sort_by_key(|arrival| arrival.at);
    let mut most = 0;
    for _ in 0..CHANGES {
        let mut changed = arrivals.clone();
        change(&mut changed, limit, &mut dice);
        let passed = passed(&changed, limit);
        let mut found = 0;
        each_interval(&passed, |taken, hits| {
            assert!(
                hits * length(limit) <= promise(limit, taken),
                "{hits} in {taken} ms of {limit:?}: {passed:?}"
            );
            found = if taken < time { hits.max(found) } else { found };
        });
        if found >= most {
            (arrivals, most) = (changed, found);
        }
    }
    most
}

#[track_caller]
fn check(limit: Limit, expected: Most) {
    let most = |time| (1..4).map(|seed| worst(limit, time, seed)).max().unwrap();
    let found = Most { moment: most(length(limit) / 100), period: most(length(limit)) };
    assert_eq!(found, expected, "{limit:?}");
}

fn per(period: Period, algorithm: Algorithm) -> Limit {
    Limit::new(LIMIT, period).held_by(algorithm)
}

#[test]
fn fixed_windows_let_twice_the_limit_pass_in_a_moment() {
    check(per(Period::MINUTE, Algorithm::FixedWindow), Most { moment: 20, period: 20 });
}

#[test]
fn sliding_windows_let_no_more_than_the_limit_pass_in_a_moment() {
    check(per(Period::MINUTE, Algorithm::SlidingWindow), Most { moment: 10, period: 19 });
}

#[test]
fn a_bucket_lets_its_burst_pass_and_what_drained() {
    let bucket = per(Period::MINUTE, Algorithm::TokenBucket);
    check(bucket, Most { moment: 10, period: 19 });
    check(bucket.with_burst(25), Most { moment: 25, period: 34 });
    check(per(Period::DAY, Algorithm::TokenBucket), Most { moment: 10, period: 19 });
}

/// What drains in the last second is there from its beginning.
#[test]
fn a_bucket_that_is_counted_in_seconds_lets_a_second_more_pass() {
    let bucket = Limit::new(7_000_000, Period::MAX).held_by(Algorithm::TokenBucket);
    assert_eq!(bucket.tick(), Tick::Second);
    worst(bucket, length(bucket), 1);
}

#[test]
fn a_leaky_bucket_lets_one_hit_pass_and_what_drained() {
    check(per(Period::MINUTE, Algorithm::LeakyBucket), Most { moment: 1, period: 10 });
    // A seventh of a second is no whole number of milliseconds.
    check(
        Limit { requests_per_unit: 7, ..per(Period::SECOND, Algorithm::LeakyBucket) },
        Most { moment: 1, period: 7 },
    );
}

#[test]
fn a_log_lets_no_more_than_the_limit_pass_in_any_period() {
    check(per(Period::MINUTE, Algorithm::SlidingLog), Most { moment: 10, period: 10 });
    check(per(Period::DAY, Algorithm::SlidingLog), Most { moment: 10, period: 10 });
}
