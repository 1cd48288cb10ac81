//! Whoever sends ever new values fills neither memory nor the pages.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use allocation_counter::measure;
use ratekeeper::config::rules::{RuleOptions, parse};
use ratekeeper::config::source::SourceFile;
use ratekeeper::decision::hit::{DeniedRequests, OnStoreFailure};
use ratekeeper::decision::limit_share::LimitShare;
use ratekeeper::decision::plan::{Modes, Plan};
use ratekeeper::decision::reading::Reading;
use ratekeeper::decision::request::{Descriptor, Entry, Hits, Request};
use ratekeeper::decision::rules::RuleSet;
use ratekeeper::decision::time::Timestamp;
use ratekeeper::decision::verdict::Verdict;
use ratekeeper::service::statistics::Statistics;
use ratekeeper::service::{Asker, Limiter, ManualClock, Rulebook};
use ratekeeper::storage::local::{LocalSettings, LocalStore};
use smallvec::smallvec;

use super::{RULES, stats};
use crate::harness::metrics::Metrics;
use crate::harness::{Ratekeeper, ask, http, nothing};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// As many as come by a limiter in a second of a build that is not optimised.
const DECIDED: u32 = 50_000;

/// As many as statistics are told of beside that.
const TOLD: u32 = 1_000_000;

const MODES: Modes = Modes {
    shadow_mode: false,
    quota_mode: false,
    denied_requests: DeniedRequests::Count,
    on_store_failure: OnStoreFailure::Local,
    limit_share: LimitShare::WHOLE,
    near_limit_ratio: 0.8,
};

/// The places of the digits of a number in base 16.
const HEX: [u32; 8] = [28, 24, 20, 16, 12, 8, 4, 0];

/// A place for rules that keeps statistics with a thousand names by value.
fn rulebook() -> Arc<Rulebook> {
    let rulebook = Arc::new(Rulebook::with_statistics(Arc::new(Statistics::new(1_000))));
    let file = SourceFile::new("rules.yaml", RULES);
    let domains = parse(&[file], RuleOptions::default()).unwrap_or_else(|faults| panic!("{faults}"));
    rulebook.publish(RuleSet::compile(&domains).unwrap(), "f", NOW);
    rulebook
}

/// Asks with a value that no other number has.
fn with_request<R>(number: u32, ask: impl FnOnce(&Request<'_>) -> R) -> R {
    let value = HEX.map(|place| b'a' + u8::try_from(number >> place & 15).unwrap());
    let entries = smallvec![Entry { key: b"detailed", value: &value }];
    ask(&Request {
        domain: "mesh",
        descriptors: smallvec![Descriptor { entries, limit_override: None, hits: Hits::Take(1) }],
    })
}

fn decide(limiter: &Limiter<LocalStore, ManualClock>, number: u32) {
    with_request(number, |request| {
        let decided = pin!(limiter.decide(request, Asker::default(), |_| ()));
        assert!(decided.poll(&mut Context::from_waker(Waker::noop())).is_ready());
    });
}

#[test]
fn a_million_values_take_no_more_memory_than_a_thousand_and_make_no_more_series() {
    let rulebook = rulebook();
    let store = LocalStore::new(LocalSettings { max_entries: 1_000 });
    let limiter = Limiter::new(Arc::clone(&rulebook), store, ManualClock::at(NOW), MODES);
    let first = measure(|| (0..1_000).for_each(|number| decide(&limiter, number)));
    assert!(
        first.bytes_current < 1 << 20,
        "a thousand names and counters take {} bytes",
        first.bytes_current
    );
    let current = rulebook.current();
    let snapshot = current.as_deref().unwrap();
    let statistics = snapshot.statistics.as_ref().unwrap();
    let plan = with_request(0, |request| Plan::new(request, &snapshot.rules, MODES));
    let verdict = Verdict::new(&plan, &[Reading::of_window(1, false).into()], NOW);
    let tell =
        |number| with_request(number, |request| statistics.count(request, &verdict, MODES.near_limit_ratio));
    let later = measure(|| {
        (1_000..DECIDED).for_each(|number| decide(&limiter, number));
        (DECIDED..DECIDED + TOLD).for_each(tell);
    });
    assert!(later.bytes_current < 1 << 16, "{} bytes more", later.bytes_current);
    let (mut series, mut hits) = (0, 0);
    statistics.each(|_, values| {
        series += 1;
        hits += values[0];
    });
    assert_eq!((series, hits), (1_001, u64::from(DECIDED + TOLD)));
    assert_eq!(rulebook.statistics().unwrap().folded(), u64::from(DECIDED + TOLD) - 1_000);
}

#[test]
fn a_name_that_has_its_place_or_finds_none_allocates_nothing() {
    let store = LocalStore::new(LocalSettings { max_entries: 10_000 });
    let limiter = Limiter::new(rulebook(), store, ManualClock::at(NOW), MODES);
    (0..1_100).for_each(|number| decide(&limiter, number));
    for number in [5, 1_050] {
        assert_eq!(measure(|| decide(&limiter, number)).count_total, 0, "{number}");
    }
}

#[tokio::test]
async fn many_values_over_the_wire_make_as_many_series_as_the_setting_says() {
    let settings = "metrics: {upstream_names: true, max_label_values: 100}";
    let server = Ratekeeper::setup().rules(RULES).settings(settings).start().await;
    let mut client = server.client();
    for request in 0..10 {
        let values = (0..1_000).map(|value| format!("detailed=v{request}x{value}"));
        let asked = values.fold(nothing(), |asked, value| asked.also(&value));
        client.should_rate_limit(asked.request()).await.unwrap();
    }
    let total = "ratelimit_service_rate_limit_total_hits";
    let page = http::get(server.listen.metrics, "/metrics").await.unwrap().text();
    assert_eq!(page.lines().filter(|line| line.starts_with(&format!("{total}{{"))).count(), 101);
    let metrics = Metrics::read(server.listen.metrics).await;
    assert_eq!(metrics.sum(total, &[]), 10_000.0);
    assert_eq!(metrics.sum(total, &["key1=\"detailed_other\""]), 9_900.0);
    assert_eq!(
        metrics.sum("ratekeeper_label_values_folded_total", &["metric=\"ratelimit_service_rate_limit\""]),
        9_900.0
    );
    let of_stats = stats(&server, "ratelimit.service.rate_limit.").await;
    assert_eq!(of_stats.len(), 2 * 101);
    // Metrics of our own do not know values.
    server.ask(&ask("detailed=later")).await.unwrap();
    assert!(!page.lines().any(|line| line.starts_with("ratekeeper_") && line.contains("v0x1")));
}
