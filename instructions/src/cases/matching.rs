//! Finding the rule of a descriptor, among few and many.

use std::hint::black_box;

use ratekeeper::decision::cost::Cost;
use ratekeeper::decision::limit::Limit;
use ratekeeper::decision::period::Period;
use ratekeeper::decision::request::Entry;
use ratekeeper::decision::rules::RuleSet;
use ratekeeper::decision::rules::spec::{DescriptorSpec, DomainSpec, LimitSpec, Location, QuotaSpec};

use super::{Case, Make, scattered};

pub(super) const DOMAIN: &str = "bench";

const IN_TURN: usize = 2_048;

pub(super) const CASES: &[Make] = &[
    || exact(10),
    || exact(1_000),
    || exact(100_000),
    || pattern(10),
    || pattern(1_000),
    || pattern(100_000),
    || default(1_000),
];

/// Every value has its own rule.
fn exact(rules: usize) -> Case {
    let set = || compile((0..rules).map(|rule| descriptor("key", Some(format!("value-{rule:06}")))));
    let value = |turn| format!("value-{:06}", scattered(turn) % rules);
    find(format!("match exact, {rules} rules"), rules, set, value)
}

/// Every rule is a pattern with a prefix of its own.
fn pattern(rules: usize) -> Case {
    let set = || compile((0..rules).map(|rule| descriptor("key", Some(format!("/api/{rule:06}/*")))));
    let value = |turn| format!("/api/{:06}/orders", scattered(turn) % rules);
    find(format!("match pattern, {rules} rules"), rules, set, value)
}

/// No rule has the value, so the key's default rule applies.
fn default(rules: usize) -> Case {
    let exact = || (1..rules).map(|rule| descriptor("key", Some(format!("value-{rule:06}"))));
    let set = || compile(exact().chain([descriptor("key", None)]));
    let value = |turn| format!("other-{:06}", scattered(turn) % 1_000_000);
    find(format!("match default, {rules} rules"), rules, set, value)
}

/// The same rules in many sets, where they are few: each set hashes by seeds of its own.
fn find(name: String, rules: usize, set: impl Fn() -> RuleSet, value: impl Fn(usize) -> String) -> Case {
    let sets: Vec<RuleSet> = (0..(20_000 / rules).clamp(1, 64)).map(|_| set()).collect();
    let values: Vec<String> = (0..IN_TURN).map(value).collect();
    let mut turn = 0;
    Case::new(name, 2_048, move || {
        let (set, value) = (&sets[turn % sets.len()], values[turn % IN_TURN].as_bytes());
        turn += 1;
        assert!(set.find(DOMAIN, black_box(&[Entry { key: b"key", value }])).is_some());
    })
}

pub(super) fn compile(descriptors: impl Iterator<Item = DescriptorSpec>) -> RuleSet {
    let domain = DomainSpec { name: DOMAIN.to_owned(), descriptors: descriptors.collect() };
    RuleSet::compile(&[domain]).expect("no two rules have the same key and value")
}

pub(super) fn descriptor(key: &str, value: Option<String>) -> DescriptorSpec {
    let quota = QuotaSpec::Counted(Limit::new(u32::MAX, Period::HOUR));
    let location = Location { file: "bench.yaml".into(), line: 1, column: 1 };
    let limit = Some(LimitSpec { quota, name: None, replaces: Vec::new(), cost: Cost::PLAIN });
    DescriptorSpec { value, limit, ..DescriptorSpec::new(key, location) }
}
