//! What must hold for rules that were accepted.

use std::collections::HashSet;

use ratekeeper::config::diagnostic::Position;
use ratekeeper::config::files::RuleSources;
use ratekeeper::config::rules::{RuleOptions, parse};
use ratekeeper::config::source::SourceFile;
use ratekeeper::decision::rules::spec::{DescriptorSpec, DomainSpec, LimitSpec, Location, QuotaSpec};
use ratekeeper::decision::rules::{MOST_LIMITS, RuleSet};

use super::{name, refused, rewrite};

/// No request has more entries.
const MAX_LEVELS: usize = 64;

/// Holds rules to the files that they were read from.
pub(super) fn check(domains: &[DomainSpec], sources: &RuleSources) {
    assert!(domains.iter().any(|domain| !domain.descriptors.is_empty()), "no rule, and no fault for it");
    for domain in domains {
        assert!(!domain.name.is_empty(), "a domain without a name");
        check_level(&domain.descriptors, 1, sources);
    }
    check_compiled(domains);
    check_rewritten(domains);
}

fn check_level(level: &[DescriptorSpec], depth: usize, sources: &RuleSources) {
    assert!(level.is_empty() || depth <= MAX_LEVELS, "deeper than any request");
    for spec in level {
        let Location { file, line, column } = &spec.location;
        refused::check_place(file, Position { line: *line, column: *column }, sources);
        assert!(!spec.key.is_empty(), "a descriptor without a key");
        assert_ne!(spec.value.as_deref(), Some(""), "an empty value is none");
        let pattern = spec.value.as_ref().is_some_and(|value| value.contains('*'));
        assert!(pattern || !spec.share_threshold, "nothing to share a counter by");
        check_limits(spec);
        check_level(&spec.descriptors, depth + 1, sources);
    }
}

fn check_limits(spec: &DescriptorSpec) {
    let names: Vec<&String> = spec.limits().filter_map(|limit| limit.name.as_ref()).collect();
    spec.limits().for_each(|limit| check_limit(limit, &names));
    assert!(spec.limits().count() <= MOST_LIMITS, "more limits than a rule may have");
    if !spec.further_limits.is_empty() {
        let periods = spec.limits().map(|limit| match limit.quota {
            QuotaSpec::Counted(limit) => limit.period,
            QuotaSpec::Unlimited => unreachable!("`unlimited` in a list of limits"),
        });
        assert_eq!(
            periods.collect::<HashSet<_>>().len(),
            spec.limits().count(),
            "two limits with one counter"
        );
    }
}

fn check_limit(limit: &LimitSpec, names: &[&String]) {
    assert_ne!(limit.name.as_deref(), Some(""), "an empty name is none");
    for replaced in &limit.replaces {
        assert!(!replaced.is_empty(), "`replaces` without a name");
        assert!(!names.contains(&replaced), "a rule that replaces itself");
    }
}

/// What the grammar accepts compiles, and no two of its rules are called the same.
fn check_compiled(domains: &[DomainSpec]) {
    let rules = RuleSet::compile(domains).expect("the grammar refuses what cannot be compiled");
    let mut seen = HashSet::new();
    for rule in rules.rules() {
        assert!(seen.insert((&rule.domain, &rule.path)), "two rules are called {}", rule.path);
    }
}

/// Written in another form, the rules are the same.
fn check_rewritten(domains: &[DomainSpec]) {
    let files = domains.iter().enumerate();
    let files = files.map(|(index, domain)| SourceFile::new(name(index), rewrite::file(domain)));
    let files: Vec<_> = files.collect();
    let again = parse(&files, RuleOptions::default());
    let again = again.unwrap_or_else(|faults| unreachable!("refused when written in another form\n{faults}"));
    assert_eq!(without_places(again), without_places(domains.to_vec()));
}

fn without_places(mut domains: Vec<DomainSpec>) -> Vec<DomainSpec> {
    domains.iter_mut().for_each(|domain| forget_places(&mut domain.descriptors));
    domains
}

fn forget_places(level: &mut [DescriptorSpec]) {
    for spec in level {
        spec.location = Location { file: "".into(), line: 0, column: 0 };
        forget_places(&mut spec.descriptors);
    }
}
