//! One algorithm, three times: random sequences give the same readings from the local store, from the scripts, and from a
//! model that is plain enough to be seen to be right.

mod sequences;

use std::cell::Cell;
use std::collections::HashMap;

use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::{Server, hit, open, soon};
use crate::decision::fixed_window::Reading;
use crate::decision::hit::{Batch, DeniedRequests, Hit, Leniency};
use crate::decision::key::CounterKey;
use crate::decision::request::Hits;
use crate::decision::time::Timestamp;
use crate::storage::local::{LocalSettings, LocalStore};
use crate::storage::redis::link::Link;
use crate::storage::redis::order::{Counted, Mode, Now, Order, Outcome, Route};

use sequences::{Step, TestHit, TestRequest, steps};

/// Enough for every counter of a case, so that none has to give way.
const ROOM: LocalSettings = LocalSettings { max_entries: 100_000 };

/// The start and the count of each counter's window.
#[derive(Default)]
struct Model(HashMap<CounterKey, (u64, u64)>);

/// A request as stores are asked for it.
struct Asked {
    hits: Vec<Hit>,
    leniency: Leniency,
    denied_requests: DeniedRequests,
}

impl Model {
    fn count(&mut self, asked: &Asked, now: u64) -> Vec<Counted> {
        let mut after = Self(self.0.clone());
        let mut counted: Vec<_> = asked.hits.iter().map(|hit| after.count_one(hit, now)).collect();
        let ignored = asked.denied_requests == DeniedRequests::Ignore && denies(asked, &counted);
        for (hit, counted) in asked.hits.iter().zip(&mut counted).filter(|_| ignored) {
            counted.reading.count = self.find(hit, now).1;
        }
        if !ignored {
            *self = after;
        }
        counted
    }

    fn count_one(&mut self, hit: &Hit, now: u64) -> Counted {
        let (window_start, before) = self.find(hit, now);
        let count = match hit.hits {
            Hits::Take(amount) => before + u64::from(amount),
            Hits::Refund(amount) => before.saturating_sub(u64::from(amount)),
        };
        if count > 0 || self.0.get(&hit.key).is_some_and(|(start, _)| *start == window_start) {
            self.0.insert(hit.key.clone(), (window_start, count));
        }
        let over = matches!(hit.hits, Hits::Take(_)) && count > u64::from(hit.limit.requests_per_unit);
        Counted { reading: Reading { count, over }, window_start }
    }

    /// Counters that expired long ago, had time really passed.
    fn gone(&self, now: u64) -> impl Iterator<Item = &CounterKey> {
        let windows = move |key: &CounterKey, start: u64| {
            now.saturating_sub(start) / u64::from(key.period().expect("a counter").seconds())
        };
        self.0.iter().filter(move |(key, (start, _))| windows(key, *start) > 4_000).map(|(key, _)| key)
    }

    fn find(&self, hit: &Hit, now: u64) -> (u64, u64) {
        let current = now - now % u64::from(hit.limit.period.seconds());
        let stored = self.0.get(&hit.key).filter(|(start, _)| (current..=now + 2).contains(start));
        stored.copied().unwrap_or((current, 0))
    }
}

fn denies(asked: &Asked, counted: &[Counted]) -> bool {
    // Each descriptor: whether it is in quota mode, and whether any of its limits is over.
    let mut descriptors: Vec<(bool, bool)> = Vec::new();
    for (hit, counted) in asked.hits.iter().zip(counted) {
        let over = counted.reading.over && !hit.role.shadow;
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
        let named = |this: &TestHit| {
            let name = format!("{}{case}", this.name);
            Hit { role: this.role, ..hit(&name, this.limit, this.period, this.hits) }
        };
        let asked = |request: &TestRequest| Asked {
            hits: request.hits.iter().map(named).collect(),
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

    fn order(&self, now: Timestamp) -> Order {
        Order {
            hits: self.hits.as_slice().into(),
            mode: Mode::of(&self.batch()),
            now: Now::There(now),
            route: Route::default(),
            trace: None,
        }
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
        let requests = step.asked(case);
        let send = |asked: &Asked| {
            let (link, order) = (links[step.replica].clone(), asked.order(now));
            tokio::spawn(async move { link.count(order, soon()).await })
        };
        // All wait together, and those on equal counters are counted by one script call. None is left for the next case.
        let answers = join_all(requests.iter().map(send)).await;
        for (asked, answer) in requests.iter().zip(answers) {
            let expected = model.count(asked, now.secs());
            let readings: Vec<_> = expected.iter().map(|counted| counted.reading).collect();
            let local = local.count_now(asked.batch(), now);
            prop_assert_eq!(
                local.as_slice(),
                readings,
                "the local store, {:?}, {:?} of {:?}",
                now,
                asked.hits,
                step
            );
            let Outcome::Done(counts) = answer.unwrap() else { panic!("not counted") };
            let shared: Vec<_> = counts.into_iter().map(Result::unwrap).collect();
            prop_assert_eq!(shared, expected, "the scripts, {:?}, {:?} of {:?}", now, asked.hits, step);
        }
    }
    Ok(())
}

#[test]
fn local_store_and_scripts_and_model_give_the_same_readings() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = Server::start();
    let _guard = runtime.enter();
    let (links, case) = ([open(&server), open(&server)], Cell::new(0));
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let start = prop_oneof![1 => 0..10_000_u64, 3 => 0..4_000_000_000_000_u64];
    let result = runner.run(&(start, steps()), |(start, steps)| {
        case.set(case.get() + 1);
        runtime.block_on(play(&server, &links, case.get(), start, steps))
    });
    assert_eq!(server.console().keys_without_expiry(), Vec::<String>::new());
    result.unwrap();
}
