//! Matching, case by case, and against the naive matcher.

use std::collections::HashSet;

use proptest::prelude::*;

use crate::decision::cost::Cost;
use crate::decision::key::CounterKey;
use crate::decision::key::name::CounterName;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::request::Entry;
use crate::decision::rules::naive;
use crate::decision::rules::named::HashedValues;
use crate::decision::rules::spec::{DescriptorSpec, DomainSpec, LimitSpec, Location, QuotaSpec};
use crate::decision::rules::{CompileError, Quota, Rule, RuleSet};

pub(super) fn descriptor(
    key: &str,
    value: &str,
    limit: Option<u32>,
    descriptors: Vec<DescriptorSpec>,
) -> DescriptorSpec {
    let quota = |requests_per_unit| QuotaSpec::Counted(Limit::new(requests_per_unit, Period::HOUR));
    let location = Location { file: "test.yaml".into(), line: 1, column: 1 };
    DescriptorSpec {
        value: (!value.is_empty()).then(|| value.into()),
        limit: limit.map(|number| LimitSpec {
            quota: quota(number),
            name: None,
            replaces: Vec::new(),
            cost: Cost::PLAIN,
        }),
        descriptors,
        ..DescriptorSpec::new(key, location)
    }
}

pub(super) fn leaf(key: &str, value: &str, limit: u32) -> DescriptorSpec {
    descriptor(key, value, Some(limit), Vec::new())
}

pub(super) fn compile(descriptors: Vec<DescriptorSpec>) -> RuleSet {
    RuleSet::compile(&[DomainSpec { name: "d".into(), descriptors }])
        .expect("the test's rules are well-formed")
}

fn find<'r>(rules: &'r RuleSet, entries: &[(&str, &str)]) -> Option<&'r Rule> {
    let entries: Vec<_> =
        entries.iter().map(|(key, value)| Entry { key: key.as_bytes(), value: value.as_bytes() }).collect();
    rules.find("d", &entries)
}

#[track_caller]
fn check(rules: &RuleSet, entries: &[(&str, &str)], expected: Option<&str>) {
    assert_eq!(find(rules, entries).map(|rule| &*rule.path), expected, "{entries:?}");
}

#[test]
fn exact_before_pattern_before_default() {
    let rules = compile(vec![
        leaf("k", "", 1),
        leaf("k", "ab*", 2),
        leaf("k", "a*", 3),
        leaf("k", "abc", 4),
        leaf("k", "*c*", 5),
    ]);
    check(&rules, &[("k", "abc")], Some("k=abc"));
    check(&rules, &[("k", "abd")], Some("k=ab*"));
    check(&rules, &[("k", "ad")], Some("k=a*"));
    check(&rules, &[("k", "a*")], Some("k=a*"));
    check(&rules, &[("k", "xcx")], Some("k=*c*"));
    check(&rules, &[("k", "")], Some("k"));
    check(&rules, &[("k", "zzz")], Some("k"));
    check(&rules, &[("K", "abc")], None);
    check(&rules, &[("k", "ABC")], Some("k"));
    check(&rules, &[("k_a", "b")], None);
}

#[test]
fn a_patterns_gaps_may_be_empty_and_its_pieces_do_not_overlap() {
    let rules = compile(vec![leaf("k", "aba*ba", 1), leaf("k", "*x*y*", 2), leaf("k", "**", 3)]);
    check(&rules, &[("k", "aba")], Some("k=**"));
    check(&rules, &[("k", "abba")], Some("k=**"));
    check(&rules, &[("k", "ababa")], Some("k=aba*ba"));
    check(&rules, &[("k", "abaXba")], Some("k=aba*ba"));
    check(&rules, &[("k", "xy")], Some("k=*x*y*"));
    check(&rules, &[("k", "yx")], Some("k=**"));
    check(&rules, &[("k", "")], Some("k=**"));
}

#[test]
fn a_limit_applies_only_at_the_last_entry() {
    let rules = compile(vec![descriptor("a", "", Some(1), vec![leaf("b", "", 2)]), leaf("c", "", 3)]);
    check(&rules, &[("a", "1")], Some("a"));
    check(&rules, &[("a", "1"), ("b", "2")], Some("a,b"));
    check(&rules, &[("a", "1"), ("b", "2"), ("c", "3")], None);
    check(&rules, &[("b", "2"), ("a", "1")], None);
    check(&rules, &[("b", "2")], None);
    check(&rules, &[], None);
    assert!(rules.find("unknown", &[Entry { key: b"a", value: b"1" }]).is_none());
}

#[test]
fn the_choice_is_greedy() {
    let rules = compile(vec![
        descriptor("a", "x", None, vec![leaf("b", "1", 1)]),
        descriptor("a", "", None, vec![leaf("b", "", 2)]),
    ]);
    check(&rules, &[("a", "x"), ("b", "1")], Some("a=x,b=1"));
    check(&rules, &[("a", "x"), ("b", "2")], None);
    check(&rules, &[("a", "y"), ("b", "2")], Some("a,b"));
    check(&rules, &[("a", "x")], None);
}

#[test]
fn a_leaf_without_a_limit_allows() {
    let rules = compile(vec![descriptor("a", "x", None, Vec::new()), leaf("a", "", 1)]);
    let rule = find(&rules, &[("a", "x")]).expect("the leaf is a rule");
    assert_eq!(rule.quota, Quota::NoLimit);
}

#[test]
fn shared_levels_name_the_pattern() {
    let mut shared = leaf("a", "x*", 1);
    shared.share_threshold = true;
    let rules = compile(vec![shared, leaf("b", "x*", 1)]);
    for (key, expected) in [("a", "x*"), ("b", "xyz")] {
        let entries = [Entry { key: key.as_bytes(), value: b"xyz" }];
        let rule = rules.find("d", &entries).expect("the pattern matches");
        let counted: Vec<_> = rule.counter_entries(&entries).map(|entry| entry.value).collect();
        assert_eq!(counted, [expected.as_bytes()]);
    }
}

#[test]
fn what_stands_twice_is_refused() {
    let twice = |value: &str| {
        RuleSet::compile(&[DomainSpec {
            name: "d".into(),
            descriptors: vec![leaf("k", value, 1), leaf("k", value, 2)],
        }])
    };
    for value in ["", "v", "v*"] {
        assert!(matches!(twice(value), Err(CompileError::DuplicateDescriptor(_))), "{value}");
    }
    let domain = DomainSpec { name: "d".into(), descriptors: Vec::new() };
    assert_eq!(
        RuleSet::compile(&[domain.clone(), domain]).map(|_| ()),
        Err(CompileError::DuplicateDomain("d".into()))
    );
}

#[test]
fn paths_escape_what_they_are_made_of() {
    let rules = compile(vec![
        descriptor("a", "b,c", Some(1), Vec::new()),
        descriptor("a", "b", None, vec![leaf("c", "", 1)]),
        leaf("a=b", "", 1),
        leaf("a", "100%\n\u{85}ü*", 1),
    ]);
    let paths: Vec<&str> = rules.rules().iter().map(|rule| &*rule.path).collect();
    assert_eq!(paths, ["a=b%2Cc", "a=b,c", "a%3Db", "a=100%25%0A%C2%85ü*"]);
}

/// What keys and values are made of where matching is tested.
pub(super) const PLAIN: [&str; 2] = ["[kl]", "[ab*]{0,5}"];

/// The same, and values that stand as hashes in keys.
const LONG: [&str; 2] = ["[kl]", "[ab*]{0,5}|a{70}|b{70,71}[*]?|[*]a{70}"];

/// What they are made of where paths are.
const STRUCTURE: [&str; 2] = ["[k,=%]{1,3}", "[k,=%2C\n]{0,3}"];

pub(super) fn levels([keys, values]: [&'static str; 2]) -> impl Strategy<Value = Vec<DescriptorSpec>> {
    let leaves = (values, keys, any::<bool>())
        .prop_map(|(value, key, limited)| descriptor(&key, &value, limited.then_some(1), Vec::new()));
    leaves
        .prop_recursive(3, 60, 12, move |inner| {
            (values, keys, any::<bool>(), proptest::collection::vec(inner, 0..12)).prop_map(
                |(value, key, limited, below)| descriptor(&key, &value, limited.then_some(1), below),
            )
        })
        .prop_flat_map(move |one| (Just(one), proptest::collection::vec((values, keys), 0..20)))
        .prop_map(|(one, more)| {
            let mut level = vec![one];
            level.extend(more.into_iter().map(|(value, key)| leaf(&key, &value, 1)));
            without_duplicates(level)
        })
}

fn without_duplicates(level: Vec<DescriptorSpec>) -> Vec<DescriptorSpec> {
    let mut seen = HashSet::new();
    let kept = level.into_iter().filter(|spec| seen.insert((spec.key.clone(), spec.value.clone())));
    kept.enumerate()
        .map(|(index, mut spec)| {
            spec.location.column = index.try_into().expect("levels here are short");
            spec.descriptors = without_duplicates(std::mem::take(&mut spec.descriptors));
            spec
        })
        .collect()
}

/// Some patterns share their counters.
fn with_sharing(level: Vec<DescriptorSpec>) -> Vec<DescriptorSpec> {
    let share = |mut spec: DescriptorSpec| {
        let pattern = spec.value.as_deref().filter(|value| value.contains('*'));
        spec.share_threshold = pattern.is_some_and(|pattern| pattern.len() % 2 == 1);
        spec.descriptors = with_sharing(std::mem::take(&mut spec.descriptors));
        spec
    };
    level.into_iter().map(share).collect()
}

proptest! {
    #[test]
    fn a_counters_key_leads_back_to_the_rule_that_counted(
        level in levels(LONG),
        requests in proptest::collection::vec(proptest::collection::vec((LONG[0], LONG[1]), 1..4), 1..12),
    ) {
        let rules = compile(with_sharing(level));
        let mut hashed = HashedValues::default();
        for request in requests {
            let entries: Vec<_> =
                request.iter().map(|(key, value)| Entry { key: key.as_bytes(), value: value.as_bytes() }).collect();
            let Some(rule) = rules.find("d", &entries) else { continue };
            let Some(limits) = rule.limits() else { continue };
            let key = CounterKey::new("d", limits.first().limit.period, rule.counter_entries(&entries));
            let name = CounterName::read(key.as_bytes()).unwrap();
            let found: Vec<_> = rules.of_counter(&name, &mut hashed).iter().map(|rule| rule.id).collect();
            let open = name.entries_text().contains('#');
            match found.as_slice() {
                // More than are named.
                [] => prop_assert!(open, "{:?}", request),
                [one] => prop_assert_eq!(*one, rule.id),
                several => prop_assert!(open && several.contains(&rule.id), "{:?}: {:?}", request, several),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn the_compiled_matcher_equals_the_naive_one(
        level in levels(PLAIN),
        requests in proptest::collection::vec(
            proptest::collection::vec((PLAIN[0], PLAIN[1]), 1..4), 1..12),
    ) {
        let rules = compile(level.clone());
        for request in requests {
            let entries: Vec<_> =
                request.iter().map(|(key, value)| Entry { key: key.as_bytes(), value: value.as_bytes() }).collect();
            let expected = naive::find(&level, &entries)
                .and_then(|path| path.last().copied())
                .filter(|spec| spec.limit.is_some() || spec.descriptors.is_empty());
            let found = rules.find("d", &entries);
            prop_assert_eq!(found.is_some(), expected.is_some(), "{:?}", request);
            if let (Some(found), Some(expected)) = (found, expected) {
                prop_assert_eq!(&found.location, &expected.location);
                let last = found.path.rsplit(',').next().unwrap_or_default();
                let label = match &expected.value {
                    Some(value) => format!("{}={value}", expected.key),
                    None => expected.key.clone(),
                };
                prop_assert_eq!(last, label);
            }
        }
    }

    #[test]
    fn no_two_rules_share_a_path(level in levels(STRUCTURE)) {
        let rules = compile(level);
        let mut seen = HashSet::new();
        for rule in rules.rules() {
            prop_assert!(seen.insert(&rule.path), "{}", rule.path);
        }
    }
}
