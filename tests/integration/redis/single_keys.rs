//! What is wrong with one key is that key's trouble alone.

use super::fleet::{Fleet, WIDE_BUDGET, passes, settings};
use crate::harness::resp::Reply;
use crate::harness::{Redis, ask};

async fn start() -> (Redis, Fleet) {
    let redis = Redis::start().await;
    let fleet = Fleet::start(&settings("single", &[redis.url()], WIDE_BUDGET)).await;
    (redis, fleet)
}

/// The name of the counter whose identity has this text.
async fn counter(redis: &Redis, part: &str) -> String {
    let keys = redis.keys().await;
    let mut found = keys.iter().filter(|key| key.contains(part));
    let name = found.next().unwrap_or_else(|| panic!("no key with {part} among {keys:?}")).clone();
    assert_eq!(found.next(), None, "one counter, one key");
    name
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_value_under_a_key() {
    let (redis, fleet) = start().await;
    let foreign: [&[&str]; 2] = [&["LPUSH"], &["SET"]];
    for (index, write) in foreign.iter().enumerate() {
        let name = format!("k=foreign{index}");
        assert!(fleet.passes(&ask(&name)).await);
        let key = counter(&redis, &format!("foreign{index}")).await;
        redis.cli(&["DEL", &key]).await;
        redis.cli(&[write, &[key.as_str(), "no counter"] as &[&str]].concat()).await;
        redis.cli(&["EXPIRE", &key, "100"]).await;
        let before = fleet.fallback_decisions().await;
        for replica in &fleet.replicas {
            for _ in 0..10 {
                assert!(passes(replica, &ask(&name)).await);
            }
        }
        assert_eq!(fleet.fallback_decisions().await, before + 30, "the replicas decide for that key");
        for replica in &fleet.replicas {
            assert!(passes(replica, &ask("k=other").also(&name)).await);
        }
        assert_eq!(fleet.fallback_decisions().await, before + 33, "and for that key alone");
        assert_eq!(redis.cli(&["EXISTS", &key]).await, Reply::Integer(1), "nobody's value is deleted");
        redis.cli(&["DEL", &key]).await;
        fleet.exact_again().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_has_an_expiry_whatever_was_asked() {
    let (redis, fleet) = start().await;
    for question in [
        ask("k=hit"),
        ask("k=look").own_hits(0),
        ask("k=refund").refund(3),
        ask("k=over").hits(1000),
        ask("k=a").also("k=b").also("wide=c").also("k=a"),
        ask("k=a").refund(1).also("k=d").own_hits(0),
    ] {
        for replica in &fleet.replicas {
            replica.ask(&question).await.unwrap();
        }
    }
    let keys = redis.keys().await;
    assert!(keys.len() >= 6, "{keys:?}");
    assert_eq!(redis.keys_without_expiry().await, Vec::<String>::new());
    assert!(!keys.iter().any(|key| key.contains("refund")), "a refund creates no counter: {keys:?}");
}

/// An expiry outlasts the window, as clocks differ, but not by a second window.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expiry_is_the_window_with_slack() {
    let (redis, fleet) = start().await;
    let minute = ask("k=v").limit(5, ratekeeper_proto::RateLimitUnit::Minute);
    let answer = fleet.replicas[0].ask(&minute).await.unwrap();
    let reset = answer.statuses[0].duration_until_reset.unwrap().seconds * 1000;
    let expiry = redis.cli(&["PTTL", &counter(&redis, "=v").await]).await.integer();
    assert!((reset - 1000..reset + 60_000).contains(&expiry), "{expiry} ms, {reset} ms to the window's end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_that_lost_its_expiry_gets_another() {
    let (redis, fleet) = start().await;
    assert!(fleet.passes(&ask("k=v")).await);
    let key = counter(&redis, "=v").await;
    assert_eq!(redis.cli(&["PERSIST", &key]).await, Reply::Integer(1));
    // It is looked for once in so many hits.
    assert!(fleet.passes(&ask("k=v").hits(100)).await);
    assert_eq!(redis.keys_without_expiry().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_begin_with_the_prefix() {
    let redis = Redis::start().await;
    let settings = settings("single", &[redis.url()], WIDE_BUDGET);
    let fleet = Fleet::start(&settings.replace("redis: {", "redis: {key_prefix: \"mine/\", ")).await;
    assert!(fleet.passes(&ask("k={v}")).await);
    let keys = redis.keys().await;
    assert!(!keys.is_empty() && keys.iter().all(|key| key.starts_with("mine/")), "{keys:?}");
}

/// Counts that are evicted are quota given away.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_evicts_is_warned_of_once() {
    let redis = Redis::start_with(&["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]).await;
    let fleet = Fleet::start(&settings("single", &[redis.url()], WIDE_BUDGET)).await;
    let replica = &fleet.replicas[0];
    replica.logged("maxmemory-policy").await;
    redis.kill_connections().await;
    fleet.exact_again().await;
    let warnings = replica.log().lines().filter(|line| line.contains("maxmemory-policy")).count();
    assert_eq!(warnings, 1, "once, not for each connection");
}
