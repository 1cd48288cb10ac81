//! What operators see of the store while it goes and comes: `/shards`, the metrics, and the detail of health.

use serde_json::{Value, json};

use super::fleet::{WIDE_BUDGET, settings};
use crate::harness::metrics::Metrics;
use crate::harness::{Ratekeeper, Redis, RedisCluster, ask, http, wait};

const RULES: &str = "
domain: mesh
descriptors:
  - {key: k, rate_limit: {unit: year, requests_per_unit: 1000}}
  - {key: allow, on_store_failure: allow, rate_limit: {unit: year, requests_per_unit: 1000}}";

async fn start(topology: &str, urls: &[String]) -> Ratekeeper {
    Ratekeeper::setup().rules(RULES).settings(&settings(topology, urls, WIDE_BUDGET)).start().await
}

/// The page, which has one object for each shard.
async fn shards(server: &Ratekeeper) -> Vec<Value> {
    let answer = http::get(server.listen.admin, "/shards").await.unwrap();
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    answer.json().as_array().unwrap().clone()
}

/// Waits until the only shard is as it should be, while somebody asks for it all the time; gives its object.
async fn shard_when(server: &Ratekeeper, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    wait::for_some(what, || async {
        server.ask(&ask("k=v").also("allow=v")).await.unwrap();
        let [shard] = shards(server).await.try_into().unwrap();
        is(&shard).then_some(shard)
    })
    .await
}

fn is_away(shard: &Value) -> bool {
    ["open", "half_open"].contains(&shard["breaker"]["state"].as_str().unwrap())
}

fn count(number: &Value) -> f64 {
    number.as_f64().unwrap_or_else(|| panic!("no number: {number}"))
}

/// That a reason is one that a killed server has; a machine that is busy lets a probe time out, too.
#[track_caller]
fn check_reason(reason: &Value) {
    assert!(["disconnected", "timeout"].contains(&reason.as_str().unwrap()), "{reason}");
}

async fn readiness(server: &Ratekeeper) -> (u16, String) {
    let answer = http::get(server.listen.http, "/readyz").await.unwrap();
    (answer.status, answer.text())
}

#[tokio::test]
async fn an_outage_is_seen_from_its_beginning_to_its_end() {
    let mut redis = Redis::start().await;
    let name = redis.address.to_string();
    let server = start("single", &[redis.url()]).await;

    let well = shard_when(&server, "the shard to be known", |shard| {
        !is_away(shard)
            && shard["eviction_policy"] == "noeviction"
            && count(&shard["requests"]["answered"]) > 2.0
    })
    .await;
    assert_eq!((&well["shard"], &well["replicas"]), (&json!(name), &json!(3)));
    assert!(count(&well["script_calls"]) > 2.0, "{well}");
    assert!(count(&well["clock_offset_ms"]).abs() < 500.0, "it is this machine's clock: {well}");
    let metrics = Metrics::read(server.listen.metrics).await;
    assert_eq!(metrics.sum("ratekeeper_breaker_open", &[]), 0.0);
    assert!(metrics.has("ratekeeper_breaker_failures_total"), "series are there before they count");

    redis.kill();
    let away = shard_when(&server, "the shard to be away", |shard| {
        is_away(shard) && count(&shard["fallback_decisions"]["local"]) >= 2.0
    })
    .await;
    let breaker = &away["breaker"];
    check_reason(&breaker["last_failure"]);
    let failures = breaker["failures"].as_object().unwrap();
    assert!(failures.values().map(count).sum::<f64>() >= 5.0, "{away}");
    assert!(count(&failures["disconnected"]) >= 1.0, "{away}");
    assert!(count(&breaker["transitions"]["open"]) >= 1.0, "{away}");
    assert!(count(&away["fallback_decisions"]["allow"]) >= 2.0, "{away}");
    assert_eq!(away["fallback_decisions"]["deny"], 0);
    assert!(count(&away["settlement"]["unsettled_counters"]) >= 1.0, "{away}");
    let metrics = Metrics::read(server.listen.metrics).await;
    assert_eq!(metrics.sum("ratekeeper_breaker_open", &[&format!("shard=\"{name}\"")]), 1.0);
    for (reason, count_before) in failures {
        let reason = format!("reason=\"{reason}\"");
        assert!(
            metrics.sum("ratekeeper_breaker_failures_total", &[&reason]) >= count(count_before),
            "{reason}"
        );
    }
    assert!(metrics.sum("ratekeeper_breaker_transitions_total", &["to=\"open\""]) >= 1.0);
    let (status, text) = readiness(&server).await;
    assert_eq!(status, 200, "all replicas would leave at once");
    assert!(text.contains("degraded") && text.contains(&format!("{name} (")), "{text}");
    assert!(text.ends_with("; the log says why, in words\n"), "{text}");

    redis.start_again().await;
    let back = shard_when(&server, "the shard to be back", |shard| {
        // What is asked while the breaker closes may be left for the keeper's next look.
        !is_away(shard) && shard["settlement"]["unsettled_counters"] == 0
    })
    .await;
    let breaker = &back["breaker"];
    check_reason(&breaker["last_failure"]);
    assert_eq!(breaker["transitions"]["closed"], 1);
    assert!(count(&back["settlement"]["settled_counters"]) >= 1.0, "{back}");
    assert!(count(&breaker["for_seconds"]) < 30.0, "since it came back: {back}");
    let metrics = Metrics::read(server.listen.metrics).await;
    assert_eq!(metrics.sum("ratekeeper_breaker_open", &[]), 0.0);
    assert_eq!(metrics.sum("ratekeeper_breaker_transitions_total", &["to=\"closed\""]), 1.0);
    assert_eq!(readiness(&server).await, (200, "ok\n".to_owned()));
}

#[tokio::test]
async fn a_lost_shard_of_a_ring_is_the_only_one_that_is_away() {
    let (redis, mut other) = (Redis::start().await, Redis::start().await);
    let server = start("ring", &[redis.url(), other.url()]).await;
    other.kill();
    let [here, gone] = wait::for_some("the breaker to open", || async {
        let all = (0..20).fold(ask("k=0"), |all, value| all.also(&format!("k={value}")));
        server.ask(&all).await.unwrap();
        let page: [Value; 2] = shards(&server).await.try_into().unwrap();
        page.iter().any(is_away).then_some(page)
    })
    .await;
    assert_eq!(
        (&here["shard"], &gone["shard"]),
        (&json!(redis.address.to_string()), &json!(other.address.to_string()))
    );
    assert!(is_away(&gone) && !is_away(&here));
    assert_eq!(here["breaker"]["transitions"]["open"], 0);
    let (_, text) = readiness(&server).await;
    assert!(
        text.contains(&other.address.to_string()) && !text.contains(&redis.address.to_string()),
        "{text}"
    );
}

#[tokio::test]
async fn every_node_of_a_cluster_is_shown_with_its_slots() {
    let mut cluster = RedisCluster::start(3, 0).await;
    let server = start("cluster", &cluster.urls()[..1]).await;
    let slots = async || -> Vec<u64> {
        shards(&server).await.iter().map(|shard| shard["slots"].as_u64().unwrap()).collect()
    };
    wait::until("the map to be known", || async {
        slots().await.iter().filter(|&&slots| slots > 5_000).count() == 3
    })
    .await;
    assert_eq!(slots().await.iter().sum::<u64>(), 16_384);
    let gone = cluster.nodes[1].address.to_string();
    cluster.nodes[1].kill();
    wait::until("its breaker to open", || async {
        let all = (0..20).fold(ask("k=0"), |all, value| all.also(&format!("k={value}")));
        server.ask(&all).await.unwrap();
        // The others say so soon, too: a Cluster that lacks a part serves nothing by default.
        shards(&server).await.iter().any(|shard| is_away(shard) && shard["shard"] == gone)
    })
    .await;
    assert!(readiness(&server).await.1.contains(&format!("{gone} (")));
}

#[tokio::test]
async fn credentials_are_told_to_be_refused_and_not_shown() {
    let redis = Redis::start().await;
    let url = format!("redis://somebody:s3cret@{}", redis.address);
    let server = start("single", &[url]).await;
    let refused = shard_when(&server, "the shard to be away", is_away).await;
    assert_eq!(refused["breaker"]["last_failure"], "unauthorized");
    let metrics = http::get(server.listen.metrics, "/metrics").await.unwrap().text();
    assert!(metrics.contains("reason=\"unauthorized\""));
    for shown in [refused.to_string(), readiness(&server).await.1, metrics, server.log()] {
        assert!(!shown.contains("s3cret") && !shown.contains("somebody"), "{shown}");
    }
}
