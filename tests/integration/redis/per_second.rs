//! Limits per second in a store of their own.

use super::exactness::check_exact;
use super::fleet::{Fleet, NARROW_BUDGET, WIDE_BUDGET, settings};
use super::load::burst;
use crate::harness::metrics::Metrics;
use crate::harness::{Ratekeeper, Redis, Wire, ask};

const RULES: &str = "
domain: mesh
descriptors:
  - {key: wide, rate_limit: {unit: year, requests_per_unit: 1000000}}
  - {key: fast, rate_limit: {unit: second, requests_per_unit: 1000000}}
";

/// The settings of a fleet, with a second store.
fn with_second(main: &str, second: &str, budget: &str) -> String {
    settings("single", &[main.to_owned()], budget)
        + &format!("\nredis_per_second: {{urls: [\"{second}\"], timeout: {budget}}}")
}

/// Which rules' counters a server has.
async fn has(redis: &Redis) -> [bool; 2] {
    let keys = redis.keys().await;
    ["wide=", "fast="].map(|rule| keys.iter().any(|key| key.contains(rule)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_counter_lives_in_its_store() {
    let (main, second) = (Redis::start().await, Redis::start().await);
    let settings = with_second(&main.url(), &second.url(), WIDE_BUDGET);
    let replica = Ratekeeper::setup().rules(RULES).settings(&settings).start().await;
    let question = ask("wide=v").also("fast=v");
    let answer = replica.ask(&question).await.unwrap();
    let left = answer.statuses.iter().map(|status| status.limit_remaining);
    assert_eq!(left.collect::<Vec<_>>(), [999_999, 999_999]);
    assert_eq!(has(&main).await, [true, false]);
    assert_eq!(has(&second).await, [false, true]);
    for redis in [&main, &second] {
        assert_eq!(redis.keys_without_expiry().await, Vec::<String>::new());
    }
    let metrics = Metrics::read(replica.listen.metrics).await;
    let shard = format!("shard=\"{} (per-second)\"", second.address);
    assert!(metrics.sum("ratekeeper_store_orders_answered_total", &[&shard]) >= 1.0);
}

/// One server may serve both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_stores_in_one_server() {
    let redis = Redis::start().await;
    let settings = with_second(&redis.url(), &format!("{}/7", redis.url()), WIDE_BUDGET);
    let fleet = Fleet::start(&settings).await;
    check_exact(&fleet, "k=v").await;
    let replica = Ratekeeper::setup().rules(RULES).settings(&settings).start().await;
    replica.ask(&ask("fast=v")).await.unwrap();
    let spaces = redis.cli(&["INFO", "keyspace"]).await;
    assert!(spaces.text().contains("db0:") && spaces.text().contains("db7:"), "{spaces}");
    // Two series of one name and the same labels would make the whole page unreadable.
    Metrics::read(replica.listen.metrics).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loss_of_one_does_not_touch_the_other() {
    let (main, second) = (Redis::start().await, Redis::start().await);
    let wire = Wire::to(second.address);
    let fleet = Fleet::start(&with_second(&main.url(), &wire.url(), NARROW_BUDGET)).await;
    wire.refuse().await;
    let before = fleet.fallback_decisions().await;
    burst(&fleet, 300, |_| ask("wide=v")).await;
    assert_eq!(fleet.fallback_decisions().await, before, "the main store decides");
    fleet.replicas[0].logged("(per-second)").await;
    wire.pass();
}
