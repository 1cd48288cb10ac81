//! Counters of the local store with their rules, at a time that stands still.

use std::time::Duration;

use super::*;
use crate::decision::algorithm::Algorithm;
use crate::decision::cost::Cost;
use crate::decision::hit::{Batch, DeniedRequests, Hit, Leniency, OnStoreFailure, Role};
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::request::{Entry, Hits};
use crate::decision::rules::RuleSet;
use crate::decision::rules::spec::{DescriptorSpec, DomainSpec, LimitSpec, Location, QuotaSpec};
use crate::decision::ticks::Tick;
use crate::decision::time::Timestamp;
use crate::service::clock::ManualClock;
use crate::storage::local::{LocalSettings, LocalStore};

/// Twenty seconds before the end of a minute.
const NOW: Timestamp = Timestamp::from_secs(1_700_000_020);

struct Scene {
    store: Arc<LocalStore>,
    clock: Arc<ManualClock>,
    counters: Counters,
}

fn rule(key: &str, value: Option<&str>, quota: QuotaSpec) -> DescriptorSpec {
    let location = Location { file: "rules.yaml".into(), line: 7, column: 3 };
    DescriptorSpec {
        value: value.map(Into::into),
        limit: Some(LimitSpec { quota, name: None, replaces: Vec::new(), cost: Cost::PLAIN }),
        ..DescriptorSpec::new(key, location)
    }
}

fn per_minute(requests_per_unit: u32) -> QuotaSpec {
    QuotaSpec::Counted(Limit::new(requests_per_unit, Period::MINUTE))
}

fn costly(mut rule: DescriptorSpec, multiplier: u32) -> DescriptorSpec {
    if let Some(limit) = &mut rule.limit {
        limit.cost.multiplier = multiplier.try_into().unwrap();
    }
    rule
}

/// A bucket of 9 hits that 6 a minute drain from.
fn bucket() -> Limit {
    Limit::new(6, Period::MINUTE).held_by(Algorithm::TokenBucket).with_burst(9)
}

/// A bucket whose counters are in seconds.
fn large() -> Limit {
    Limit::new(5_000_000, Period::YEAR).held_by(Algorithm::TokenBucket)
}

fn log() -> Limit {
    Limit::new(5, Period::MINUTE).held_by(Algorithm::SlidingLog)
}

fn scene() -> Scene {
    scene_with(LimitShare::WHOLE)
}

fn scene_with(share: LimitShare) -> Scene {
    let rules = [
        rule("user", None, per_minute(3)),
        rule("path", Some("/api/*"), per_minute(5)),
        rule("path", None, per_minute(9)),
        DescriptorSpec { share_threshold: true, ..rule("host", Some("*.example.com"), per_minute(4)) },
        rule("free", None, QuotaSpec::Unlimited),
        rule("bucket", Some("a*"), QuotaSpec::Counted(bucket())),
        rule("log", None, QuotaSpec::Counted(log())),
        rule("large", None, QuotaSpec::Counted(large())),
        DescriptorSpec {
            further_limits: rule("", None, QuotaSpec::Counted(bucket())).limit.into_iter().collect(),
            ..rule("both", None, per_minute(3))
        },
        costly(rule("costly", None, per_minute(9)), 4),
        costly(rule("hopeless", None, per_minute(3)), 4),
    ];
    let domain = DomainSpec { name: "demo".into(), descriptors: rules.into() };
    let rulebook = Arc::new(Rulebook::new());
    rulebook.publish(RuleSet::compile(&[domain]).unwrap(), "f", NOW);
    let store = Arc::new(LocalStore::new(LocalSettings { max_entries: 10_000 }));
    let clock = Arc::new(ManualClock::at(NOW));
    let inspected = Inspected::Local(Arc::clone(&store));
    let counters = Counters::new(rulebook, inspected, Arc::new(Arc::clone(&clock)), share);
    Scene { store, clock, counters }
}

impl Scene {
    fn count(&self, domain: &str, period: Period, entry: (&str, &str), hits: u32) {
        self.count_held(domain, Limit::new(1, period), entry, hits);
    }

    fn count_held(&self, domain: &str, limit: Limit, entry: (&str, &str), hits: u32) {
        let entries = [Entry { key: entry.0.as_bytes(), value: entry.1.as_bytes() }];
        let hit = Hit {
            key: CounterKey::of_limit(limit, domain, entries.into_iter()),
            limit,
            hits: Hits::Take(hits),
            role: Role::default(),
            on_store_failure: OnStoreFailure::Local,
        };
        let batch =
            Batch { hits: &[hit], leniency: Leniency::default(), denied_requests: DeniedRequests::Count };
        let _ = self.store.count_now(batch, self.clock.now());
    }

    /// The pages of a listing, put together.
    async fn list(&self, filter: &Filter, most: usize) -> Vec<FoundCounter> {
        let (mut all, mut from) = (Vec::new(), None);
        loop {
            let page = self.counters.list(filter, PageStart { from, most }).await.unwrap();
            assert!(page.counters.len() < most + LONGEST_STRIDE && page.besides.unread.is_empty());
            all.extend(page.counters);
            match page.next {
                Some(next) => from = Some(next.to_string().parse().unwrap()),
                None => break,
            }
        }
        all.sort_by(|one, other| one.entries.cmp(&other.entries));
        all
    }

    async fn entries(&self, filter: &Filter) -> Vec<String> {
        self.list(filter, 100).await.into_iter().map(|counter| counter.entries).collect()
    }

    async fn get(&self, entries: &str, period: Option<Period>) -> Result<FoundCounter, CounterFault> {
        let which =
            Which::OfEntries { domain: "demo".into(), entries: entries.into(), period, algorithm: None };
        self.counters.get(&which).await
    }
}

fn by_prefix(prefix: &str) -> Filter {
    Filter { prefix: prefix.into(), ..Filter::default() }
}

fn by_rule(path: &str) -> Filter {
    Filter { rule: Some(path.into()), ..Filter::default() }
}

#[tokio::test]
async fn a_counter_has_its_rule_its_limit_and_its_reset() {
    let scene = scene();
    scene.count("demo", Period::MINUTE, ("user", "ada"), 2);
    let [ada] = scene.list(&Filter::default(), 10).await.try_into().unwrap();
    assert_eq!(
        (&*ada.domain, &*ada.entries, ada.count, ada.reset_seconds),
        ("demo", "user=ada", 2, Some(20))
    );
    assert_eq!(ada.limit(), Some(Limit::new(3, Period::MINUTE)));
    let rule = ada.rule().unwrap();
    assert_eq!((&*rule.path, rule.location.to_string()), ("user", "rules.yaml:7:3".into()));
    assert_eq!(scene.get("user=ada", None).await.unwrap(), ada);
    assert_eq!(scene.counters.get(&Which::OfKey("1|f60|demo|user=ada".into())).await.unwrap(), ada);
}

#[tokio::test]
async fn only_windows_that_run_are_listed() {
    let scene = scene();
    scene.count("demo", Period::MINUTE, ("user", "ada"), 2);
    scene.count("", Period::MINUTE, ("probe", "1"), 2);
    scene.clock.advance(Duration::from_secs(20));
    assert_eq!(scene.list(&Filter::default(), 10).await, []);
    let ada = scene.get("user=ada", None).await.unwrap();
    assert_eq!((ada.count, ada.reset_seconds), (0, Some(60)));
}

#[tokio::test]
async fn filters_are_by_domain_rule_and_prefix() {
    let scene = scene();
    for user in ["ada", "alan", "bob"] {
        scene.count("demo", Period::MINUTE, ("user", user), 1);
    }
    scene.count("demo", Period::HOUR, ("user", "ada"), 1);
    scene.count("demo", Period::MINUTE, ("path", "/api/x"), 1);
    scene.count("other", Period::MINUTE, ("user", "al"), 1);
    assert_eq!(scene.entries(&by_rule("user")).await, ["user=ada", "user=alan", "user=bob"]);
    assert_eq!(scene.entries(&by_rule("path=/api/*")).await, ["path=/api/x"]);
    assert_eq!(scene.entries(&by_prefix("user=al")).await, ["user=al", "user=alan"]);
    let both = Filter { rule: Some("user".into()), ..by_prefix("user=al") };
    assert_eq!(scene.entries(&both).await, ["user=alan"]);
    let domain = Filter { domain: Some("other".into()), ..Filter::default() };
    assert_eq!(scene.entries(&domain).await, ["user=al"]);
    let none = scene.counters.list(&by_rule("usr"), PageStart { from: None, most: 9 }).await;
    assert!(matches!(none, Err(CounterFault::NoSuchRule(path, None)) if path == "usr"));
}

#[tokio::test]
async fn what_a_hash_leaves_open_is_open() {
    let scene = scene();
    let long = format!("/api/{}", "x".repeat(80));
    scene.count("demo", Period::MINUTE, ("path", &long), 1);
    let [counter] = scene.list(&Filter::default(), 10).await.try_into().unwrap();
    let paths: Vec<&str> = counter.rules.iter().map(|rule| &*rule.path).collect();
    assert_eq!((paths, counter.limit()), (vec!["path=/api/*", "path"], None));
    assert_eq!(scene.entries(&by_rule("path=/api/*")).await, Vec::<String>::new());
    let asked = scene.get(&format!("path={long}"), None).await.unwrap();
    assert_eq!((asked.count, asked.limit().unwrap().requests_per_unit), (1, 5));
    assert!(matches!(scene.get(&counter.entries, None).await, Err(CounterFault::Entries(_))));
}

#[tokio::test]
async fn a_question_leads_to_the_counter_of_a_decision() {
    let scene = scene();
    scene.count("demo", Period::MINUTE, ("host", "*.example.com"), 2);
    let host = scene.get("host=www.example.com", None).await.unwrap();
    assert_eq!((&*host.entries, host.count, host.rules.len()), ("host=*.example.com", 2, 1));
    let unknown = scene.get("nobody=x", None).await;
    assert!(matches!(unknown, Err(CounterFault::NoRule { entries, .. }) if entries == "nobody=x"));
    assert!(matches!(scene.get("free=x", None).await, Err(CounterFault::NoLimit(_))));
    scene.count("demo", Period::DAY, ("nobody", "x"), 2);
    let own_limit = scene.get("nobody=x", Some(Period::DAY)).await.unwrap();
    assert_eq!((own_limit.count, own_limit.limit()), (2, None));
    let which =
        Which::OfEntries { domain: "dem".into(), entries: "user=a".into(), period: None, algorithm: None };
    assert_eq!(scene.counters.get(&which).await, Err(CounterFault::NoSuchDomain("dem".into())));
    let which = Which::OfKey("1|f60|demo|user".into());
    assert_eq!(scene.counters.get(&which).await, Err(CounterFault::NoKey));
}

#[tokio::test]
async fn many_are_listed_in_pages_and_reset() {
    let scene = scene();
    for number in 0..3_000 {
        scene.count("demo", Period::MINUTE, ("user", &format!("u{number}")), 1);
    }
    scene.count("demo", Period::MINUTE, ("path", "/"), 7);
    assert_eq!(scene.list(&Filter::default(), 170).await.len(), 3_001);
    let reset = scene.counters.reset_all(&by_rule("user"), None).await.unwrap();
    assert_eq!((reset.counters, reset.next, reset.believed_elsewhere_for), (3_000, None, Duration::ZERO));
    assert_eq!(scene.entries(&Filter::default()).await, ["path=/"]);
    let which =
        Which::OfEntries { domain: "demo".into(), entries: "path=/".into(), period: None, algorithm: None };
    assert_eq!(scene.counters.reset(&which).await.unwrap().counters, 1);
    assert_eq!(scene.counters.reset(&which).await.unwrap().counters, 0);
    assert_eq!(scene.store.entries(), 0);
}

#[tokio::test]
async fn a_limit_is_the_part_that_is_given_out() {
    let scene = scene_with(LimitShare::new(0.4).unwrap());
    scene.count("demo", Period::MINUTE, ("path", "/api/x"), 1);
    let [counter] = scene.list(&Filter::default(), 10).await.try_into().unwrap();
    assert_eq!(counter.limit().unwrap().requests_per_unit, 2);
    assert_eq!(scene.get("path=/api/x", None).await.unwrap(), counter);
}

#[tokio::test]
async fn a_meter_is_told_as_it_is_now_and_not_listed_when_it_is_empty() {
    let scene = scene();
    scene.count_held("demo", bucket(), ("bucket", "ada"), 5);
    scene.count_held("demo", log(), ("log", "x"), 2);
    let told = async || {
        let counters = scene.list(&Filter::default(), 10).await;
        let told = |one: &FoundCounter| (one.algorithm, one.count, one.reset_seconds);
        counters.iter().map(told).collect::<Vec<_>>()
    };
    let (bucket, log) = (Algorithm::TokenBucket, Algorithm::SlidingLog);
    assert_eq!(told().await, [(bucket, 5, Some(50)), (log, 2, Some(60))]);
    scene.clock.advance(Duration::from_secs(21));
    assert_eq!(told().await, [(bucket, 3, Some(29)), (log, 2, Some(39))]);
    scene.clock.advance(Duration::from_secs(29));
    assert_eq!(told().await, [(log, 2, Some(10))]);
    scene.clock.advance(Duration::from_secs(10));
    assert_eq!(told().await, []);
    let empty = scene.get("log=x", None).await.unwrap();
    assert_eq!((empty.count, empty.reset_seconds, empty.limit()), (0, Some(0), Some(self::log())));
}

#[tokio::test]
async fn without_its_rule_a_bucket_is_told_as_it_was_left() {
    let scene = scene();
    scene.count_held("demo", bucket(), ("gone", "ada"), 5);
    scene.count_held("demo", log(), ("gone", "ada"), 2);
    scene.clock.advance(Duration::from_secs(21));
    let by = |algorithm| Filter { algorithm: Some(algorithm), ..Filter::default() };
    let [gone] = scene.list(&by(Algorithm::TokenBucket), 10).await.try_into().unwrap();
    assert_eq!((gone.count, gone.reset_seconds, gone.limit()), (5, None, None));
    // A log forgets at the same time, whatever its limit is.
    let [gone] = scene.list(&by(Algorithm::SlidingLog), 10).await.try_into().unwrap();
    assert_eq!((gone.count, gone.reset_seconds, gone.limit()), (2, Some(39), None));
    assert_eq!(scene.list(&by(Algorithm::FixedWindow), 10).await, []);
}

/// A large one is counted in seconds, and its key says so.
#[tokio::test]
async fn a_bucket_that_is_counted_in_seconds_is_told_without_its_rule() {
    let scene = scene();
    scene.count_held("demo", large(), ("gone", "ada"), 1_234_567);
    assert_eq!(large().tick(), Tick::Second);
    let [gone] = scene.list(&Filter::default(), 10).await.try_into().unwrap();
    assert_eq!((gone.algorithm, gone.count, gone.reset_seconds), (Algorithm::TokenBucket, 1_234_567, None));
}

/// A counter in milliseconds is not that of a rule whose limit has become so large that it is counted in seconds.
#[tokio::test]
async fn a_counter_of_another_tick_has_no_rule() {
    let scene = scene();
    let small = Limit { period: Period::YEAR, ..bucket() };
    scene.count_held("demo", small, ("large", "ada"), 3);
    scene.count_held("demo", large(), ("large", "bob"), 3);
    let rules = scene.list(&by_prefix("large="), 10).await;
    let rules: Vec<_> = rules.iter().map(|one| (one.count, one.limit())).collect();
    assert_eq!(rules, [(3, None), (3, Some(large()))]);
    assert_eq!(scene.get("large=bob", None).await.unwrap().limit(), Some(large()));
    let share = scene_with(LimitShare::new(0.000_001).unwrap());
    let part = LimitShare::new(0.000_001).unwrap().of(large());
    share.count_held("demo", part, ("large", "ada"), 2);
    let ada = share.get("large=ada", None).await.unwrap();
    assert_eq!(
        (ada.count, ada.limit(), ada.limit().map(Limit::tick)),
        (2, Some(part), Some(Tick::Millisecond))
    );
}

/// What drains from a bucket is the part of its limit that is given out here.
#[tokio::test]
async fn a_bucket_drains_by_the_part_that_is_given_out() {
    let scene = scene_with(LimitShare::new(0.5).unwrap());
    scene.count_held("demo", Limit { requests_per_unit: 3, ..bucket() }, ("bucket", "ada"), 4);
    scene.clock.advance(Duration::from_secs(20));
    let [ada] = scene.list(&Filter::default(), 10).await.try_into().unwrap();
    assert_eq!((ada.count, ada.reset_seconds), (3, Some(60)));
    assert_eq!(ada.limit().map(|limit| (limit.requests_per_unit, limit.burst)), Some((3, 4)));
    assert_eq!(scene.get("bucket=ada", None).await.unwrap(), ada);
}

#[tokio::test]
async fn two_limits_of_one_unit_are_told_apart_by_their_algorithms() {
    let scene = scene();
    let hold = async |algorithm| {
        let (domain, entries) = ("demo".into(), "both=x".into());
        let period = Some(Period::MINUTE);
        scene.counters.get(&Which::OfEntries { domain, entries, period, algorithm }).await
    };
    let fault = hold(None).await.unwrap_err().to_string();
    let told = "name the unit of one and the algorithm: minute (fixed_window), minute (token_bucket)";
    assert!(fault.ends_with(told), "{fault}");
    assert_eq!(hold(Some(Algorithm::TokenBucket)).await.unwrap().limit(), Some(bucket()));
    assert_eq!(hold(Some(Algorithm::FixedWindow)).await.unwrap().limit().unwrap().requests_per_unit, 3);
    scene.count_held("demo", bucket(), ("both", "x"), 1);
    scene.count("demo", Period::MINUTE, ("both", "x"), 2);
    let counters = scene.list(&by_rule("both"), 10).await;
    let mut limits: Vec<_> =
        counters.iter().map(|one| (one.count, one.limit().unwrap().capacity())).collect();
    limits.sort_unstable();
    assert_eq!(limits, [(1, 9), (2, 3)]);
}

#[tokio::test]
async fn one_limit_of_a_rule_is_named_by_its_algorithm_alone() {
    let scene = scene();
    let get = async |entries: &str, algorithm| {
        let (domain, entries) = ("demo".into(), entries.into());
        let which = Which::OfEntries { domain, entries, period: None, algorithm: Some(algorithm) };
        scene.counters.get(&which).await
    };
    assert_eq!(get("both=x", Algorithm::TokenBucket).await.unwrap().limit(), Some(bucket()));
    assert_eq!(get("user=x", Algorithm::FixedWindow).await.unwrap().limit().unwrap().requests_per_unit, 3);
    assert_eq!(
        get("both=x", Algorithm::SlidingLog).await.unwrap_err().to_string(),
        "the rule both (rules.yaml:7:3) has no limit that is held by sliding_log; it has: minute (fixed_window), minute (token_bucket)"
    );
}

#[tokio::test]
async fn where_nothing_passes_it_is_told_when_the_next_hit_does() {
    let scene = scene();
    let check = async |limit: Limit, entry: (&str, &str), hits, expected| {
        scene.count_held("demo", Limit { overdraft: limit.algorithm.is_meter(), ..limit }, entry, hits);
        let found = scene.get(&format!("{}={}", entry.0, entry.1), None).await.unwrap();
        assert_eq!((found.count, found.next_seconds, found.reset_seconds), expected, "{entry:?}");
    };
    check(bucket(), ("bucket", "ada"), 8, (8, None, Some(80))).await;
    check(bucket(), ("bucket", "ada"), 7, (15, Some(70), Some(150))).await;
    check(log(), ("log", "x"), 4, (4, None, Some(60))).await;
    check(log(), ("log", "x"), 1, (5, Some(60), Some(60))).await;
    let window = Limit::new(3, Period::MINUTE);
    check(window, ("user", "ada"), 2, (2, None, Some(20))).await;
    check(window, ("user", "ada"), 1, (3, Some(20), Some(20))).await;
    // What remains is not enough for a hit that costs four.
    check(window, ("costly", "x"), 5, (5, None, Some(20))).await;
    check(window, ("costly", "x"), 1, (6, Some(20), Some(20))).await;
    check(window, ("hopeless", "x"), 3, (3, None, Some(20))).await;
}

/// A limit that a request brings along is held as its rule's is.
#[tokio::test]
async fn a_limit_of_another_unit_is_looked_for_under_the_rules_algorithm() {
    let scene = scene();
    scene.count_held("demo", bucket().held_as(bucket()), ("bucket", "ada"), 1);
    let hourly = Limit::new(7, Period::HOUR).held_by(Algorithm::TokenBucket);
    scene.count_held("demo", hourly, ("bucket", "ada"), 2);
    let found = scene.get("bucket=ada", Some(Period::HOUR)).await.unwrap();
    assert_eq!((found.algorithm, found.count, found.reset_seconds), (Algorithm::TokenBucket, 2, None));
}
