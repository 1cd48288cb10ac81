//! What is asked and what is told, word for word.

use super::page::{ExplainPage, NowPage, Places};
use super::{AskFault, Asked, Context, Question};
use crate::decision::algorithm::Algorithm;
use crate::decision::cost::Cost;
use crate::decision::limit::Limit;
use crate::decision::limit_share::LimitShare;
use crate::decision::period::Period;
use crate::decision::plan::Modes;
use crate::decision::rules::RuleSet;
use crate::decision::rules::spec::{DescriptorSpec, DomainSpec, LimitSpec, Location, QuotaSpec};

fn spec(line: u32, key: &str, value: &str) -> DescriptorSpec {
    let location = Location { file: "rules.yaml".into(), line, column: 5 };
    DescriptorSpec { value: (!value.is_empty()).then(|| value.into()), ..DescriptorSpec::new(key, location) }
}

fn limited(line: u32, key: &str, value: &str, period: Period) -> DescriptorSpec {
    let quota = QuotaSpec::Counted(Limit::new(10, period));
    let limit =
        LimitSpec { quota, name: Some(format!("rule-{line}")), replaces: Vec::new(), cost: Cost::PLAIN };
    DescriptorSpec { limit: Some(limit), ..spec(line, key, value) }
}

fn rules() -> RuleSet {
    let descriptors = vec![
        limited(3, "user", "", Period::MINUTE),
        limited(5, "user", "a*", Period::SECOND),
        DescriptorSpec {
            descriptors: vec![limited(9, "user", "", Period::DAY)],
            ..spec(7, "route", "checkout")
        },
        DescriptorSpec {
            further_limits: limited(12, "", "", Period::DAY).limit.into_iter().collect(),
            shadow_mode: true,
            ..limited(11, "several", "", Period::SECOND)
        },
    ];
    let held = |line, key: &str, limit: Limit| {
        let spec = limited(line, key, "", Period::MINUTE);
        let limit = spec.limit.clone().map(|said| LimitSpec { quota: QuotaSpec::Counted(limit), ..said });
        DescriptorSpec { limit, ..spec }
    };
    let minute = |algorithm| Limit::new(10, Period::MINUTE).held_by(algorithm);
    let bucket = Limit { overdraft: true, ..minute(Algorithm::TokenBucket).with_burst(25) };
    let descriptors = descriptors
        .into_iter()
        .chain([held(13, "bucket", bucket), held(15, "window", minute(Algorithm::SlidingWindow))])
        .collect();
    RuleSet::compile(&[DomainSpec { name: "mesh".into(), descriptors }]).unwrap()
}

fn explain(domain: &str, descriptors: &[&str], context: &Context) -> ExplainPage {
    Asked::read(domain, descriptors).unwrap().explain(&rules(), context)
}

fn plain() -> Context {
    Context { modes: Modes::default(), places: Places::Local }
}

#[track_caller]
fn check(domain: &str, descriptor: &str, expected: &str) {
    let page = explain(domain, &[descriptor], &plain());
    assert_eq!(page.text(), format!("domain {domain}\n\n{expected}"));
    let json = serde_json::to_string(&page).unwrap();
    assert_eq!(serde_json::from_str::<ExplainPage>(&json).unwrap(), page, "{json}");
}

#[test]
fn a_decision_is_told_with_what_came_close() {
    check(
        "mesh",
        "user=ada",
        "user=ada\n  1. user=ada leads to user=a* (rules.yaml:5:5), by a pattern\n     \
         close: user (rules.yaml:3:5) is the key's default, but a pattern matches\n  \
         rule     user=a* (rules.yaml:5:5), named rule-5\n  limit    10 per second\n  counter  1|f1|mesh|user=ada\n",
    );
}

#[test]
fn all_limits_of_a_rule_are_told() {
    check(
        "mesh",
        "several=v",
        "several=v\n  1. several=v leads to several (rules.yaml:11:5), the key's default\n  \
         rule     several (rules.yaml:11:5), named rule-11\n  \
         limit    10 per second, named rule-11\n  mode     in shadow mode: counted, never denied\n  counter  1|f1|mesh|several=v\n  \
         and      10 per day, named rule-12\n  counter  1|f86400|mesh|several=v\n",
    );
}

#[test]
fn the_way_in_which_a_limit_is_held_is_told() {
    let told = |rule: &str, limit: &str, counter: &str| {
        format!("  {rule}\n  limit    {limit}\n  counter  {counter}\n")
    };
    check(
        "mesh",
        "bucket=v",
        &format!(
            "bucket=v\n  1. bucket=v leads to bucket (rules.yaml:13:5), the key's default\n{}",
            told(
                "rule     bucket (rules.yaml:13:5), named rule-13",
                "10 per minute by token_bucket, burst 25\n  mode     overdraft: hits that are denied are taken all the same",
                "1|t60|mesh|bucket=v"
            )
        ),
    );
    check(
        "mesh",
        "window=v",
        &format!(
            "window=v\n  1. window=v leads to window (rules.yaml:15:5), the key's default\n{}",
            told(
                "rule     window (rules.yaml:15:5), named rule-15",
                "10 per minute by sliding_window",
                "1|s60|mesh|window=v"
            )
        ),
    );
    let json = serde_json::to_value(explain("mesh", &["bucket=v"], &plain())).unwrap();
    let counter = &json["descriptors"][0]["counter"];
    assert_eq!((&counter["algorithm"], &counter["burst"]), (&"token_bucket".into(), &25.into()));
    assert_eq!(counter["overdraft"], true);
}

#[test]
fn what_is_counted_at_present_is_told_with_the_next_hit_that_passes() {
    let told = |entries: &str, now: NowPage| {
        let mut page = explain("mesh", &[entries], &plain());
        page.descriptors[0].counters_mut().for_each(|counter| counter.now = Some(now.clone()));
        let text = page.text();
        text.lines().find_map(|line| line.strip_prefix("  now      ")).unwrap().to_owned()
    };
    let now =
        |next_seconds| NowPage::Read { count: 40, remaining: 0, reset_seconds: Some(240), next_seconds };
    assert_eq!(
        told("bucket=v", now(Some(90))),
        "40 counted, 0 remaining, next in 90 s, empty again in 240 s"
    );
    assert_eq!(told("bucket=v", now(None)), "40 counted, 0 remaining, empty again in 240 s");
    assert_eq!(told("user=v", now(Some(240))), "40 counted, 0 remaining, begins anew in 240 s");
    let unread = NowPage::Unread { not_read: "gone".into() };
    assert_eq!(told("user=v", unread), "not read: gone");
}

#[test]
fn where_nothing_decides_the_remedy_is_told() {
    let none = "  rule     none: it passes, and nothing is counted\n";
    let rest = "rate_limit: {unit: minute, requests_per_unit: 10}}`; without `value` it is for all values\n";
    check(
        "mesh",
        "rout=checkout",
        &format!(
            "rout=checkout\n  1. rout=checkout leads nowhere\n     close: route=checkout (rules.yaml:7:5) has another key\n     \
             close: user (rules.yaml:3:5) has another key\n     close: several (rules.yaml:11:5) has another key\n     \
             close: bucket (rules.yaml:13:5) has another key\n     close: window (rules.yaml:15:5) has another key\n{none}  why      nothing matches rout=checkout\n  \
             help     did you mean `route=checkout`? to limit it, under `descriptors:` of the domain write `- {{key: rout, value: checkout, {rest}"
        ),
    );
    check(
        "mesh",
        "route=checkout",
        &format!(
            "route=checkout\n  1. route=checkout leads to route=checkout (rules.yaml:7:5), by its value\n{none}  \
             why      `route=checkout` has no `rate_limit`; it only leads on to `route=checkout,user`\n  \
             help     write a `rate_limit` at rules.yaml:7:5, or have the proxy send another entry behind these\n"
        ),
    );
    check(
        "mesh",
        "user=x,n='1'",
        &format!(
            "user=x,n='1'\n  1. user=x leads to user (rules.yaml:3:5), the key's default\n{none}  \
             why      the rules end at `user`, which is for descriptors of 1 of these 2 entries; a rule applies only where the last entry \
             leads to it\n  help     under `descriptors:` of user (rules.yaml:3:5) write `- {{key: n, value: '''1''', {rest}"
        ),
    );
    check(
        "Mesh",
        "k=v",
        &format!(
            "k=v\n{none}  why      there are no rules of the domain `Mesh`, so everything passes\n  help     did you mean the domain `mesh`?\n"
        ),
    );
}

#[test]
fn keys_are_told_as_redis_has_them() {
    let places = Places::Redis("rk:".into(), Some("s:".into()));
    let modes = Modes { limit_share: LimitShare::new(0.5).unwrap(), shadow_mode: true, ..Modes::default() };
    let page =
        explain("mesh", &["user=ada", &format!("user={}", "x".repeat(65))], &Context { modes, places });
    let counters: Vec<_> = page.descriptors.iter().map(|one| one.counter.as_ref().unwrap()).collect();
    assert_eq!(counters[0].redis_key.as_deref(), Some("s:1|f1|mesh|user=ada"));
    assert_eq!((counters[0].limit, counters[0].whole_limit), (5, Some(10)));
    assert!(counters[1].redis_key.as_ref().unwrap().starts_with("rk:1|f60|mesh|user=#"));
    assert!(counters[1].hashed.as_ref().unwrap().ends_with("the entry `user`"), "{counters:?}");
    assert!(page.text().contains("note     shadow_mode is on"), "{}", page.text());
    assert!(page.text().contains("5 per second: this deployment's part of 10"), "{}", page.text());
}

#[test]
fn questions_are_read_strictly() {
    let read = |query: &str| Question::read(query).map(|question| (question.counts, question.text));
    assert_eq!(read("domain=d&descriptor=a%3Db%2Cc%3Dd&counts=true&format=text"), Ok((true, Some(true))));
    assert_eq!(read("domain=d&descriptor=a=b&descriptor=c=d"), Ok((false, None)));
    assert_eq!(read("descriptor=a=b"), Err(AskFault::NoDomain));
    assert_eq!(read("domain=d"), Err(AskFault::NoDescriptor));
    assert_eq!(read("domain=d&descriptors=a=b"), Err(AskFault::Unknown("descriptors".into())));
    assert_eq!(read("domain=d&descriptor=a=b&counts=yes"), Err(AskFault::Value("counts", "true or false")));
    assert!(matches!(read("domain=d&descriptor=a"), Err(AskFault::Entries(_))));
    let many = "&descriptor=a=b".repeat(33);
    assert_eq!(read(&format!("domain=d{many}")), Err(AskFault::TooManyDescriptors(33)));
    let deep = vec!["a=b"; 65].join(",");
    assert_eq!(read(&format!("domain=d&descriptor={deep}")), Err(AskFault::TooManyEntries(65)));
}
