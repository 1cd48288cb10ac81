//! Whoever sends ever new values fills neither memory nor the pages.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use allocation_counter::measure;
use ratekeeper::config::rules::{RuleOptions, parse};
use ratekeeper::config::source::SourceFile;
use ratekeeper::decision::plan::Modes;
use ratekeeper::decision::request::{Descriptor, Entry, Hits, Request};
use ratekeeper::decision::rules::RuleSet;
use ratekeeper::decision::time::Timestamp;
use ratekeeper::service::statistics::Statistics;
use ratekeeper::service::{Limiter, ManualClock, Rulebook};
use ratekeeper::storage::local::{LocalSettings, LocalStore};
use smallvec::smallvec;

use super::{RULES, stats};
use crate::harness::metrics::Metrics;
use crate::harness::{Ratekeeper, ask, http, nothing};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// A million in an optimised build; as many as take a few seconds in others.
const VALUES: u32 = 1_000_000;

/// One limiter that keeps statistics with a thousand names by value.
fn limiter() -> (Arc<Rulebook>, Limiter<LocalStore, ManualClock>) {
    let rulebook = Arc::new(Rulebook::with_statistics(Arc::new(Statistics::new(1_000))));
    let file = SourceFile::new("rules.yaml", RULES);
    let domains = parse(&[file], RuleOptions::default()).unwrap_or_else(|faults| panic!("{faults}"));
    rulebook.publish(RuleSet::compile(&domains).unwrap(), "f", NOW);
    let store = LocalStore::new(LocalSettings { max_entries: 1_000 });
    (Arc::clone(&rulebook), Limiter::new(rulebook, store, ManualClock::at(NOW), Modes::default()))
}

fn decide(limiter: &Limiter<LocalStore, ManualClock>, value: u32) {
    let mut digits = *b"0000000000";
    for (place, digit) in digits.iter_mut().rev().enumerate() {
        *digit += u8::try_from(value / 10_u32.pow(u32::try_from(place).unwrap()) % 10).unwrap();
    }
    let entries = smallvec![Entry { key: b"detailed", value: &digits }];
    let descriptor = Descriptor { entries, limit_override: None, hits: Hits::Take(1) };
    let request = Request { domain: "mesh", descriptors: smallvec![descriptor] };
    let decided = pin!(limiter.decide(&request, None, |_| ()));
    assert!(decided.poll(&mut Context::from_waker(Waker::noop())).is_ready());
}

#[test]
fn a_million_values_take_no_more_memory_than_a_thousand_and_make_no_more_series() {
    let (rulebook, limiter) = limiter();
    let first = measure(|| (0..1_000).for_each(|value| decide(&limiter, value)));
    assert!(
        first.bytes_current < 1 << 20,
        "a thousand names and counters take {} bytes",
        first.bytes_current
    );
    let later = measure(|| (1_000..VALUES).for_each(|value| decide(&limiter, value)));
    // What the store and its table do with so many counters is the store's own bound.
    assert!(later.bytes_current < 1 << 16, "{} bytes more", later.bytes_current);
    let current = rulebook.current();
    let mut series = 0;
    let mut hits = 0;
    current.as_deref().unwrap().statistics.as_ref().unwrap().each(|_, values| {
        series += 1;
        hits += values[0];
    });
    assert_eq!((series, hits), (1_001, u64::from(VALUES)));
    assert_eq!(rulebook.statistics().unwrap().folded(), u64::from(VALUES) - 1_000);
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
