//! A limit that changes while its counters run: what they hold stays, and is held against the new numbers at once.
//!
//! The period and the algorithm are in a counter's key, so that a change of these begins a new counter; a test of the local store holds that.

use super::*;
use crate::decision::period::Period;

/// The beginning of a minute, and of a day.
const NOON: u64 = 1_699_920_000;

fn per_minute(algorithm: Algorithm, requests_per_unit: u32) -> Limit {
    Limit::new(requests_per_unit, Period::MINUTE).held_by(algorithm)
}

/// Takes hits one by one, so many seconds after noon; says how many passed.
fn take(state: &mut State, limit: Limit, seconds: u64, hits: u32) -> usize {
    let now = Timestamp::from_secs(NOON + seconds);
    let mut passes = || {
        state.advance(limit, now);
        !state.count(limit, Hits::Take(1), now).over
    };
    (0..hits).filter(|_| passes()).count()
}

fn used(state: &State, limit: Limit, seconds: u64) -> u64 {
    let (mut state, now) = (state.clone(), Timestamp::from_secs(NOON + seconds));
    state.advance(limit, now);
    state.used(limit, now)
}

/// Uses up one limit at noon, and asks under another one so much later.
#[track_caller]
fn check(old: Limit, new: Limit, seconds: u64, expected: usize) {
    let mut state = State::begin(old, Timestamp::from_secs(NOON));
    assert_eq!(take(&mut state, old, 0, old.burst), old.burst as usize);
    assert_eq!(take(&mut state, new, seconds, 1_000), expected, "{old:?} became {new:?}");
}

#[test]
fn a_limit_that_is_raised_has_room_for_the_difference() {
    for algorithm in
        [Algorithm::FixedWindow, Algorithm::SlidingWindow, Algorithm::TokenBucket, Algorithm::SlidingLog]
    {
        check(per_minute(algorithm, 10), per_minute(algorithm, 25), 0, 15);
    }
}

#[test]
fn a_limit_that_is_lowered_lets_nothing_pass_until_what_is_held_is_less() {
    let lowered = |algorithm, seconds, expected| {
        check(per_minute(algorithm, 100), per_minute(algorithm, 10), seconds, expected);
    };
    // The next window is a new one.
    lowered(Algorithm::FixedWindow, 59, 0);
    lowered(Algorithm::FixedWindow, 60, 10);
    // The hundred weigh less than ten from nine tenths of the next window on.
    lowered(Algorithm::SlidingWindow, 60 + 53, 0);
    lowered(Algorithm::SlidingWindow, 60 + 57, 5);
    lowered(Algorithm::SlidingLog, 59, 0);
    lowered(Algorithm::SlidingLog, 60, 10);
    // The bucket drains at the new rate: ten a minute, and ninety have to go first.
    lowered(Algorithm::TokenBucket, 9 * 60, 0);
    lowered(Algorithm::TokenBucket, 9 * 60 + 30, 5);
}

#[test]
fn a_bucket_drains_at_the_new_rate_from_its_last_use_on() {
    let rate = |number| per_minute(Algorithm::TokenBucket, number).with_burst(60);
    check(rate(60), rate(120), 10, 20);
    check(rate(60), rate(6), 10, 1);
    let leaky = |number| per_minute(Algorithm::LeakyBucket, number);
    check(leaky(1), leaky(60), 1, 1);
    check(leaky(60), leaky(1), 1, 0);
}

#[test]
fn a_burst_that_changes_keeps_what_has_not_drained() {
    let burst = |burst| per_minute(Algorithm::TokenBucket, 60).with_burst(burst);
    check(burst(10), burst(30), 0, 20);
    check(burst(30), burst(10), 0, 0);
    check(burst(30), burst(10), 20, 0);
    check(burst(30), burst(10), 25, 5);
}

#[test]
fn an_overdraft_is_paid_back_when_it_is_allowed_no_more() {
    for algorithm in [Algorithm::SlidingWindow, Algorithm::TokenBucket, Algorithm::SlidingLog] {
        let limit = per_minute(algorithm, 10);
        let mut state = State::begin(limit, Timestamp::from_secs(NOON));
        assert_eq!(take(&mut state, Limit { overdraft: true, ..limit }, 0, 14), 10);
        assert_eq!(used(&state, limit, 0), 14, "{algorithm:?}");
        assert_eq!(take(&mut state, limit, 0, 1), 0);
        assert_eq!(used(&state, limit, 0), 14, "{algorithm:?}");
    }
}

#[test]
fn a_bucket_drains_under_a_limit_of_nothing_as_under_one_of_one() {
    let limit = |number| per_minute(Algorithm::TokenBucket, number);
    let mut state = State::begin(limit(10), Timestamp::from_secs(NOON));
    assert_eq!(take(&mut state, limit(10), 0, 10), 10);
    assert_eq!(take(&mut state, limit(0), 120, 1), 0);
    assert_eq!(take(&mut state, limit(10), 120, 5), 2);
}
