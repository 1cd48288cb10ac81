//! What stands between ratekeeper and Redis: Envoy's `redis_proxy` in front of one server and of several, and proxies that
//! close connections on which nothing happens.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::exactness::{check_exact, check_fleet};
use super::fleet::{Fleet, LIMIT, NARROW_BUDGET, WIDE_BUDGET, settings};
use super::load::{Load, burst};
use super::scene::Scene;
use crate::harness::metrics::Metrics;
use crate::harness::{Envoy, Redis, Wire, ask, http, wait};

/// An Envoy that spreads keys over these servers.
async fn redis_proxy(servers: &[&Redis]) -> Envoy {
    let socket = |address: std::net::SocketAddr| json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}});
    let endpoints: Vec<Value> =
        servers.iter().map(|server| json!({"endpoint": {"address": socket(server.address)}})).collect();
    let any = socket("127.0.0.1:0".parse().unwrap());
    let filter = json!({"name": "envoy.filters.network.redis_proxy", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProxy",
        "stat_prefix": "redis", "settings": {"op_timeout": "1s"},
        "prefix_routes": {"catch_all_route": {"cluster": "redis"}}}});
    let configuration = json!({
        "admin": {"address": any},
        "static_resources": {
            "listeners": [{"name": "entrance", "address": any, "filter_chains": [{"filters": [filter]}]}],
            "clusters": [{
                "name": "redis", "type": "STATIC", "connect_timeout": "1s", "lb_policy": "MAGLEV",
                "load_assignment": {"cluster_name": "redis", "endpoints": [{"lb_endpoints": endpoints}]}}]},
    });
    Envoy::start(&configuration.to_string()).await
}

async fn fleet_behind(envoy: &Envoy, topology: &str, timeout: &str) -> Fleet {
    let url = format!("redis://{}", envoy.entrance);
    Fleet::start(&settings(topology, &[url], timeout).replace("replicas: 3", "replicas: auto")).await
}

/// The counters that a server has.
async fn counters(redis: &Redis) -> BTreeSet<String> {
    redis.keys().await.into_iter().filter(|key| key.contains("mesh")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoy_in_front_of_one_server() {
    let redis = Redis::start().await;
    let envoy = redis_proxy(&[&redis]).await;
    let fleet = fleet_behind(&envoy, "single", WIDE_BUDGET).await;
    check_fleet(&fleet, "v").await;
    assert_eq!(redis.keys_without_expiry().await, Vec::<String>::new());
    wait::until("the replicas to see each other", || async {
        let metrics = Metrics::read(fleet.replicas[0].listen.metrics).await;
        metrics.sum("ratekeeper_replicas", &[]) == 3.0
    })
    .await;
}

/// A window is as long as it says: Envoy tells the time in its own way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn windows_behind_envoy_are_those_of_the_day() {
    let redis = Redis::start().await;
    let envoy = redis_proxy(&[&redis]).await;
    let fleet = fleet_behind(&envoy, "single", WIDE_BUDGET).await;
    let metrics = Metrics::read(fleet.replicas[0].listen.metrics).await;
    let offset = metrics.sum("ratekeeper_shard_clock_offset_seconds", &[]);
    assert!(offset.abs() < 0.5, "it is this machine's clock: {offset}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoy_in_front_of_several_servers() {
    let servers = [Redis::start().await, Redis::start().await, Redis::start().await];
    let envoy = redis_proxy(&servers.each_ref()).await;
    let fleet = fleet_behind(&envoy, "proxy", WIDE_BUDGET).await;
    check_fleet(&fleet, "v").await;
    let mut seen = BTreeSet::new();
    for server in &servers {
        let held = counters(server).await;
        assert!(!held.is_empty(), "each server has its part");
        assert!(held.is_disjoint(&seen), "each counter is at one place");
        seen.extend(held);
        assert_eq!(server.keys_without_expiry().await, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn denied_requests_that_do_not_count_behind_envoy() {
    let servers = [Redis::start().await, Redis::start().await];
    let envoy = redis_proxy(&servers.each_ref()).await;
    let url = format!("redis://{}", envoy.entrance);
    let settings = settings("proxy", &[url], WIDE_BUDGET) + "\ncounting: {denied_requests: ignore}";
    let fleet = Fleet::start(&settings).await;
    let tally = burst(&fleet, 2 * LIMIT, |_| ask("k=small").also("wide=v")).await;
    assert!(tally.passed <= LIMIT, "{}", tally.passed);
    assert_eq!(fleet.counted("v").await, tally.passed, "what was denied was given back");
}

/// One of the servers behind Envoy goes: its counters are decided by the replicas, and settled when it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoy_loses_its_server() {
    let mut redis = Redis::start().await;
    let envoy = redis_proxy(&[&redis]).await;
    let fleet = fleet_behind(&envoy, "proxy", NARROW_BUDGET).await;
    let load = Load::start(&fleet, &ask("wide=v"));
    sleep(Duration::from_millis(700)).await;
    redis.kill();
    sleep(Duration::from_secs(2)).await;
    assert!(fleet.fallback_decisions().await > 100);
    let page = http::get(fleet.replicas[0].listen.admin, "/shards").await.unwrap().json();
    let reason = page[0]["breaker"]["last_failure"].as_str().unwrap().to_owned();
    assert!(["unexpected_reply", "timeout"].contains(&reason.as_str()), "{reason}");
    redis.start_again().await;
    let took = fleet.exact_again().await;
    let tally = load.stop().await;
    let answered = tally.answered();
    tally.print("the server behind Envoy killed");
    eprintln!("exact again after {took:.1?}");
    fleet.exact_again().await;
    Scene::check_settled(fleet.counted("v").await, answered);
}

/// Nothing is ever idle for longer than a second, and what is closed all the same is opened again before anybody asks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxy_that_closes_what_is_idle() {
    let redis = Redis::start().await;
    let wire = Wire::to(redis.address);
    let fleet = Fleet::start(&settings("single", &[wire.url()], WIDE_BUDGET)).await;
    let before = fleet.fallback_decisions().await;
    for round in 0..6 {
        // As proxies do it: by a reset, or in good order.
        if round % 2 == 0 {
            wire.cut();
        } else {
            wire.half_close();
        }
        sleep(Duration::from_millis(300)).await;
        check_exact(&fleet, &format!("k=idle-{round}")).await;
    }
    assert_eq!(fleet.fallback_decisions().await, before, "every decision was the store's");
    let warned = fleet.replicas[0].log().lines().filter(|line| line.contains("WARN")).count();
    assert_eq!(warned, 0, "{}", fleet.replicas[0].log());
}
