//! Exactly the limit passes, however many callers and replicas there are.

use std::time::Duration;

use tokio::time::sleep;

use super::fleet::{Fleet, LIMIT, WIDE_BUDGET, settings};
use super::load::burst;
use crate::harness::{Redis, ask};

/// Bursts of which one is to be decided by the store alone.
const ATTEMPTS: usize = 10;

/// That of three times as many requests as a fresh key of `k` allows, exactly so many pass.
pub(super) async fn check_exact(fleet: &Fleet, key: &str) {
    let tally = burst(fleet, 3 * LIMIT, |_| ask(key)).await;
    assert_eq!((tally.passed, tally.denied), (LIMIT, 2 * LIMIT), "{key}");
    tally.print(key);
}

/// The same for a fleet whose budget is narrow: a burst of which the store made every decision is exact, and soon there is one.
pub(super) async fn check_exact_again(fleet: &Fleet) {
    for attempt in 0..ATTEMPTS {
        let decided = fleet.fallback_decisions().await;
        let tally = burst(fleet, 3 * LIMIT, |_| ask(&format!("k=fresh-{attempt}"))).await;
        if fleet.fallback_decisions().await == decided {
            assert_eq!((tally.passed, tally.denied), (LIMIT, 2 * LIMIT));
            return tally.print("fresh");
        }
        eprintln!("a busy machine: the store did not answer in time");
    }
    panic!("the store never made every decision");
}

/// The same over many keys whose values begin with `round`, and that the store made every decision.
pub(super) async fn check_fleet(fleet: &Fleet, round: &str) {
    let before = fleet.fallback_decisions().await;
    check_exact(fleet, &format!("k={round}-one")).await;
    let tally = burst(fleet, 12 * LIMIT, |index| ask(&format!("k={round}-many-{}", index % 8))).await;
    assert_eq!(tally.passed, 8 * LIMIT, "eight keys, each asked for one and a half times its limit");
    // Both descriptors are of one call; the second is used up when the first is half used.
    let pair = format!("k={round}-pair-b");
    let tally = burst(fleet, LIMIT, |index| {
        let hits = ask(&format!("k={round}-pair-a")).also(&pair);
        if index % 2 == 0 { hits } else { hits.also(&pair).also(&pair) }
    })
    .await;
    // Those with one hit first would be two thirds of the limit; those with three first, a third.
    assert!((LIMIT / 3..=2 * LIMIT / 3 + 1).contains(&tally.passed), "{} passed", tally.passed);
    assert!(!fleet.passes(&ask(&pair)).await, "it is used up");
    assert_eq!(fleet.fallback_decisions().await, before, "every decision was the store's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_over_tcp() {
    let redis = Redis::start().await;
    let fleet = Fleet::start(&settings("single", &[redis.url()], WIDE_BUDGET)).await;
    check_fleet(&fleet, "v").await;
    assert_eq!(redis.keys_without_expiry().await, Vec::<String>::new());
    fleet.stop().await;
    super::connections::check_none(&redis).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_over_a_unix_socket() {
    let redis = Redis::start().await;
    let fleet = Fleet::start(&settings("single", &[redis.unix_url()], WIDE_BUDGET)).await;
    check_fleet(&fleet, "v").await;
    assert_eq!(redis.keys_without_expiry().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_asks_for_user_and_password() {
    let redis = Redis::start().await;
    redis.cli(&["ACL", "SETUSER", "me", "on", ">p@ss:w/rd", "~*", "&*", "+@all"]).await;
    redis.cli(&["ACL", "SETUSER", "default", "resetkeys"]).await;
    let url = format!("redis://me:p%40ss:w%2Frd@{}/3", redis.address);
    let fleet = Fleet::start(&settings("single", &[url], WIDE_BUDGET)).await;
    check_exact(&fleet, "k=v").await;
    assert_eq!(fleet.fallback_decisions().await, 0);
    let spaces = redis.cli(&["INFO", "keyspace"]).await;
    assert!(spaces.text().contains("db3:") && !spaces.text().contains("db0:"), "{spaces}");
    let shown = fleet.replicas[0].log();
    assert!(!shown.contains("p@ss") && !shown.contains("p%40ss"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_script_cache_is_flushed() {
    let redis = Redis::start().await;
    let fleet = Fleet::start(&settings("single", &[redis.url()], WIDE_BUDGET)).await;
    let flush = async {
        loop {
            redis.cli(&["SCRIPT", "FLUSH", "SYNC"]).await;
            sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        () = check_fleet(&fleet, "v") => {}
        () = flush => {}
    }
    assert!(redis.command_count("script|flush").await > 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn denied_requests_that_do_not_count() {
    let redis = Redis::start().await;
    let settings = settings("single", &[redis.url()], WIDE_BUDGET) + "\ncounting: {denied_requests: ignore}";
    let fleet = Fleet::start(&settings).await;
    // Denied by the first, so that the second is left alone.
    let tally = burst(&fleet, 2 * LIMIT, |_| ask("k=small").also("wide=v")).await;
    assert_eq!((tally.passed, fleet.counted("v").await), (LIMIT, LIMIT));
    assert_eq!(redis.keys_without_expiry().await, Vec::<String>::new());
}
