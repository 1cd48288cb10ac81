//! Random lives of one counter: times that also go back, hits of every size, and limits that change on the way.

use proptest::prelude::*;
use proptest::sample::select;

use crate::decision::algorithm::Algorithm;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::request::Hits;
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

/// Envoy's units and others, on both sides of where ticks become seconds.
pub(super) fn periods() -> impl Strategy<Value = Period> {
    let seconds = select(vec![1, 2, 7, 60, 90, 3_600, 3_601, 7_200, 86_400, 2_592_000, 315_360_000]);
    seconds.prop_map(|seconds| Period::from_seconds(seconds).unwrap())
}

/// Limits of one counter, which differ in their numbers.
pub(super) fn limits(algorithm: Algorithm, period: Period) -> impl Strategy<Value = Limit> {
    let most = |limit: Limit| limit.check_size().map_or_else(|fault| fault.most, |()| u64::from(u32::MAX));
    let most = u32::try_from(most(Limit::new(u32::MAX, period).held_by(algorithm))).unwrap();
    let number = move || prop_oneof![8 => 0..12_u32, 2 => 0..2_000_u32, 1 => 0..=most, 1 => Just(most)];
    (number(), number(), any::<bool>()).prop_map(move |(number, burst, overdraft)| {
        let limit = Limit { overdraft, ..Limit::new(number, period).held_by(algorithm) };
        if algorithm == Algorithm::TokenBucket { limit.with_burst(burst) } else { limit }
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
    let step = move |period| (limits(algorithm, period), prop::bool::weighted(0.15), hits(), moves());
    let start = 1_700_000_000_000..1_700_100_000_000_u64;
    let life =
        periods().prop_flat_map(move |period| (prop::collection::vec(step(period), 1..30), start.clone()));
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
