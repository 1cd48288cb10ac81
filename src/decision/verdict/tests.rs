//! From rules, a request and counts to the verdict, without a store.

mod several_limits;

use smallvec::smallvec;

use super::*;
use crate::decision::algorithm::Algorithm;
use crate::decision::cost::Cost;
use crate::decision::hit::{DeniedRequests, OnStoreFailure};
use crate::decision::hit_shares::HitShares;
use crate::decision::limit_share::LimitShare;
use crate::decision::period::Period;
use crate::decision::plan::Modes;
use crate::decision::reading::Reading;
use crate::decision::request::{Descriptor, Entry, Hits, Request};
use crate::decision::rules::RuleSet;
use crate::decision::rules::spec::{DescriptorSpec, DomainSpec, LimitSpec, Location, QuotaSpec};

const MODES: Modes = Modes {
    on_store_failure: OnStoreFailure::Local,
    shadow_mode: false,
    quota_mode: false,
    denied_requests: DeniedRequests::Count,
    limit_share: LimitShare::WHOLE,
    near_limit_ratio: 0.8,
};

/// A rule for the key `key`: 10 an hour, changed by `change`.
fn rule(key: &str, change: impl FnOnce(&mut DescriptorSpec)) -> DescriptorSpec {
    let quota = QuotaSpec::Counted(Limit::new(10, Period::HOUR));
    let location = Location { file: "test.yaml".into(), line: 1, column: 1 };
    let limit = Some(LimitSpec { quota, name: None, replaces: Vec::new(), cost: Cost::PLAIN });
    let mut spec = DescriptorSpec { limit, ..DescriptorSpec::new(key, location) };
    change(&mut spec);
    spec
}

fn rules() -> RuleSet {
    let quota = |spec: &mut DescriptorSpec, quota| spec.limit.as_mut().expect("it has one").quota = quota;
    let descriptors = vec![
        rule("plain", |_| {}),
        rule("shadow", |spec| spec.shadow_mode = true),
        rule("quota", |spec| spec.quota_mode = true),
        rule("allowed", |spec| spec.limit = None),
        rule("unlimited", |spec| quota(spec, QuotaSpec::Unlimited)),
        rule("named", |spec| spec.limit.as_mut().expect("it has one").name = Some("n".into())),
        rule("replacing", |spec| spec.limit.as_mut().expect("it has one").replaces = vec!["n".into()]),
    ];
    RuleSet::compile(&[DomainSpec { name: "d".into(), descriptors }])
        .expect("the test's rules are well-formed")
}

fn descriptor(key: &str) -> Descriptor<'_> {
    Descriptor {
        entries: smallvec![Entry { key: key.as_bytes(), value: b"v" }],
        limit_override: None,
        hits: Hits::Take(1),
    }
}

/// What a store tells of a limit of 10.
fn counted(count: u64) -> HitAnswer {
    HitAnswer::from(Reading::of_window(count, count > 10))
}

/// Decides descriptors with these keys in domain `d`, the limited ones with these counts.
#[track_caller]
fn check(modes: Modes, keys: &[&str], counts: &[u64], denied: bool, outcomes: &[Outcome]) {
    let rules = rules();
    let request = Request { domain: "d", descriptors: keys.iter().map(|key| descriptor(key)).collect() };
    let plan = Plan::new(&request, &rules, modes);
    let answers: Vec<_> = counts.iter().map(|&count| counted(count)).collect();
    let verdict = Verdict::new(&plan, &answers, Timestamp::from_secs(3_600));
    let found: Vec<_> = verdict.statuses.iter().map(|status| status.outcome).collect();
    assert_eq!((verdict.denied, found.as_slice()), (denied, outcomes), "{keys:?} {counts:?}");
}

#[test]
fn each_outcome() {
    use Outcome::{Allowed, Near, NoRule, Ok, Over, Shadow, Unlimited};
    check(MODES, &["plain"], &[8], false, &[Ok]);
    check(MODES, &["plain"], &[9], false, &[Near]);
    check(MODES, &["plain"], &[10], false, &[Near]);
    check(MODES, &["plain"], &[11], true, &[Over]);
    check(MODES, &["shadow"], &[11], false, &[Shadow]);
    check(MODES, &["none", "allowed", "unlimited"], &[], false, &[NoRule, Allowed, Unlimited]);
    check(MODES, &["plain", "none", "quota"], &[1, 11], true, &[Ok, NoRule, Over]);
    check(MODES, &["quota", "quota"], &[1, 11], false, &[Ok, Over]);
}

#[test]
fn replaced_rules_are_not_counted() {
    check(MODES, &["named"], &[1], false, &[Outcome::Ok]);
    check(MODES, &["named", "replacing"], &[1], false, &[Outcome::Replaced, Outcome::Ok]);
    check(
        MODES,
        &["replacing", "named", "named"],
        &[11],
        true,
        &[Outcome::Over, Outcome::Replaced, Outcome::Replaced],
    );
}

#[test]
fn global_modes() {
    let shadow = Modes { shadow_mode: true, ..MODES };
    check(shadow, &["plain"], &[11], false, &[Outcome::Over]);
    let quota = Modes { quota_mode: true, ..MODES };
    check(quota, &["plain"], &[11], true, &[Outcome::Over]);
    check(quota, &["plain", "plain"], &[11, 1], false, &[Outcome::Over, Outcome::Ok]);
    check(quota, &["plain", "none"], &[11], false, &[Outcome::Over, Outcome::NoRule]);
    check(quota, &["plain", "unlimited"], &[11], true, &[Outcome::Over, Outcome::Unlimited]);
}

#[test]
fn an_override_needs_a_known_domain_and_no_rule() {
    let rules = rules();
    let limit = Limit::new(3, Period::DAY);
    for (domain, expected) in [("d", Outcome::Ok), ("unknown", Outcome::NoRule)] {
        let own = Descriptor { limit_override: Some(limit), ..descriptor("shadow") };
        let request = Request { domain, descriptors: smallvec![own] };
        let plan = Plan::new(&request, &rules, MODES);
        let answers = vec![counted(1); plan.batch().hits.len()];
        let verdict = Verdict::new(&plan, &answers, Timestamp::from_secs(0));
        assert_eq!(verdict.statuses[0].outcome, expected);
        assert!(verdict.statuses[0].rule.is_none());
    }
}

/// Number and window are the caller's, the way of holding them the rule's; nothing else of the rule applies.
#[test]
fn an_override_is_held_as_its_rule_is() {
    let held = |limit: Limit| {
        move |spec: &mut DescriptorSpec| {
            spec.limit.as_mut().expect("it has one").quota = QuotaSpec::Counted(limit);
            spec.shadow_mode = true;
        }
    };
    let hourly = |algorithm| Limit::new(10, Period::HOUR).held_by(algorithm);
    let bucket = Limit { overdraft: true, ..hourly(Algorithm::TokenBucket).with_burst(50) };
    let unlimited = |spec: &mut DescriptorSpec| {
        spec.limit.as_mut().expect("it has one").quota = QuotaSpec::Unlimited;
    };
    let descriptors = vec![
        rule("bucket", held(bucket)),
        rule("log", held(hourly(Algorithm::SlidingLog))),
        rule("unlimited", unlimited),
    ];
    let rules = RuleSet::compile(&[DomainSpec { name: "d".into(), descriptors }]).unwrap();
    let of_hit = |key: &'static str, brought: Limit| {
        let own = Descriptor { limit_override: Some(brought), ..descriptor(key) };
        let request = Request { domain: "d", descriptors: smallvec![own] };
        let plan = Plan::new(&request, &rules, MODES);
        let [hit] = plan.batch().hits else { panic!("one limit, one hit") };
        assert!(!hit.role.shadow, "{key}");
        (hit.limit, format!("{:?}", hit.key))
    };
    let brought = Limit::new(7, Period::DAY);
    let held = Limit { overdraft: true, ..brought.held_by(Algorithm::TokenBucket) };
    assert_eq!(of_hit("bucket", brought), (held, "1|t86400|d|bucket=v".into()));
    let large = Limit::new(u32::MAX, Period::YEAR);
    assert_eq!(of_hit("bucket", large), (large, "1|f31536000|d|bucket=v".into()));
    let log = brought.held_by(Algorithm::SlidingLog);
    assert_eq!(of_hit("log", brought), (log, "1|x86400|d|log=v".into()));
    let longer = Limit::new(11, Period::DAY);
    assert_eq!(of_hit("log", longer), (longer, "1|f86400|d|log=v".into()));
    for key in ["unlimited", "none"] {
        assert_eq!(of_hit(key, brought), (brought, format!("1|f86400|d|{key}=v")));
    }
}

#[test]
fn the_tightest_is_over_or_has_the_least_left() {
    let rules = rules();
    let request = Request {
        domain: "d",
        descriptors: ["plain", "shadow", "named"].map(descriptor).into_iter().collect(),
    };
    let plan = Plan::new(&request, &rules, MODES);
    let tightest = |counts: [u64; 3]| {
        let verdict = Verdict::new(&plan, &counts.map(counted), Timestamp::from_secs(3_599));
        let (status, limited) = verdict.tightest().expect("all are limited");
        assert_eq!(limited.until_reset, Duration::from_secs(1));
        (status.rule.map(|rule| rule.path.to_string()).unwrap_or_default(), limited.remaining)
    };
    assert_eq!(tightest([5, 6, 7]), ("named".into(), 3));
    assert_eq!(tightest([5, 5, 5]), ("plain".into(), 5));
    assert_eq!(tightest([5, 12, 12]), ("named".into(), 0));
}

#[test]
fn a_quota_that_is_used_up_is_told_of_only_where_it_denies() {
    let rules = rules();
    let request = Request {
        domain: "d",
        descriptors: [descriptor("quota"), descriptor("quota")].into_iter().collect(),
    };
    let remaining = |counts: [u64; 2], never_denies| {
        let plan = Plan::new(&request, &rules, Modes { shadow_mode: never_denies, ..MODES });
        let verdict = Verdict::new(&plan, &counts.map(counted), Timestamp::from_secs(3_599));
        verdict.tightest().expect("both are limited").1.remaining
    };
    assert_eq!([remaining([11, 4], false), remaining([4, 11], false)], [6, 6]);
    assert_eq!([remaining([11, 12], false), remaining([11, 12], true)], [0, 0]);
}

#[test]
fn the_near_threshold_is_rounded_down_in_single_precision() {
    let threshold =
        |requests_per_unit, ratio| near_threshold(Limit::new(requests_per_unit, Period::SECOND), ratio);
    assert_eq!([threshold(3, 0.8), threshold(10, 0.8), threshold(0, 0.8), threshold(1, 1.0)], [2, 8, 0, 1]);
    assert_eq!(threshold(u32::MAX, 1.0), 1 << 32);
}

/// Each hit that passes fills it, so that it would be near for as long as anybody comes.
#[test]
fn a_bucket_that_holds_one_hit_is_never_near() {
    let limit = |algorithm| Limit::new(50, Period::SECOND).held_by(algorithm);
    let bucket = limit(Algorithm::TokenBucket);
    let near = |limit| {
        let descriptors = vec![rule("k", |spec| {
            spec.limit.as_mut().expect("it has one").quota = QuotaSpec::Counted(limit);
        })];
        let rules = RuleSet::compile(&[DomainSpec { name: "d".into(), descriptors }]).unwrap();
        let request = Request { domain: "d", descriptors: smallvec![descriptor("k")] };
        let plan = Plan::new(&request, &rules, MODES);
        let reading = Reading { count: limit.capacity(), over: false, reset: Some(Duration::ZERO) };
        let verdict = Verdict::new(&plan, &[HitAnswer::from(reading)], Timestamp::from_secs(0));
        let status = verdict.statuses[0];
        let shares = HitShares::new(status.outcome, &status.limited.unwrap(), MODES.near_limit_ratio);
        (status.outcome, shares.near)
    };
    assert_eq!(near(limit(Algorithm::LeakyBucket)), (Outcome::Ok, 0));
    assert_eq!(near(bucket.with_burst(1)), (Outcome::Ok, 0));
    assert_eq!(near(bucket.with_burst(2)), (Outcome::Near, 1));
    assert_eq!(near(Limit::new(1, Period::SECOND)), (Outcome::Near, 1));
}

/// What callers are told is what holds here: the limit, what is left of it, and whether it is near.
#[test]
fn a_share_of_the_limit_is_the_limit() {
    let rules = rules();
    let share = LimitShare::new(0.7).unwrap();
    let brought = Limit::new(100, Period::DAY);
    let overriding = Descriptor { limit_override: Some(brought), ..descriptor("plain") };
    let request = Request { domain: "d", descriptors: smallvec![descriptor("plain"), overriding] };
    let plan = Plan::new(&request, &rules, Modes { limit_share: share, ..MODES });
    let limits: Vec<u32> = plan.batch().hits.iter().map(|hit| hit.limit.requests_per_unit).collect();
    assert_eq!(limits, [7, 70], "a limit that the caller brings along is shared, too");
    let answers = [6, 70].map(|count| HitAnswer::from(Reading::of_window(count, false)));
    let verdict = Verdict::new(&plan, &answers, Timestamp::from_secs(3_600));
    let told: Vec<_> = verdict.statuses.iter().filter_map(|status| status.limited).collect();
    assert_eq!((told[0].limit.requests_per_unit, told[0].remaining), (7, 1));
    assert_eq!((told[1].limit.requests_per_unit, told[1].remaining), (70, 0));
    assert_eq!(verdict.statuses[0].outcome, Outcome::Near);
}

/// A share of a limit may be small enough to be counted in milliseconds, where the whole is not.
#[test]
fn a_counter_is_that_of_the_share() {
    let large = Limit::new(5_000_000, Period::YEAR).held_by(Algorithm::TokenBucket);
    let descriptors =
        vec![rule("k", |spec| spec.limit.as_mut().expect("it has one").quota = QuotaSpec::Counted(large))];
    let rules = RuleSet::compile(&[DomainSpec { name: "d".into(), descriptors }]).unwrap();
    let key = |share| {
        let request = Request { domain: "d", descriptors: smallvec![descriptor("k")] };
        let modes = Modes { limit_share: LimitShare::new(share).unwrap(), ..MODES };
        format!("{:?}", Plan::new(&request, &rules, modes).batch().hits[0].key)
    };
    assert_eq!([key(1.0), key(0.01)], ["1|T31536000|d|k=v", "1|t31536000|d|k=v"]);
}

/// A replica that gives out a part of a limit may deny a hit though its meter is empty.
#[test]
fn nobody_who_was_denied_is_told_to_come_back_at_once() {
    let rules = rules();
    let request = Request { domain: "d", descriptors: smallvec![descriptor("plain")] };
    let plan = Plan::new(&request, &rules, MODES);
    let told = |over, reset| {
        let reading = Reading { count: 0, over, reset: Some(Duration::from_millis(reset)) };
        let verdict = Verdict::new(&plan, &[HitAnswer::from(reading)], Timestamp::from_secs(3_600));
        verdict.statuses[0].limited.map(|limited| limited.until_reset.as_secs())
    };
    assert_eq!([told(true, 0), told(true, 1_001), told(false, 0)], [Some(1), Some(2), Some(0)]);
}
