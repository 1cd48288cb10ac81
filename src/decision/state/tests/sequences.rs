//! Random lives of one counter: times that also go back, hits of every size, and limits that change on the way.

use proptest::prelude::*;
use proptest::sample::select;

use crate::decision::algorithm::Algorithm;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::request::Hits;
use crate::decision::ticks::{Tick, Ticks};
use crate::decision::time::Timestamp;

/// One use of the counter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) limit: Limit,
    pub(super) hits: Hits,
    pub(super) now: Timestamp,
}

pub(super) fn algorithms() -> impl Strategy<Value = Algorithm> {
    select(Algorithm::ALL.as_slice())
}

/// Envoy's units and others.
pub(super) fn periods() -> impl Strategy<Value = Period> {
    let seconds = select(vec![1, 2, 7, 60, 90, 3_600, 3_601, 7_200, 86_400, 2_592_000, 315_360_000]);
    seconds.prop_map(|seconds| Period::from_seconds(seconds).unwrap())
}

/// Numbers up to a bound, most of them small.
fn numbers(most: u32) -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0..12.min(most), 2 => 0..2_000.min(most), 1 => 0..=most, 1 => Just(most)]
}

/// Capacities of which time is counted in this, where there are such.
fn capacities(period: Period, tick: Tick) -> BoxedStrategy<u32> {
    let most = |tick| u32::try_from(Ticks::new(period, tick).largest_limit()).unwrap();
    match (most(Tick::Millisecond), most(Tick::Second)) {
        (fine, most) if tick == Tick::Second && fine < most => {
            prop_oneof![(fine + 1)..=most, Just(fine + 1), Just(most)].boxed()
        }
        (fine, _) => numbers(fine).boxed(),
    }
}

/// Limits of one counter, which differ in their numbers.
fn limits(algorithm: Algorithm, period: Period, tick: Tick) -> impl Strategy<Value = Limit> {
    let capacity = match algorithm {
        Algorithm::SlidingWindow | Algorithm::TokenBucket => capacities(period, tick),
        _ => numbers(u32::MAX).boxed(),
    };
    (capacity, numbers(u32::MAX), any::<bool>()).prop_map(move |(capacity, rate, overdraft)| {
        let held = |number| Limit { overdraft, ..Limit::new(number, period).held_by(algorithm) };
        if algorithm == Algorithm::TokenBucket { held(rate).with_burst(capacity) } else { held(capacity) }
    })
}

pub(super) fn hits() -> impl Strategy<Value = Hits> {
    prop_oneof![
        6 => Just(Hits::Take(1)),
        2 => Just(Hits::Take(0)),
        3 => (2..9_u32).prop_map(Hits::Take),
        1 => any::<u32>().prop_map(Hits::Take),
        2 => (0..5_u32).prop_map(Hits::Refund),
        1 => any::<u32>().prop_map(Hits::Refund),
    ]
}

/// How the clock moves from one use to the next.
#[derive(Debug, Clone, Copy)]
enum Move {
    By(i64),
    /// So many thousandths of a period.
    Part(u64),
    /// So many milliseconds around the beginning of the next window.
    Boundary(i64),
}

impl Move {
    fn from(self, now: u64, period: Period) -> u64 {
        let length = 1_000 * u64::from(period.seconds());
        match self {
            Self::By(millis) => now.saturating_add_signed(millis),
            Self::Part(part) => now + length * part / 1_000,
            Self::Boundary(millis) => ((now / length + 1) * length).saturating_add_signed(millis),
        }
    }
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        3 => Just(Move::By(0)),
        3 => (1..20_i64).prop_map(Move::By),
        2 => (-1_000..0_i64).prop_map(Move::By),
        2 => (0..3_000_i64).prop_map(Move::By),
        4 => (0..500_u64).prop_map(Move::Part),
        2 => (0..4_000_u64).prop_map(Move::Part),
        2 => (-2..3_i64).prop_map(Move::Boundary),
        // Just as far ahead as is believed, and not.
        1 => (-2_001..=-1_999_i64).prop_map(Move::By),
        // Many periods, and a clock that was hours ahead and is set right.
        1 => (4_000..90_000_u64).prop_map(Move::Part),
        1 => (-100_000_000..100_000_000_i64).prop_map(Move::By),
    ]
}

/// A counter's life, with a new limit now and then.
pub(super) fn steps(algorithm: Algorithm) -> impl Strategy<Value = Vec<Step>> {
    let step =
        move |period, tick| (limits(algorithm, period, tick), prop::bool::weighted(0.15), hits(), moves());
    let start = 1_700_000_000_000..1_700_100_000_000_u64;
    let tick = prop_oneof![2 => Just(Tick::Millisecond), 1 => Just(Tick::Second)];
    let life = (periods(), tick).prop_flat_map(move |(period, tick)| {
        (prop::collection::vec(step(period, tick), 1..30), start.clone())
    });
    life.prop_map(|(mut life, mut now)| {
        let mut limit = life[0].0;
        let step = |(new, changes, hits, moved): (Limit, bool, Hits, Move)| {
            limit = if changes { new } else { limit };
            now = moved.from(now, limit.period);
            Step { limit, hits, now: Timestamp::from_millis(now) }
        };
        life.drain(..).map(step).collect()
    })
}
