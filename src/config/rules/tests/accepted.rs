//! What must be taken, and what becomes of it.

use super::{accept, accept_descriptor};
use crate::decision::algorithm::Algorithm;
use crate::decision::cost::Cost;
use crate::decision::hit::OnStoreFailure;
use crate::decision::limit::Limit;
use crate::decision::metadata::Value;
use crate::decision::period::Period;
use crate::decision::rules::spec::{DescriptorSpec, LimitSpec, Location, QuotaSpec};

fn counted(requests_per_unit: u32, period: Period) -> QuotaSpec {
    QuotaSpec::Counted(Limit::new(requests_per_unit, period))
}

fn limit(quota: QuotaSpec) -> LimitSpec {
    LimitSpec { quota, name: None, replaces: Vec::new(), cost: Cost::PLAIN }
}

#[track_caller]
fn check_value(written: &str, expected: Option<&str>) {
    let descriptor = accept_descriptor(&format!("  - key: k\n    value: {written}\n"));
    assert_eq!(descriptor.value.as_deref(), expected, "{written}");
}

#[track_caller]
fn check_limit(written: &str, expected: LimitSpec) {
    let descriptor = accept_descriptor(&format!("  - key: k\n    rate_limit: {written}\n"));
    assert_eq!(descriptor.limit, Some(expected), "{written}");
}

#[test]
fn every_field() {
    let descriptor = accept_descriptor(
        "
  - key: k
    value: v*
    shadow_mode: true
    quota_mode: True
    detailed_metric: TRUE
    value_to_metric: true
    share_threshold: true
    on_store_failure: deny
    rate_limit:
      name: n
      unit: HOUR
      requests_per_unit: 5
      replaces: [{name: a}, {name: b}]
    descriptors:
      - key: l
",
    );
    let location = |line, column| Location { file: "a.yaml".into(), line, column };
    let plain = DescriptorSpec::new("l", location(18, 9));
    let replaces = vec!["a".to_owned(), "b".to_owned()];
    let expected = DescriptorSpec {
        value: Some("v*".into()),
        limit: Some(LimitSpec {
            quota: counted(5, Period::HOUR),
            name: Some("n".into()),
            replaces,
            cost: Cost::PLAIN,
        }),
        shadow_mode: true,
        quota_mode: true,
        detailed_metric: true,
        value_to_metric: true,
        share_threshold: true,
        on_store_failure: Some(OnStoreFailure::Deny),
        descriptors: vec![plain],
        ..DescriptorSpec::new("k", location(4, 5))
    };
    assert_eq!(descriptor, expected);
}

#[test]
fn values_are_taken_as_they_are_written() {
    for text in ["10", "true", "1.0", "0x1F", "-1", "010", "1e3", "2024-01-01", "10.0.0.1", "yes", "größer"]
    {
        check_value(text, Some(text));
    }
    check_value("\"a\\nb\"", Some("a\nb"));
    check_value("'*'", Some("*"));
    check_value("!!str 10", Some("10"));
    check_value("'null'", Some("null"));
}

#[test]
fn an_empty_value_is_none() {
    for text in ["", "''", "\"\"", "null", "~"] {
        check_value(text, None);
    }
}

#[test]
fn numbers_and_units() {
    check_limit("{unit: second, requests_per_unit: 0}", limit(counted(0, Period::SECOND)));
    check_limit("{unit: Week, requests_per_unit: 4294967295}", limit(counted(u32::MAX, Period::WEEK)));
    check_limit("{unit: MONTH, requests_per_unit: 1_000}", limit(counted(1000, Period::MONTH)));
    check_limit("{unit: \"year\", requests_per_unit: 0x10}", limit(counted(16, Period::YEAR)));
    check_limit("{unit: day, requests_per_unit: 1, unlimited: false}", limit(counted(1, Period::DAY)));
    let costs = |multiplier: u32, most: u32| {
        let cost = Cost { multiplier: multiplier.try_into().unwrap(), most: most.try_into().unwrap() };
        LimitSpec { cost, ..limit(counted(5, Period::DAY)) }
    };
    check_limit("{unit: day, requests_per_unit: 5, hits_multiplier: 5, max_hits: 20}", costs(5, 20));
    check_limit("{unit: day, requests_per_unit: 5, max_hits: 4294967295}", costs(1, u32::MAX));
    let per = |seconds| limit(counted(1, Period::from_seconds(seconds).unwrap()));
    check_limit("{per: 5m, requests_per_unit: 1}", per(300));
    check_limit("{per: 1h30m, requests_per_unit: 1}", per(5_400));
    check_limit("{per: Hour, requests_per_unit: 1}", per(3_600));
    check_limit("{per: m, requests_per_unit: 1}", per(60));
    check_limit("{per: 1w, requests_per_unit: 1}", per(7 * 86_400));
    check_limit("{unit: minute, unit_multiplier: 5, requests_per_unit: 1}", per(300));
    check_limit("{unit: hour, unit_multiplier: 1, per: , requests_per_unit: 1}", per(3_600));
    check_limit("{unlimited: true}", limit(QuotaSpec::Unlimited));
}

#[test]
fn algorithms() {
    let minute = Limit::new(6, Period::MINUTE);
    let check = |written: &str, expected: Limit| {
        let written = format!("{{unit: minute, requests_per_unit: 6{written}}}");
        check_limit(&written, limit(QuotaSpec::Counted(expected)));
    };
    check("", minute);
    for algorithm in Algorithm::ALL {
        check(&format!(", algorithm: {}", algorithm.name()), minute.held_by(algorithm));
        let overdraft = Limit { overdraft: algorithm.is_meter(), ..minute.held_by(algorithm) };
        check(&format!(", algorithm: {}, overdraft: {}", algorithm.name(), algorithm.is_meter()), overdraft);
    }
    let bucket = minute.held_by(Algorithm::TokenBucket);
    assert_eq!((bucket.burst, minute.held_by(Algorithm::LeakyBucket).burst), (6, 1));
    check(", algorithm: token_bucket, burst: 1", bucket.with_burst(1));
    check(", burst: 4294967295, algorithm: token_bucket", bucket.with_burst(u32::MAX));
    check(", algorithm: token_bucket, burst:, overdraft:", bucket);
    let nothing = Limit::new(0, Period::DAY).held_by(Algorithm::TokenBucket);
    check_limit(
        "{unit: day, requests_per_unit: 0, algorithm: token_bucket}",
        limit(QuotaSpec::Counted(nothing)),
    );
}

/// Of the same length, they have counters of their own.
#[test]
fn two_limits_of_one_window_by_different_algorithms() {
    let descriptor = accept_descriptor(
        "  - key: k
    rate_limits:
      - {unit: second, requests_per_unit: 10}
      - {per: 1s, requests_per_unit: 5, algorithm: leaky_bucket}
      - {per: 1s, requests_per_unit: 8, algorithm: token_bucket, burst: 20}
",
    );
    let second = |number, algorithm| Limit::new(number, Period::SECOND).held_by(algorithm);
    let expected = [
        second(10, Algorithm::FixedWindow),
        second(5, Algorithm::LeakyBucket),
        second(8, Algorithm::TokenBucket).with_burst(20),
    ];
    let found: Vec<_> = descriptor.limits().map(|limit| limit.quota).collect();
    assert_eq!(found, expected.map(QuotaSpec::Counted));
}

#[test]
fn an_empty_field_is_an_absent_one() {
    let descriptor = accept_descriptor(
        "
  - key: k
    descriptors:
    shadow_mode:
    metadata:
",
    );
    assert_eq!((descriptor.limit, descriptor.descriptors, descriptor.metadata), (None, Vec::new(), None));
    let descriptor =
        accept_descriptor("  - key: k\n    rate_limit: {unlimited: true, unit: , name: '', replaces: }\n");
    assert_eq!(descriptor.limit, Some(limit(QuotaSpec::Unlimited)));
}

#[test]
fn metadata_is_a_free_tree() {
    let descriptor = accept_descriptor(
        "
  - key: k
    metadata:
      text: a
      quoted: '1'
      number: 1
      fraction: 1.5
      truth: false
      nothing:
      list: [a, {b: c}]
      10: ten
",
    );
    let metadata = descriptor.metadata.unwrap();
    let names: Vec<_> = metadata.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["text", "quoted", "number", "fraction", "truth", "nothing", "list", "10"]);
    assert_eq!(metadata.get("text"), Some(&Value::String("a".into())));
    assert_eq!(metadata.get("quoted"), Some(&Value::String("1".into())));
    assert_eq!(metadata.get("number"), Some(&Value::Number(1.0)));
    assert_eq!(metadata.get("fraction"), Some(&Value::Number(1.5)));
    assert_eq!(metadata.get("truth"), Some(&Value::Bool(false)));
    assert_eq!(metadata.get("nothing"), Some(&Value::Null));
    let Some(Value::List(list)) = metadata.get("list") else { panic!("no list") };
    assert_eq!(list[0], Value::String("a".into()));
    let Value::Mapping(inner) = &list[1] else { panic!("no mapping") };
    assert_eq!(inner.get("b"), Some(&Value::String("c".into())));
}

#[test]
fn anchors_aliases_and_merge_keys() {
    let domain = accept(
        "
domain: d
descriptors:
  - key: a
    rate_limit: &limit {unit: day, requests_per_unit: 1}
  - key: b
    rate_limit: *limit
  - key: c
    rate_limit:
      <<: *limit
      requests_per_unit: 2
  - key: d
    rate_limit:
      name: n
      <<: [{unit: hour}, *limit]
  - key: \"<<\"
",
    );
    let limits: Vec<_> = domain.descriptors.into_iter().map(|descriptor| descriptor.limit).collect();
    let named = LimitSpec { name: Some("n".into()), ..limit(counted(1, Period::HOUR)) };
    let expected = [
        Some(limit(counted(1, Period::DAY))),
        Some(limit(counted(1, Period::DAY))),
        Some(limit(counted(2, Period::DAY))),
        Some(named),
        None,
    ];
    assert_eq!(limits, expected);
}

#[test]
fn siblings_that_differ() {
    let domain = accept(
        "
domain: d
descriptors:
  - key: a
  - key: a
    value: x
  - key: a
    value: X
  - key: A
    value: x
  - key: ax
    descriptors: [{key: a}]
",
    );
    assert_eq!(domain.descriptors.len(), 5);
}

#[test]
fn the_ways_to_write_a_file() {
    accept("\u{feff}domain: d\n");
    accept("---\ndomain: d\n...\n");
    accept("# a comment\r\ndomain: d\r\ndescriptors:\r\n- key: a\r\n");
    accept("%YAML 1.2\n---\ndomain: d");
    accept("{\"domain\": \"d\", \"descriptors\": [{\"key\": \"k\", \"rate_limit\": {\"unlimited\": true}}]}");
    accept("domain: d\ndescriptors: []\n");
    assert_eq!(accept("domain: 10\n").name, "10");
}

#[test]
fn what_decides_without_the_store() {
    let check = |written: &str, expected| {
        let descriptor = accept_descriptor(&format!("  - key: k\n    on_store_failure: {written}\n"));
        assert_eq!(descriptor.on_store_failure, expected, "{written}");
    };
    check("local", Some(OnStoreFailure::Local));
    check("allow", Some(OnStoreFailure::Allow));
    check("'deny'", Some(OnStoreFailure::Deny));
    check("", None);
}
