//! Rules with several limits, whose counters live in one place or on several shards: the smallest is exact, and all count alike.

use ratekeeper_proto::RateLimitUnit;

use super::exactness::check_exact;
use super::fleet::{Fleet, LIMIT, WIDE, WIDE_BUDGET, settings};
use super::load::burst;
use crate::harness::{Redis, RedisCluster, ask};

/// Where denied requests leave no counter changed.
const IGNORE: &str = "\ncounting: {denied_requests: ignore}";

/// Counters with these entries that are asked for: so many that they are on all shards.
const VALUES: usize = 4;

/// What the yearly counter has, which is never full: a limit of a caller's own shares it.
async fn counted_in_a_year(fleet: &Fleet, entries: &str) -> usize {
    let wide = u32::try_from(WIDE).unwrap();
    let look = ask(entries).limit(wide, RateLimitUnit::Year).own_hits(0);
    WIDE - fleet.replicas[0].ask(&look).await.unwrap().statuses[0].limit_remaining as usize
}

async fn check_counted(fleet: &Fleet) {
    for key in ["several", "quota"] {
        let decided = fleet.fallback_decisions().await;
        for value in 0..VALUES {
            let entries = format!("{key}={value}");
            check_exact(fleet, &entries).await;
            assert_eq!(counted_in_a_year(fleet, &entries).await, 3 * LIMIT, "denied requests count in each");
        }
        assert_eq!(fleet.fallback_decisions().await, decided, "every decision was the store's");
    }
}

/// Callers one after the other, as what several shards have counted is given back only afterwards.
async fn check_ignored(fleet: &Fleet) {
    for key in ["several", "quota"] {
        for value in 0..VALUES {
            let entries = format!("{key}={value}");
            assert!(fleet.passes(&ask(&entries).hits(u32::try_from(LIMIT).unwrap() - 1)).await);
            assert!(!fleet.passes(&ask(&entries).hits(2)).await, "{entries}");
            assert!(fleet.passes(&ask(&entries)).await, "{entries}: what was denied took nothing");
            assert!(!fleet.passes(&ask(&entries)).await, "{entries}");
            assert_eq!(counted_in_a_year(fleet, &entries).await, LIMIT, "{entries}");
        }
    }
    assert!(fleet.passes(&ask("quota=0").also("quota=fresh")).await, "one of two quotas has room");
    assert!(!fleet.passes(&ask("quota=0").also("quota=1")).await, "neither has");
    assert_eq!(counted_in_a_year(fleet, "quota=0").await, LIMIT + 1, "by the request that passed");
    assert_eq!(counted_in_a_year(fleet, "quota=1").await, LIMIT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_one_server() {
    let redis = Redis::start().await;
    let fleet = Fleet::start(&settings("single", &[redis.url()], WIDE_BUDGET)).await;
    check_counted(&fleet).await;
    assert_eq!(redis.keys_without_expiry().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_one_server_where_denied_requests_do_not_count() {
    let redis = Redis::start().await;
    let fleet = Fleet::start(&(settings("single", &[redis.url()], WIDE_BUDGET) + IGNORE)).await;
    let tally = burst(&fleet, 2 * LIMIT, |_| ask("several=burst")).await;
    assert_eq!((tally.passed, counted_in_a_year(&fleet, "several=burst").await), (LIMIT, LIMIT));
    check_ignored(&fleet).await;
    assert_eq!(redis.keys_without_expiry().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_shards_of_a_cluster() {
    let cluster = RedisCluster::start(3, 0).await;
    let fleet = Fleet::start(&settings("cluster", &cluster.urls(), WIDE_BUDGET)).await;
    check_counted(&fleet).await;
    assert_eq!(cluster.keys_without_expiry().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_shards_of_a_cluster_where_denied_requests_do_not_count() {
    let cluster = RedisCluster::start(3, 0).await;
    let fleet = Fleet::start(&(settings("cluster", &cluster.urls(), WIDE_BUDGET) + IGNORE)).await;
    check_ignored(&fleet).await;
    let tally = burst(&fleet, 2 * LIMIT, |_| ask("several=burst")).await;
    let counted = counted_in_a_year(&fleet, "several=burst").await;
    assert!(tally.passed <= LIMIT && counted == tally.passed, "{} passed, {counted} counted", tally.passed);
    assert_eq!(cluster.keys_without_expiry().await, Vec::<String>::new());
}
