//! Names as envoyproxy/ratelimit of January 2026 gave them for the same rules and requests.

use super::*;
use crate::decision::cost::Cost;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::rules::RuleSet;
use crate::decision::rules::spec::{DescriptorSpec, DomainSpec, LimitSpec, Location, QuotaSpec};

/// One level: its key, its value (empty for any), and its flags as in a rule file.
type LevelOfRule<'t> = (&'t str, &'t str, &'t [&'t str]);

fn rule(levels: &[LevelOfRule<'_>]) -> RuleSet {
    let mut below = Vec::new();
    for (depth, (key, value, flags)) in levels.iter().enumerate().rev() {
        let location = Location { file: "test.yaml".into(), line: 1, column: 1 };
        let mut spec = DescriptorSpec::new(*key, location);
        spec.value = Some((*value).to_owned()).filter(|value| !value.is_empty());
        spec.detailed_metric = flags.contains(&"detailed_metric");
        spec.value_to_metric = flags.contains(&"value_to_metric");
        spec.share_threshold = flags.contains(&"share_threshold");
        let quota = QuotaSpec::Counted(Limit::new(10, Period::YEAR));
        spec.limit = (depth == levels.len() - 1).then_some(LimitSpec {
            quota,
            name: None,
            replaces: Vec::new(),
            cost: Cost::PLAIN,
        });
        spec.descriptors = std::mem::take(&mut below);
        below.push(spec);
    }
    RuleSet::compile(&[DomainSpec { name: "mesh".into(), descriptors: below }]).expect("it is well-formed")
}

/// The name of a request's statistics, and what it is called where values are not told apart.
fn named(levels: &[LevelOfRule<'_>], values: &[&str]) -> (Result<String, TooLong>, String) {
    let rules = rule(levels);
    let entries = levels.iter().zip(values);
    let entries: Vec<Entry<'_>> =
        entries.map(|((key, ..), value)| Entry { key: key.as_bytes(), value: value.as_bytes() }).collect();
    let rule = rules.find("mesh", &entries).expect("the rule matches");
    match StatisticName::of(rule) {
        StatisticName::Fixed(name) => (Ok(name.clone()), name),
        StatisticName::ByValue(name) => {
            let text = |name: NameBuffer| String::from_utf8(name.to_vec()).expect("it is text");
            (name.of(&entries).map(text), name.folded())
        }
    }
}

#[track_caller]
fn check(levels: &[LevelOfRule<'_>], values: &[&str], name: &str, folded: &str) {
    assert_eq!(named(levels, values), (Ok(name.to_owned()), folded.to_owned()));
}

const DETAILED: &[&str] = &["detailed_metric"];
const VALUE: &[&str] = &["value_to_metric"];
const SHARED: &[&str] = &["share_threshold"];
const SHARED_VALUE: &[&str] = &["share_threshold", "value_to_metric"];
const SHARED_DETAILED: &[&str] = &["share_threshold", "detailed_metric"];

#[test]
fn names_without_runtime_values() {
    check(&[("plain", "", &[])], &["x"], "mesh.plain", "mesh.plain");
    check(&[("exact", "v", &[])], &["v"], "mesh.exact_v", "mesh.exact_v");
    check(&[("exact", "v", DETAILED)], &["v"], "mesh.exact_v", "mesh.exact_v");
    check(&[("wild", "foo*", &[])], &["foobar"], "mesh.wild_foo*", "mesh.wild_foo*");
    check(&[("wild", "foo*", SHARED_VALUE)], &["foobar"], "mesh.wild_foo*", "mesh.wild_foo*");
    check(&[("wild", "foo*", SHARED_DETAILED)], &["foobar"], "mesh.wild_foo*", "mesh.wild_foo*");
    check(&[("a", "x,y=1%", &[]), ("b", "", &[])], &["x,y=1%", "c"], "mesh.a_x,y=1%.b", "mesh.a_x,y=1%.b");
}

#[test]
fn a_detailed_rule_is_named_by_every_value() {
    let levels: &[LevelOfRule<'_>] = &[("detailed", "", DETAILED)];
    check(levels, &["10.0.0.1"], "mesh.detailed_10_0_0_1", "mesh.detailed_other");
    check(levels, &["a:b|c"], "mesh.detailed_a_b_c", "mesh.detailed_other");
    check(levels, &["v1.2"], "mesh.detailed_v1.2", "mesh.detailed_other");
    check(levels, &["1234.5.6.7890"], "mesh.detailed_1234_5_6_7890", "mesh.detailed_other");
    check(levels, &["a\nb: 1"], "mesh.detailed_a_b_ 1", "mesh.detailed_other");
    check(levels, &[""], "mesh.detailed_", "mesh.detailed_other");
    let levels: &[LevelOfRule<'_>] = &[("tenant", "", VALUE), ("path", "/api*", &[]), ("user", "", DETAILED)];
    let folded = "mesh.tenant_other.path_other.user_other";
    check(levels, &["t1", "/api/x", "u.1"], "mesh.tenant_t1.path_/api/x.user_u.1", folded);
    check(levels, &["", "/api/x", ""], "mesh.tenant_.path_/api/x.user_", folded);
    let levels: &[LevelOfRule<'_>] =
        &[("tenant", "", VALUE), ("shared", "s*", SHARED), ("leaf", "", DETAILED)];
    let folded = "mesh.tenant_other.shared_s*.leaf_other";
    check(levels, &["t2", "s1", "l"], "mesh.tenant_t2.shared_s*.leaf_l", folded);
    check(levels, &["t2", "s1", ""], "mesh.tenant_t2.shared_s*.leaf", folded);
}

#[test]
fn a_level_is_named_by_its_value_where_it_says_so() {
    check(&[("wild", "foo*", VALUE)], &["foobar"], "mesh.wild_foobar", "mesh.wild_other");
    let levels: &[LevelOfRule<'_>] = &[("tenant", "", VALUE), ("path", "/api*", &[]), ("method", "", VALUE)];
    let folded = "mesh.tenant_other.path_/api*.method_other";
    check(levels, &["t1", "/api/x", "GET"], "mesh.tenant_t1.path_/api*.method_GET", folded);
    check(levels, &["", "/api/x", ""], "mesh.tenant.path_/api*.method", folded);
}

#[test]
fn a_name_that_is_too_long_is_none() {
    let levels: &[LevelOfRule<'_>] = &[("k", "", DETAILED)];
    assert!(named(levels, &["v".repeat(505).as_str()]).0.is_ok());
    assert_eq!(named(levels, &["v".repeat(506).as_str()]).0, Err(TooLong));
}

#[test]
fn a_limit_that_was_brought_along_is_named_by_its_entries() {
    let entries = [("anything", "x"), ("else", "")];
    let entries = entries.map(|(key, value)| Entry { key: key.as_bytes(), value: value.as_bytes() });
    assert_eq!(of_override("mesh", &entries).expect("it fits").as_slice(), b"mesh.anything_x.else");
    assert_eq!(StatisticName::of_overrides("mesh"), "mesh.other");
}
