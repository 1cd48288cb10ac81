//! What is told of a way, case by case; and that it ends where a decision does.

use proptest::prelude::*;

use super::{By, End, MOST_CANDIDATES, Walk, Why};
use crate::decision::request::Entry;
use crate::decision::rules::tests::{PLAIN, compile, descriptor, leaf, levels};
use crate::decision::rules::{RuleSet, naive};

fn walk<'r>(rules: &'r RuleSet, entries: &[(&str, &str)]) -> Walk<'r> {
    let entries: Vec<_> =
        entries.iter().map(|(key, value)| Entry { key: key.as_bytes(), value: value.as_bytes() }).collect();
    rules.walk("d", &entries)
}

/// Each step in a line: what was taken, and then every candidate.
fn told(walk: &Walk<'_>) -> Vec<String> {
    let step = |step: &super::Step<'_>| {
        let taken = step.taken.as_ref().map(|taken| format!("{} by {:?}", taken.place.path, taken.by));
        let candidates = step.candidates.iter().map(|candidate| {
            let to = candidate.leads_to.map(|rule| format!(" to {}", rule.path));
            format!("; {} {:?}{}", candidate.place.path, candidate.why, to.unwrap_or_default())
        });
        let more = if step.more > 0 { format!("; {} more", step.more) } else { String::new() };
        taken.unwrap_or_else(|| "nothing".into()) + &candidates.collect::<String>() + &more
    };
    walk.steps.iter().map(step).collect()
}

#[track_caller]
fn check(rules: &RuleSet, entries: &[(&str, &str)], steps: &[&str], end: &str) {
    let walk = walk(rules, entries);
    assert_eq!(told(&walk), steps);
    let at = match &walk.end {
        End::Rule(rule) => format!("rule {}", rule.path),
        End::TooShallow(below, more) => {
            let below: Vec<&str> = below.iter().map(|place| &*place.path).collect();
            format!("above {below:?} and {more}")
        }
        other => format!("{other:?}"),
    };
    assert_eq!(at, end);
}

#[test]
fn what_also_matches_is_told_in_the_order_of_the_file() {
    let rules = compile(vec![leaf("k", "", 1), leaf("k", "ab*", 2), leaf("k", "a*", 3), leaf("k", "abc", 4)]);
    let all = "k=abc by Value; k ValueWins to k; k=ab* ValueWins to k=ab*; k=a* ValueWins to k=a*";
    check(&rules, &[("k", "abc")], &[all], "rule k=abc");
    let patterns =
        "k=ab* by Pattern; k PatternWins to k; k=a* EarlierPatternWins to k=a*; k=abc AnotherValue";
    check(&rules, &[("k", "abd")], &[patterns], "rule k=ab*");
    check(&rules, &[("k", "ABC")], &["k by Key; k=abc AnotherValue"], "rule k");
    check(&rules, &[("k", "xyz")], &["k by Key"], "rule k");
}

#[test]
fn where_nothing_matches_the_closest_stand_first() {
    let rules = compile(vec![
        leaf("path", "/api/*", 1),
        leaf("path", "/login", 1),
        leaf("path", "/logout", 1),
        descriptor("remote_address", "", None, vec![leaf("user", "", 1)]),
    ]);
    let values = "nothing; path=/login AnotherValue; path=/api/* AnotherPattern; path=/logout AnotherValue";
    check(&rules, &[("path", "/Logi")], &[values], "NoMatch");
    let keys = "nothing; remote_address AnotherKey; path=/api/* AnotherKey";
    check(&rules, &[("remote_adress", "1")], &[keys], "NoMatch");
    let elsewhere =
        "nothing; remote_address,user AnotherLevel; path=/api/* AnotherKey; remote_address AnotherKey";
    check(&rules, &[("user", "ada")], &[elsewhere], "NoMatch");
}

#[test]
fn the_depth_of_rules_and_entries_is_told() {
    let rules = compile(vec![
        descriptor("a", "x", None, vec![leaf("b", "1", 1), leaf("c", "", 1)]),
        descriptor("a", "", None, vec![leaf("b", "", 2)]),
        leaf("z", "", 3),
    ]);
    let steps = ["a=x by Value; a ValueWins to a,b", "nothing; a=x,b=1 AnotherValue"];
    check(&rules, &[("a", "x"), ("b", "22")], &steps, "NoMatch");
    let taken = "a=x by Value; a ValueWins";
    check(&rules, &[("a", "x")], &[taken], "above [\"a=x,b=1\", \"a=x,c\"] and 0");
    check(&rules, &[("z", "1"), ("a", "x"), ("b", "1")], &["z by Key"], "TooDeep(2)");
    check(&rules, &[], &[], "NoEntries");
}

#[test]
fn an_unknown_domain_is_compared_with_the_known_ones() {
    let rules = compile(vec![leaf("k", "", 1)]);
    let end = |domain| format!("{:?}", rules.walk(domain, &[Entry { key: b"k", value: b"v" }]).end);
    assert_eq!(end("meshes"), "UnknownDomain(None)");
    let rules = RuleSet::compile(&["mesh", "shop"].map(|name| crate::decision::rules::spec::DomainSpec {
        name: name.into(),
        descriptors: vec![leaf("k", "", 1)],
    }))
    .unwrap();
    let end = |domain| format!("{:?}", rules.walk(domain, &[Entry { key: b"k", value: b"v" }]).end);
    assert_eq!(end("Mesh1"), "UnknownDomain(Some(\"mesh\"))");
    assert_eq!(end("elsewhere"), "UnknownDomain(None)");
}

#[test]
fn what_is_told_is_bounded() {
    let values: Vec<String> = (0..500).map(|number| format!("value-{number}")).collect();
    let rules = compile(values.iter().map(|value| leaf("k", value, 1)).collect());
    let walk = walk(&rules, &[("k", "value")]);
    assert_eq!(walk.steps[0].candidates.len(), MOST_CANDIDATES);
    assert_eq!(walk.steps[0].more, 500 - MOST_CANDIDATES);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn a_way_ends_where_a_decision_does_and_tells_no_lies(
        level in levels(PLAIN),
        requests in proptest::collection::vec(proptest::collection::vec((PLAIN[0], PLAIN[1]), 0..4), 1..12),
    ) {
        let rules = compile(level.clone());
        for request in requests {
            let entries: Vec<_> =
                request.iter().map(|(key, value)| Entry { key: key.as_bytes(), value: value.as_bytes() }).collect();
            let walk = rules.walk("d", &entries);
            prop_assert_eq!(walk.rule().map(|rule| rule.id), rules.find("d", &entries).map(|rule| rule.id));
            // Each step is what the description of matching says of the entries up to there.
            for (depth, step) in walk.steps.iter().enumerate() {
                let expected = naive::find(&level, &entries[..=depth]).and_then(|path| path.last().copied());
                let taken = step.taken.as_ref();
                prop_assert_eq!(taken.map(|taken| taken.place.location), expected.map(|spec| &spec.location));
                prop_assert_eq!(taken.is_none(), depth + 1 == walk.steps.len() && matches!(walk.end, End::NoMatch));
                if let (Some(taken), Some(spec)) = (taken, expected) {
                    let by = match spec.value.as_deref() {
                        None => By::Key,
                        Some(value) if value.as_bytes() == entries[depth].value => By::Value,
                        Some(_) => By::Pattern,
                    };
                    prop_assert_eq!(taken.by, by);
                }
                prop_assert!(step.candidates.len() <= MOST_CANDIDATES);
                // What is said to match would be found, were it alone at its level.
                let siblings = match depth {
                    0 => Some(&level),
                    _ => naive::find(&level, &entries[..depth]).map(|path| &path[depth - 1].descriptors),
                };
                for candidate in &step.candidates {
                    let alone = siblings.and_then(|level| {
                        let one: Vec<_> = level.iter().filter(|spec| spec.location == *candidate.place.location).cloned().collect();
                        naive::find(&one, &entries[depth..=depth]).map(|_| ())
                    });
                    let matches = matches!(candidate.why, Why::ValueWins | Why::EarlierPatternWins | Why::PatternWins);
                    if candidate.why != Why::AnotherLevel {
                        prop_assert_eq!(alone.is_some(), matches, "{:?}", candidate);
                    }
                }
            }
        }
    }
}
