//! Several limits on one rule, and the same limits on as many descriptors that all must pass: nobody can tell them apart.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::decision::cost::Cost;
use crate::decision::plan::{Modes, Plan};
use crate::decision::request::{Descriptor, Request};
use crate::decision::rules::RuleSet;
use crate::decision::rules::spec::{DescriptorSpec, DomainSpec, LimitSpec, Location, QuotaSpec};
use crate::decision::verdict::{Limited, Outcome, Verdict};
use crate::storage::HitAnswers;

/// Windows in seconds, and how many hits pass in each.
type Numbers = BTreeMap<u32, u32>;

fn spec(key: &str, limits: Vec<LimitSpec>, shadow_mode: bool) -> DescriptorSpec {
    let location = Location { file: "test.yaml".into(), line: 1, column: 1 };
    let mut limits = limits.into_iter();
    DescriptorSpec {
        limit: limits.next(),
        further_limits: limits.collect(),
        shadow_mode,
        ..DescriptorSpec::new(key, location)
    }
}

fn limits(numbers: &Numbers) -> Vec<LimitSpec> {
    let limit = |(&seconds, &number): (&u32, &u32)| LimitSpec {
        quota: QuotaSpec::Counted(Limit::new(number, Period::from_seconds(seconds.into()).unwrap())),
        name: None,
        replaces: Vec::new(),
        cost: Cost::PLAIN,
    };
    numbers.iter().map(limit).collect()
}

/// The key of the descriptor that has the limit with this number alone.
fn apart(number: usize) -> String {
    format!("apart{number}")
}

/// One rule with all limits, and one for each of them.
fn rules(numbers: &Numbers, shadow_mode: bool) -> RuleSet {
    let single = |(number, limit)| spec(&apart(number), vec![limit], shadow_mode);
    let mut descriptors: Vec<_> = limits(numbers).into_iter().enumerate().map(single).collect();
    descriptors.push(spec("together", limits(numbers), shadow_mode));
    RuleSet::compile(&[DomainSpec { name: "d".into(), descriptors }]).unwrap()
}

struct Told {
    denied: bool,
    statuses: Vec<(Outcome, Limited)>,
}

fn ask(
    store: &LocalStore,
    rules: &RuleSet,
    keys: &[String],
    hits: Hits,
    modes: Modes,
    now: Timestamp,
) -> Told {
    let descriptor = |key: &'static str| Descriptor {
        entries: [Entry { key: key.as_bytes(), value: b"v" }].into_iter().collect(),
        limit_override: None,
        hits,
    };
    let descriptors = keys.iter().map(|key| descriptor(key.clone().leak())).collect();
    let request = Request { domain: "d", descriptors };
    let plan = Plan::new(&request, rules, modes);
    let answers: HitAnswers = store.count_all(plan.batch(), now);
    let verdict = Verdict::new(&plan, &answers, now);
    let statuses = verdict.statuses.iter().map(|status| (status.outcome, status.limited.unwrap())).collect();
    Told { denied: verdict.denied, statuses }
}

proptest! {
    #[test]
    fn together_is_as_apart(
        numbers in proptest::collection::btree_map(prop_oneof![1..12_u32, Just(60), Just(3_600)], 0..9_u32, 1..=4),
        shadow_mode in proptest::bool::weighted(0.2),
        ignore: bool,
        steps in proptest::collection::vec((0..3_u64, prop_oneof![5 => (0..4_u32).prop_map(Hits::Take), 1 => (0..4_u32).prop_map(Hits::Refund)]), 1..40),
    ) {
        let (rules, store) = (rules(&numbers, shadow_mode), store(1_000));
        let denied_requests = if ignore { DeniedRequests::Ignore } else { DeniedRequests::Count };
        let modes = Modes { denied_requests, near_limit_ratio: 0.8, ..Modes::default() };
        let keys_apart: Vec<String> = (0..numbers.len()).map(apart).collect();
        let mut secs = 1_700_000_000;
        for (pause, hits) in steps {
            secs += pause;
            let now = Timestamp::from_secs(secs);
            let together = ask(&store, &rules, &["together".to_owned()], hits, modes, now);
            let apart = ask(&store, &rules, &keys_apart, hits, modes, now);
            prop_assert_eq!(together.denied, apart.denied);
            let (outcome, limited) = together.statuses[0];
            let most = |what: Outcome| apart.statuses.iter().any(|(outcome, _)| *outcome == what);
            let expected = [Outcome::Over, Outcome::Shadow, Outcome::Near].into_iter().find(|&what| most(what));
            prop_assert_eq!(outcome, expected.unwrap_or(Outcome::Ok));
            let least = apart.statuses.iter().map(|(_, limited)| limited.remaining).min();
            prop_assert_eq!(Some(limited.remaining), least);
            // What is told is what the same limit tells that stands alone.
            prop_assert_eq!(Limited { number: 0, ..limited }, apart.statuses[limited.number].1);
        }
    }
}
