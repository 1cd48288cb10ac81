//! Random sequences of requests, with amounts and limits at their bounds, at times near the edges of windows.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::decision::algorithm::Algorithm;
use crate::decision::hit::{DeniedRequests, Hit, OnStoreFailure, Role};
use crate::decision::key::CounterKey;
use crate::decision::limit::{Limit, TooLarge};
use crate::decision::period::Period;
use crate::decision::request::{Entry, Hits};
use crate::decision::time::MAX_AHEAD;

/// The largest amount that a caller may name, with default settings.
const MOST_HITS: u32 = 1_000_000_000;

/// Requests that wait together at one of the replicas.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) advance: Advance,
    pub(super) set_back_millis: u64,
    pub(super) replica: usize,
    pub(super) denied_requests: DeniedRequests,
    pub(super) never_denies: bool,
    pub(super) requests: Vec<TestRequest>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Advance {
    Millis(u64),
    /// To so many milliseconds after a second before the next window of this unit.
    ToEdge(Period, u64),
}

#[derive(Debug, Clone)]
pub(super) struct TestRequest {
    pub(super) hits: Vec<TestHit>,
    pub(super) quota_left: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct TestHit {
    pub(super) name: char,
    pub(super) limit: Limit,
    pub(super) hits: Hits,
    pub(super) role: Role,
}

impl TestHit {
    /// The hit on the counter of this name.
    pub(super) fn named(&self, name: &str) -> Hit {
        let entries = [Entry { key: b"k", value: name.as_bytes() }];
        Hit {
            key: CounterKey::of_limit(self.limit, "d", entries.into_iter()),
            limit: self.limit,
            hits: self.hits,
            role: self.role,
            on_store_failure: OnStoreFailure::Local,
        }
    }
}

impl Advance {
    /// The time after it, in milliseconds; it never goes back.
    pub(super) fn from(self, millis: u64) -> u64 {
        match self {
            Self::Millis(by) => millis + by,
            Self::ToEdge(period, offset) => {
                let length = 1_000 * u64::from(period.seconds());
                millis.max((millis / length + 1) * length + offset - 1_000)
            }
        }
    }
}

fn small_or_extreme() -> impl Strategy<Value = u32> {
    prop_oneof![12 => 0..8_u32, 1 => MOST_HITS - 1..=MOST_HITS, 1 => u32::MAX - 1..=u32::MAX]
}

fn periods() -> impl Strategy<Value = Period> {
    let any =
        (1..=u64::from(Period::MAX.seconds())).prop_map(|seconds| Period::from_seconds(seconds).unwrap());
    let short = (1..=90_u64).prop_map(|seconds| Period::from_seconds(seconds).unwrap());
    let unit = select(Period::UNITS.as_slice());
    prop_oneof![4 => Just(Period::SECOND), 4 => Just(Period::MINUTE), 1 => unit, 2 => short, 1 => any]
}

fn hits() -> impl Strategy<Value = TestHit> {
    let amount = small_or_extreme;
    let hits = prop_oneof![3 => amount().prop_map(Hits::Take), 1 => amount().prop_map(Hits::Refund)];
    let role = prop_oneof![2 => Just((false, false)), 1 => any::<(bool, bool)>()];
    let continues = proptest::bool::weighted(0.4);
    (proptest::char::range('a', 'c'), limits(), hits, role, continues).prop_map(
        |(name, limit, hits, (shadow, quota), continues)| TestHit {
            name,
            limit,
            hits,
            role: Role { shadow, quota, continues },
        },
    )
}

/// Limits of any algorithm, as large as they may be.
fn limits() -> impl Strategy<Value = Limit> {
    let algorithm = prop_oneof![2 => Just(Algorithm::FixedWindow), 3 => select(Algorithm::ALL.as_slice())];
    let burst = proptest::option::of(small_or_extreme());
    let overdraft = proptest::bool::weighted(0.2);
    (periods(), small_or_extreme(), algorithm, burst, overdraft).prop_map(
        |(period, number, algorithm, burst, overdraft)| {
            let limit = Limit::new(number, period).held_by(algorithm);
            let burst = burst.filter(|_| algorithm == Algorithm::TokenBucket).unwrap_or(limit.burst);
            let limit = Limit { overdraft: overdraft && algorithm.is_meter(), ..limit.with_burst(burst) };
            match limit.check_size() {
                Ok(()) => limit,
                Err(TooLarge { most }) => {
                    let fit = |number: u32| u32::try_from(most).map_or(number, |most| number.min(most));
                    Limit { requests_per_unit: fit(number), burst: fit(limit.burst), ..limit }
                }
            }
        },
    )
}

/// All limits of one rule have its modes, and the first hit continues nothing.
fn of_descriptors(mut hits: Vec<TestHit>) -> Vec<TestHit> {
    hits[0].role.continues = false;
    for index in 1..hits.len() {
        if hits[index].role.continues {
            hits[index].role = Role { continues: true, ..hits[index - 1].role };
        }
    }
    hits
}

/// The life of one log, which becomes long: more is taken than given back. Time does not go back, because a clock that is late finds some
/// of the forgotten entries again that a server leaves at the front of a long log; so it denies too much, never too little.
pub(super) fn steps_of_a_log() -> impl Strategy<Value = Vec<Step>> {
    let seconds = prop_oneof![(1..=90_u64), Just(3_600), Just(86_400)];
    let numbers = (seconds, 1..400_u32, proptest::bool::weighted(0.2));
    numbers.prop_flat_map(|(seconds, number, overdraft)| {
        let period = Period::from_seconds(seconds).unwrap();
        let log = Limit { overdraft, ..Limit::new(number, period).held_by(Algorithm::SlidingLog) };
        // A rule file may give another number.
        let number = prop_oneof![12 => Just(number), 1 => 0..400_u32];
        let limit = number.prop_map(move |number| Limit { requests_per_unit: number, burst: number, ..log });
        let amounts = prop_oneof![4 => 0..12_u32, 1 => 0..100_u32];
        let hits = prop_oneof![9 => amounts.prop_map(Hits::Take), 1 => (1..60_u32).prop_map(Hits::Refund)];
        let hit =
            (limit, hits).prop_map(|(limit, hits)| TestHit { name: 'a', limit, hits, role: Role::default() });
        let request =
            vec(hit, 1..3).prop_map(|hits| TestRequest { hits: of_descriptors(hits), quota_left: false });
        let advance = (0..1_000 * seconds / 25).prop_map(Advance::Millis);
        let denied_requests = select([DeniedRequests::Count, DeniedRequests::Ignore].as_slice());
        let step = (advance, 0..2_usize, denied_requests, vec(request, 1..3));
        let step = step.prop_map(|(advance, replica, denied_requests, requests)| Step {
            advance,
            set_back_millis: 0,
            replica,
            denied_requests,
            never_denies: false,
            requests,
        });
        vec(step, 1..80)
    })
}

/// The steps of one case.
pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let advance = prop_oneof![
        2 => (0..900_u64).prop_map(Advance::Millis),
        1 => (0..40_000_u64).prop_map(Advance::Millis),
        1 => (periods(), 0..2_000_u64).prop_map(|(period, offset)| Advance::ToEdge(period, offset)),
        1 => periods().prop_map(|period| Advance::ToEdge(period, 1_000)),
    ];
    // Not further back than counters are kept beyond their windows.
    let set_back = prop_oneof![2 => Just(0), 6 => 0..=1_000_u64, 1 => 0..=1_000 * MAX_AHEAD];
    let request = (vec(hits(), 1..5), any::<bool>())
        .prop_map(|(hits, quota_left)| TestRequest { hits: of_descriptors(hits), quota_left });
    let denied_requests = select([DeniedRequests::Count, DeniedRequests::Ignore].as_slice());
    let step =
        (advance, set_back, 0..2_usize, denied_requests, proptest::bool::weighted(0.1), vec(request, 1..5))
            .prop_map(|(advance, set_back_millis, replica, denied_requests, never_denies, requests)| Step {
                advance,
                set_back_millis,
                replica,
                denied_requests,
                never_denies,
                requests,
            });
    vec(step, 1..25)
}
