//! The scripts and the algorithm in Rust are one: random sequences give the same readings from both.

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use smallvec::SmallVec;

use super::{Server, hit, open, soon};
use crate::decision::fixed_window::{Reading, Window};
use crate::decision::hit::{Leniency, Role};
use crate::decision::key::CounterKey;
use crate::decision::request::Hits;
use crate::decision::time::Timestamp;
use crate::decision::unit::Unit;
use crate::storage::redis::link::Link;
use crate::storage::redis::order::{Mode, Order, Outcome, Route};

/// One window per key, as `decision::fixed_window` has it.
#[derive(Default)]
struct Model(HashMap<CounterKey, Window>);

/// Orders that wait together.
#[derive(Debug, Clone)]
struct Step {
    advance_millis: u64,
    set_back_millis: u64,
    orders: Vec<Vec<TestHit>>,
    mode: Mode,
}

#[derive(Debug, Clone, Copy)]
struct TestHit {
    name: &'static str,
    unit: Unit,
    limit: u32,
    hits: Hits,
    role: Role,
}

impl Model {
    fn count(&mut self, order: &Order) -> Vec<Reading> {
        let stored = |windows: &HashMap<CounterKey, Window>, key, unit| {
            windows
                .get(key)
                .map_or(Window::at(unit, order.now), |window: &Window| window.advanced(unit, order.now))
        };
        let mut after = self.0.clone();
        let mut readings = Vec::new();
        for hit in &order.hits {
            let (window, reading) = stored(&after, &hit.key, hit.limit.unit).count(hit.limit, hit.hits);
            if after.contains_key(&hit.key) || window.count > 0 {
                after.insert(hit.key.clone(), window);
            }
            readings.push(reading);
        }
        let outcomes = order.hits.iter().map(|hit| hit.role).zip(readings.iter().copied());
        if let Mode::CountUnlessDenied { quota_left } = order.mode
            && (Leniency { never_denies: false, quota_left }).denies(outcomes)
        {
            let before = order.hits.iter().map(|hit| stored(&self.0, &hit.key, hit.limit.unit).count);
            return before.zip(readings).map(|(count, reading)| Reading { count, ..reading }).collect();
        }
        self.0 = after;
        readings
    }
}

fn hits() -> impl Strategy<Value = TestHit> {
    let unit = prop_oneof![Just(Unit::Second), Just(Unit::Minute)];
    let hits = prop_oneof![3 => (0..4_u32).prop_map(Hits::Take), 1 => (0..4_u32).prop_map(Hits::Refund),
        1 => prop_oneof![Just(Hits::Take(u32::MAX)), Just(Hits::Refund(u32::MAX))]];
    let name = prop_oneof![Just("a"), Just("b"), Just("c")];
    let role = (any::<bool>(), any::<bool>()).prop_map(|(shadow, quota)| Role { shadow, quota });
    (name, unit, 0..8_u32, hits, role).prop_map(|(name, unit, limit, hits, role)| TestHit {
        name,
        unit,
        limit,
        hits,
        role,
    })
}

fn steps(mode: impl Strategy<Value = Mode> + Clone) -> impl Strategy<Value = Vec<Step>> {
    let orders = proptest::collection::vec(proptest::collection::vec(hits(), 1..4), 1..5);
    let step = (prop_oneof![0..900_u64, 0..40_000_u64], 0..=1_000_u64, orders, mode).prop_map(
        |(advance_millis, set_back_millis, orders, mode)| Step {
            advance_millis,
            set_back_millis,
            orders,
            mode,
        },
    );
    proptest::collection::vec(step, 1..25)
}

/// Plays the steps on a link and on the model.
async fn play(link: &Link, case: usize, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    let mut latest = 1_700_000_000_000;
    for step in steps {
        latest += step.advance_millis;
        let now = Timestamp::from_millis(latest - step.set_back_millis);
        let mut asked = Vec::new();
        for hits in &step.orders {
            let named = |this: &TestHit| {
                let name = format!("{}{case}", this.name);
                crate::decision::hit::Hit { role: this.role, ..hit(&name, this.limit, this.unit, this.hits) }
            };
            let order = Order {
                hits: hits.iter().map(named).collect(),
                mode: step.mode,
                now,
                route: Route::default(),
            };
            let (link, sent) = (link.clone(), order.clone());
            asked.push((order, tokio::spawn(async move { link.count(sent, soon()).await })));
        }
        for (order, answer) in asked {
            let expected: SmallVec<[Reading; 1]> = model.count(&order).into();
            let Outcome::Done(counts) = answer.await.unwrap() else { panic!("not counted") };
            let found: SmallVec<[Reading; 1]> =
                counts.into_iter().map(|count| count.unwrap().reading).collect();
            prop_assert_eq!(found, expected, "{:?} of {:?}", order, step);
        }
    }
    Ok(())
}

fn check(mode: impl Strategy<Value = Mode> + Clone) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = Server::start();
    let _guard = runtime.enter();
    let link = open(&server);
    let case = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    let result = runner.run(&steps(mode), |steps| {
        case.set(case.get() + 1);
        runtime.block_on(play(&link, case.get(), steps))
    });
    assert_eq!(server.console().keys_without_expiry(), Vec::<String>::new());
    result.unwrap();
}

#[test]
fn counting_denied_hits_equals_the_model() {
    check(Just(Mode::Count));
}

#[test]
fn ignoring_denied_requests_equals_the_model() {
    check(any::<bool>().prop_map(|quota_left| Mode::CountUnlessDenied { quota_left }));
}
