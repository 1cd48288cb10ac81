//! The use case with a real store and a clock that is moved by hand: windows, reloads, and what survives them.

use std::time::Duration;

use smallvec::smallvec;

use super::*;
use crate::decision::cost::Cost;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::request::{Descriptor, Entry, Hits};
use crate::decision::rules::RuleSet;
use crate::decision::rules::spec::{DescriptorSpec, DomainSpec, LimitSpec, Location, QuotaSpec};
use crate::decision::time::Timestamp;
use crate::decision::verdict::Outcome;
use crate::service::clock::ManualClock;
use crate::storage::local::{LocalSettings, LocalStore};

/// A limiter at the start of a minute, and what it is made of.
struct Bench {
    rulebook: Arc<Rulebook>,
    clock: Arc<ManualClock>,
    limiter: Limiter<LocalStore, Arc<ManualClock>>,
}

impl Bench {
    fn new() -> Self {
        let rulebook = Arc::new(Rulebook::new());
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_699_999_980)));
        let store = LocalStore::new(LocalSettings { max_entries: 100 });
        let modes = Modes { near_limit_ratio: 1.0, ..Modes::default() };
        let limiter = Limiter::new(Arc::clone(&rulebook), store, Arc::clone(&clock), modes);
        Self { rulebook, clock, limiter }
    }

    /// Publishes one rule for each key: so many a minute.
    fn publish(&self, rules: &[(&str, u32)]) {
        let descriptors = rules.iter().map(|&(key, requests_per_unit)| {
            let quota = QuotaSpec::Counted(Limit::new(requests_per_unit, Period::MINUTE));
            let limit = Some(LimitSpec { quota, name: None, replaces: Vec::new(), cost: Cost::PLAIN });
            let location = Location { file: "test.yaml".into(), line: 1, column: 1 };
            DescriptorSpec { limit, ..DescriptorSpec::new(key, location) }
        });
        let domain = DomainSpec { name: "d".into(), descriptors: descriptors.collect() };
        let rules = RuleSet::compile(&[domain]).expect("the test's rules are well-formed");
        self.rulebook.publish(rules, "f", self.clock.now());
    }

    /// Asks for one hit of a key: what came of it, what is left, and the seconds to the reset.
    async fn ask(&self, key: &str) -> Result<(Outcome, Option<(u32, u64)>), NoRules> {
        let entries = smallvec![Entry { key: key.as_bytes(), value: b"v" }];
        let descriptor = Descriptor { entries, limit_override: None, hits: Hits::Take(1) };
        let request = Request { domain: "d", descriptors: smallvec![descriptor] };
        let told = |verdict: &Verdict<'_>| {
            let status = &verdict.statuses[0];
            let limited = status.limited.map(|limited| (limited.remaining, limited.until_reset.as_secs()));
            (status.outcome, limited)
        };
        self.limiter.decide(&request, Asker::default(), told).await
    }

    fn counted(&self, key: &str) -> Vec<(Outcome, u64)> {
        let current = self.rulebook.current();
        let snapshot = current.as_deref().expect("rules were published");
        let rule = snapshot.rules.rules().iter().find(|rule| &*rule.path == key).expect("the rule is there");
        snapshot.outcomes.of(rule).occurred().map(|(outcome, _, count)| (outcome, count)).collect()
    }
}

#[tokio::test]
async fn without_rules_there_is_no_decision() {
    let bench = Bench::new();
    assert_eq!(bench.ask("a").await, Err(NoRules));
    bench.publish(&[]);
    assert_eq!(bench.ask("a").await, Ok((Outcome::NoRule, None)));
}

#[tokio::test]
async fn a_window_ends_when_the_clock_says_so() {
    let bench = Bench::new();
    bench.publish(&[("a", 1)]);
    assert_eq!(bench.ask("a").await, Ok((Outcome::Ok, Some((0, 60)))));
    bench.clock.advance(Duration::from_millis(59_999));
    assert_eq!(bench.ask("a").await, Ok((Outcome::Over, Some((0, 1)))));
    bench.clock.advance(Duration::from_millis(1));
    assert_eq!(bench.ask("a").await, Ok((Outcome::Ok, Some((0, 60)))));
}

#[tokio::test]
async fn a_reload_keeps_counters_and_a_raised_limit_counts_at_once() {
    let bench = Bench::new();
    bench.publish(&[("a", 1), ("b", 1)]);
    assert_eq!(bench.ask("a").await, Ok((Outcome::Ok, Some((0, 60)))));
    assert_eq!(bench.ask("a").await, Ok((Outcome::Over, Some((0, 60)))));
    bench.publish(&[("b", 1), ("a", 5)]);
    assert_eq!(bench.ask("a").await, Ok((Outcome::Ok, Some((2, 60)))));
    assert_eq!(bench.counted("a"), [(Outcome::Ok, 2), (Outcome::Over, 1)]);
    assert_eq!(bench.counted("b"), []);
}

#[tokio::test]
async fn a_rule_that_was_away_starts_its_figures_anew() {
    let bench = Bench::new();
    bench.publish(&[("a", 9)]);
    bench.ask("a").await.expect("there are rules");
    bench.publish(&[("b", 9)]);
    assert_eq!(bench.ask("a").await, Ok((Outcome::NoRule, None)));
    bench.publish(&[("a", 9)]);
    assert_eq!(bench.counted("a"), []);
}
