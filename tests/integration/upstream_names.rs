//! Upstream's metric names: a dashboard made for envoyproxy/ratelimit goes on working.
//!
//! What is expected was recorded from envoyproxy/ratelimit (January 2026) with the same rule file and the same requests, but
//! for its counters of its local cache, which was on, and of requests for unknown domains.

mod bounded;
mod statsd;

use std::collections::BTreeMap;

use ratekeeper_proto::RateLimitUnit;

use crate::harness::metrics::Metrics;
use crate::harness::{Ask, Ratekeeper, ask, entries, http, tell, wait};

const RULES: &str = include_str!("upstream_names/rules.yaml");
const RECORDED: &str = include_str!("upstream_names/recorded.txt");

const ON: &str = "metrics: {upstream_names: true}";

fn times(times: usize, ask: &Ask) -> Vec<Ask> {
    vec![ask.clone(); times]
}

/// The requests whose statistics were recorded.
fn requests() -> Vec<Ask> {
    let empty_leaf = |path: &[u8], leaf: &[u8]| entries(&[(b"tenant", b""), (b"path", path), (leaf, b"")]);
    [
        times(9, &ask("plain=a")),
        vec![ask("plain=b").own_hits(12)],
        [7, 5, 5, 0].map(|hits| ask("plain=c").own_hits(hits)).into(),
        times(5, &ask("three=a")),
        times(2, &ask("exact=v")),
        times(3, &ask("shadow=a").own_hits(3)),
        times(2, &ask("detailed=10.0.0.1")),
        times(2, &ask("detailed=a:b|c")),
        vec![ask("detailed")],
        times(2, &ask("wild=foobar")),
        times(2, &ask("wildvalue=foobar")),
        times(2, &ask("wildshare=foobar")),
        times(2, &ask("wilddetail=foobar")),
        times(2, &ask("tenant=t1 path=/api/x method=GET")),
        times(2, &ask("tenant=t1 path=/api/x user=u.1")),
        vec![empty_leaf(b"/api/x", b"user"), empty_leaf(b"/api/x", b"method")],
        times(2, &ask("tenant=t2 shared=s1 leaf=l")),
        vec![ask("tenant=t2 shared=s1 leaf")],
        times(2, &ask("tenant=t2 shared=s2 other=l")),
        times(2, &ask("free=x")),
        times(2, &ask("listed=x")),
        times(3, &ask("anything=x else").limit(5, RateLimitUnit::Year)),
        times(3, &ask("anything=x").domain("nodomain")),
    ]
    .concat()
}

async fn send(server: &Ratekeeper, requests: &[Ask]) {
    for request in requests {
        server.ask(request).await.unwrap();
    }
}

/// The lines of `/stats` that begin so.
async fn stats(server: &Ratekeeper, beginning: &str) -> Vec<String> {
    let page = http::get(server.listen.admin, "/stats").await.unwrap().text();
    page.lines().filter(|line| line.starts_with(beginning)).map(str::to_owned).collect()
}

/// The recorded lines as upstream's mapping shows them to Prometheus: added up below the second key.
fn recorded_for_prometheus() -> BTreeMap<String, u64> {
    let mut samples = BTreeMap::new();
    for line in RECORDED.lines() {
        let (name, value) = line.rsplit_once(": ").unwrap();
        let name = name.strip_prefix("ratelimit.service.rate_limit.").unwrap();
        let (name, kind) = name.rsplit_once('.').unwrap();
        let labels = ["domain", "key1", "key2"].into_iter().zip(name.split('.'));
        let labels: Vec<String> = labels.map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        let sample = format!("ratelimit_service_rate_limit_{kind}{{{}}}", labels.join(","));
        *samples.entry(sample).or_default() += value.parse::<u64>().unwrap();
    }
    samples
}

#[tokio::test]
async fn statistics_are_those_that_upstream_shows() {
    let server = Ratekeeper::setup().rules(RULES).settings(ON).start().await;
    send(&server, &requests()).await;
    let shown = stats(&server, "ratelimit.service.rate_limit.").await;
    assert_eq!(shown, RECORDED.lines().collect::<Vec<_>>());
    let page = http::get(server.listen.metrics, "/metrics").await.unwrap().text();
    let hits = page.lines().filter(|line| line.starts_with("ratelimit_service_rate_limit_"));
    let hits = hits.map(|line| line.rsplit_once(' ').unwrap());
    let hits: BTreeMap<String, u64> =
        hits.map(|(sample, value)| (sample.to_owned(), value.parse().unwrap())).collect();
    assert_eq!(hits, recorded_for_prometheus());
}

#[tokio::test]
async fn figures_of_the_service_have_upstreams_names() {
    let server = Ratekeeper::setup().rules(RULES).settings(ON).settings("shadow_mode: true").start().await;
    send(&server, &[ask("plain=a").hits(11)]).await;
    assert!(server.ask(&ask("plain=a").domain("")).await.is_err());
    server.write_rules("rules-0.yaml", "domain: [");
    wait::until("a failed reload", || async {
        let expected = "ratelimit.service.config_load_error: 1".to_owned();
        stats(&server, "ratelimit.").await.contains(&expected)
    })
    .await;
    let expected = [
        "ratelimit.service.call.should_rate_limit.redis_error: 0",
        "ratelimit.service.call.should_rate_limit.service_error: 1",
        "ratelimit.service.config_load_error: 1",
        "ratelimit.service.config_load_success: 1",
        "ratelimit.service.global_shadow_mode: 1",
    ];
    let shown = stats(&server, "ratelimit.service.c").await;
    assert_eq!(shown, expected[..4]);
    assert_eq!(stats(&server, "ratelimit.service.g").await, expected[4..]);
    assert_eq!(
        stats(&server, "ratelimit_server").await,
        ["ratelimit_server.ShouldRateLimit.total_requests: 2"]
    );
    let metrics = Metrics::read(server.listen.metrics).await;
    for (name, labels, value) in [
        ("ratelimit_service_config_load_success", [].as_slice(), 1.0),
        ("ratelimit_service_config_load_error", &[], 1.0),
        ("ratelimit_service_global_shadow_mode", &[], 1.0),
        ("ratelimit_service_should_rate_limit_error", &["err_type=\"service_error\""], 1.0),
        ("ratelimit_service_should_rate_limit_error", &["err_type=\"redis_error\""], 0.0),
        ("ratelimit_service_total_requests", &["grpc_method=\"ShouldRateLimit\""], 2.0),
        ("ratelimit_service_response_time_seconds_count", &["grpc_method=\"ShouldRateLimit\""], 1.0),
    ] {
        assert!(metrics.has(name), "{name}");
        assert!((metrics.sum(name, labels) - value).abs() < f64::EPSILON, "{name} {labels:?}");
    }
}

#[tokio::test]
async fn a_store_that_is_away_is_a_redis_error() {
    let away = "store: redis\nredis: {urls: ['redis://127.0.0.1:1']}";
    let server = Ratekeeper::setup().rules(RULES).settings(ON).settings(away).start().await;
    send(&server, &times(3, &ask("plain=a").also("exact=v"))).await;
    let errors = stats(&server, "ratelimit.service.call.should_rate_limit.redis_error").await;
    assert_eq!(errors, ["ratelimit.service.call.should_rate_limit.redis_error: 3"]);
}

#[tokio::test]
async fn a_reload_goes_on_counting() {
    let server = Ratekeeper::setup().rules(RULES).settings(ON).start().await;
    send(&server, &requests()).await;
    server.write_rules(
        "rules-1.yaml",
        "{domain: more, descriptors: [{key: a, rate_limit: {unit: year, requests_per_unit: 1}}]}",
    );
    let more = ask("a=b").domain("more").own_hits(0);
    wait::until("the new rules", || async { tell(&server.ask(&more).await) == "OK [ok 1/1 year]" }).await;
    assert_eq!(stats(&server, "ratelimit.service.rate_limit.").await, RECORDED.lines().collect::<Vec<_>>());
}

#[tokio::test]
async fn nothing_of_it_is_there_unless_it_is_wanted() {
    let server = Ratekeeper::with_rules(RULES).await;
    send(&server, &[ask("detailed=x")]).await;
    assert!(stats(&server, "ratelimit").await.is_empty());
}
