//! One algorithm, three times: random sequences give the same readings from the local store, from the scripts, and from a
//! model that is plain enough to be seen to be right.

mod sequences;

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::{Server, open, soon};
use crate::decision::algorithm::Algorithm;
use crate::decision::hit::{Batch, DeniedRequests, Hit, Leniency};
use crate::decision::key::CounterKey;
use crate::decision::reading::Reading;
use crate::decision::request::Hits;
use crate::decision::state::State;
use crate::decision::time::{MAX_AHEAD, Timestamp};
use crate::storage::local::{LocalSettings, LocalStore};
use crate::storage::redis::link::Link;
use crate::storage::redis::order::{Mode, Now, Order, Outcome, Route};

use sequences::{Step, TestHit, TestRequest, steps, steps_of_a_log};

/// Enough for every counter of a case, so that none has to give way.
const ROOM: LocalSettings = LocalSettings { max_entries: 100_000 };

/// What each counter holds.
#[derive(Default)]
struct Model(HashMap<CounterKey, Held>);

#[derive(Clone)]
enum Held {
    /// The start and the count of a window.
    Window(u64, u64),
    /// A meter, which has models of its own where it is defined, and the second in which stores may forget it.
    Meter(State, u64),
}

/// What came of a hit: its reading, and the start of its window.
type ModelCounted = (Reading, u64);

/// A request as stores are asked for it.
struct Asked {
    hits: Vec<Hit>,
    leniency: Leniency,
    denied_requests: DeniedRequests,
}

impl Model {
    fn count(&mut self, asked: &Asked, now: Timestamp) -> Vec<ModelCounted> {
        let mut after = Self(self.0.clone());
        let mut counted: Vec<_> = asked.hits.iter().map(|hit| after.count_one(hit, now)).collect();
        let ignored = asked.denied_requests == DeniedRequests::Ignore && denies(asked, &counted);
        if ignored {
            let before: Vec<Reading> = asked.hits.iter().map(|hit| self.held(hit, now)).collect();
            for ((hit, counted), before) in asked.hits.iter().zip(&mut counted).zip(before) {
                match hit.takes_anyway() {
                    true => *counted = self.count_one(hit, now),
                    false => counted.0 = counted.0.untaken(before),
                }
            }
        }
        if !ignored {
            *self = after;
        }
        counted
    }

    fn count_one(&mut self, hit: &Hit, now: Timestamp) -> ModelCounted {
        if hit.limit.algorithm.is_meter() {
            let mut meter = self.meter(hit, now);
            let reading = meter.count(hit.limit, hit.hits, now);
            let holds = meter.used(hit.limit, now) > 0 || self.0.contains_key(&hit.key);
            if reading.changes(hit.limit, hit.hits) && holds {
                let empty = meter.empty_at(hit.limit, now);
                let expires = empty.millis().div_ceil(1_000) + MAX_AHEAD;
                self.0.insert(hit.key.clone(), Held::Meter(meter, expires));
            }
            return (reading, 0);
        }
        let (window_start, before) = self.window(hit, now.secs());
        let count = match hit.hits {
            Hits::Take(amount) => before + u64::from(amount),
            Hits::Refund(amount) => before.saturating_sub(u64::from(amount)),
        };
        let runs = |held: &Held| matches!(held, Held::Window(start, _) if *start == window_start);
        if count > 0 || self.0.get(&hit.key).is_some_and(runs) {
            self.0.insert(hit.key.clone(), Held::Window(window_start, count));
        }
        let over = matches!(hit.hits, Hits::Take(_)) && count > u64::from(hit.limit.requests_per_unit);
        (Reading::of_window(count, over), window_start)
    }

    /// Counters that expired long ago, had time really passed.
    fn gone(&self, now: u64) -> impl Iterator<Item = &CounterKey> {
        let windows = move |key: &CounterKey, start: u64| {
            now.saturating_sub(start) / u64::from(key.period().expect("a counter").seconds())
        };
        let is_gone = move |key: &CounterKey, held: &Held| match held {
            Held::Window(start, _) => windows(key, *start) > 4_000,
            Held::Meter(_, expires) => *expires <= now,
        };
        self.0.iter().filter(move |(key, held)| is_gone(key, held)).map(|(key, _)| key)
    }

    /// Forgets meters as stores do.
    fn forget(&mut self, now: u64) {
        self.0.retain(|_, held| !matches!(held, Held::Meter(_, expires) if *expires <= now));
    }

    fn window(&self, hit: &Hit, now: u64) -> (u64, u64) {
        let current = now - now % u64::from(hit.limit.period.seconds());
        match self.0.get(&hit.key) {
            Some(Held::Window(start, count)) if (current..=now + 2).contains(start) => (*start, *count),
            _ => (current, 0),
        }
    }

    fn held(&self, hit: &Hit, now: Timestamp) -> Reading {
        match hit.limit.algorithm.is_meter() {
            true => self.meter(hit, now).look(hit.limit, now),
            false => Reading::of_window(self.window(hit, now.secs()).1, false),
        }
    }

    fn meter(&self, hit: &Hit, now: Timestamp) -> State {
        let mut state = match self.0.get(&hit.key) {
            Some(Held::Meter(state, _)) => state.clone(),
            _ => State::begin(hit.limit, now),
        };
        state.advance(hit.limit, now);
        state
    }
}

fn denies(asked: &Asked, counted: &[ModelCounted]) -> bool {
    // Each descriptor: whether it is in quota mode, and whether any of its limits is over.
    let mut descriptors: Vec<(bool, bool)> = Vec::new();
    for (hit, counted) in asked.hits.iter().zip(counted) {
        let over = counted.0.over && !hit.role.shadow;
        match descriptors.last_mut().filter(|_| hit.role.continues) {
            Some((_, any_over)) => *any_over |= over,
            None => descriptors.push((hit.role.quota, over)),
        }
    }
    let (quota, plain): (Vec<_>, Vec<_>) = descriptors.into_iter().partition(|(quota, _)| *quota);
    let quota_left = asked.leniency.quota_left || quota.is_empty() || quota.contains(&(true, false));
    !asked.leniency.never_denies && (!quota_left || plain.contains(&(false, true)))
}

impl Step {
    /// The requests as stores are asked for them, on counters of this case alone.
    fn asked(&self, case: usize) -> Vec<Asked> {
        // Those that wait together bring a meter to the present once, by what drains of the first one's limit.
        let mut rates: HashMap<CounterKey, u32> = HashMap::new();
        let mut named = |this: &TestHit| {
            let mut hit = this.named(&format!("{}{case}", this.name));
            let rate = *rates.entry(hit.key.clone()).or_insert(hit.limit.requests_per_unit);
            if hit.limit.algorithm.is_meter() {
                hit.limit.requests_per_unit = rate;
            }
            hit
        };
        let asked = |request: &TestRequest| Asked {
            hits: request.hits.iter().map(&mut named).collect(),
            leniency: Leniency { never_denies: self.never_denies, quota_left: request.quota_left },
            denied_requests: self.denied_requests,
        };
        self.requests.iter().map(asked).collect()
    }
}

impl Asked {
    fn batch(&self) -> Batch<'_> {
        Batch { hits: &self.hits, leniency: self.leniency, denied_requests: self.denied_requests }
    }

    /// The orders that it becomes, and the places of their hits: where hits count by themselves, one for each algorithm.
    fn orders(&self, now: Timestamp) -> Vec<(Order, Vec<usize>)> {
        let mode = Mode::of(&self.batch());
        let mut places: BTreeMap<Algorithm, Vec<usize>> = BTreeMap::new();
        for (place, hit) in self.hits.iter().enumerate() {
            let algorithm = if mode == Mode::Count { hit.limit.algorithm } else { Algorithm::FixedWindow };
            places.entry(algorithm).or_default().push(place);
        }
        let order = |places: Vec<usize>| {
            let hits = places.iter().map(|&place| self.hits[place].clone()).collect();
            let (now, route) = (Now::There(now), Route::default());
            (Order { hits, mode, now, route, trace: None }, places)
        };
        places.into_values().map(order).collect()
    }
}

/// Plays the steps on two replicas' links, on a local store and on the model.
async fn play(
    server: &Server,
    links: &[Link; 2],
    case: usize,
    start: u64,
    steps: Vec<Step>,
) -> Result<(), TestCaseError> {
    let (mut model, local, mut latest) = (Model::default(), LocalStore::new(ROOM), start);
    for step in steps {
        latest = step.advance.from(latest);
        let now = Timestamp::from_millis(latest.saturating_sub(step.set_back_millis));
        for key in model.gone(now.secs()) {
            server.console().ask::<i64>(&format!("DEL rk:{key:?}"));
        }
        model.forget(now.secs());
        local.sweep(now);
        let requests = step.asked(case);
        let orders: Vec<_> = requests.iter().map(|asked| asked.orders(now)).collect();
        let send = |(order, _): &(Order, Vec<usize>)| {
            let (link, order) = (links[step.replica].clone(), order.clone());
            tokio::spawn(async move { link.count(order, soon()).await })
        };
        // All wait together, and those on equal counters are counted by one script call. None is left for the next case.
        let mut answers = join_all(orders.iter().flatten().map(send)).await.into_iter();
        let mut told = HashMap::new();
        for (asked, orders) in requests.iter().zip(&orders) {
            let expected = model.count(asked, now);
            let readings: Vec<_> = expected.iter().map(|counted| counted.0).collect();
            let local = local.count_now(asked.batch(), now);
            prop_assert_eq!(
                local.as_slice(),
                readings,
                "the local store, {:?}, {:?} of {:?}",
                now,
                asked.hits,
                step
            );
            let mut shared = BTreeMap::new();
            for ((_, places), answer) in orders.iter().zip(&mut answers) {
                let outcome = answer.unwrap();
                let Outcome::Done(counts) = outcome else { panic!("not counted: {outcome:?}") };
                for (&place, counted) in places.iter().zip(counts.into_iter().map(Result::unwrap)) {
                    shared.insert(place, (counted.reading, counted.window_start()));
                    told.insert(asked.hits[place].key.clone(), (&asked.hits[place], counted.state));
                }
            }
            let shared: Vec<_> = shared.into_values().collect();
            prop_assert_eq!(shared, expected, "the scripts, {:?}, {:?} of {:?}", now, asked.hits, step);
        }
        for (hit, told) in told.into_values() {
            is_never_forgotten_too_soon(&model, hit, &told, now)?;
        }
    }
    Ok(())
}

/// Of a log not all is told, but nothing that counts later is left out, and nothing is added that does not count now.
fn is_never_forgotten_too_soon(
    model: &Model,
    hit: &Hit,
    told: &State,
    now: Timestamp,
) -> Result<(), TestCaseError> {
    if !told.is_of(Algorithm::SlidingLog) {
        return Ok(());
    }
    for part in 0..=10 {
        let later = now.after(hit.limit.period.duration() / 10 * part);
        let mut told = told.clone();
        told.advance(hit.limit, later);
        let (known, held) = (told.used(hit.limit, later), model.held(hit, later).count);
        prop_assert!(known >= held && (part > 0 || known == held), "{known} of {held} {part} tenths later");
    }
    Ok(())
}

#[test]
fn local_store_and_scripts_and_model_give_the_same_readings() {
    check(300, steps());
}

#[test]
fn they_give_the_same_readings_of_one_log_that_is_long() {
    check(150, steps_of_a_log());
}

fn check(cases: u32, steps: impl Strategy<Value = Vec<Step>>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = Server::start();
    let _guard = runtime.enter();
    let (links, case) = ([open(&server), open(&server)], Cell::new(0));
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let start = prop_oneof![1 => 0..10_000_u64, 3 => 0..4_000_000_000_000_u64];
    let result = runner.run(&(start, steps), |(start, steps)| {
        case.set(case.get() + 1);
        runtime.block_on(play(&server, &links, case.get(), start, steps))
    });
    assert_eq!(server.console().keys_without_expiry(), Vec::<String>::new());
    result.unwrap();
}
