//! A master and its replicas behind Sentinels: followed within a second of their switch.

use std::time::Duration;

use tokio::time::sleep;

use super::exactness::{check_exact, check_exact_again, check_fleet};
use super::fleet::{self, Fleet, NARROW_BUDGET, WIDE_BUDGET};
use super::load::Load;
use super::scene::survive_promotion;
use crate::harness::redis::MASTER;
use crate::harness::{Redis, RedisSentinel, ask};

fn settings(urls: &[String], budget: &str) -> String {
    let settings = fleet::settings("sentinel", urls, budget);
    settings.replace("topology: sentinel", &format!("topology: sentinel, sentinel_master: {MASTER}"))
}

async fn survive(what: &str, lose: impl FnOnce(&mut RedisSentinel), find: impl FnOnce(&mut RedisSentinel)) {
    let mut servers = RedisSentinel::start(1).await;
    let fleet = Fleet::start(&settings(&servers.urls(), NARROW_BUDGET)).await;
    survive_promotion(
        what,
        &fleet,
        &mut servers,
        async |servers| {
            lose(servers);
            servers.promoted(0).await;
        },
        |servers, ()| find(servers),
    )
    .await;
    assert_eq!(servers.nodes[1].keys_without_expiry().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_killed() {
    survive("Sentinel, SIGKILL", |servers| servers.nodes[0].kill(), |_| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_stops_and_comes_back() {
    survive("Sentinel, SIGSTOP", |servers| servers.nodes[0].pause(), |servers| servers.nodes[0].resume())
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_that_was_asked_for() {
    let servers = RedisSentinel::start(2).await;
    let fleet = Fleet::start(&settings(&servers.urls(), NARROW_BUDGET)).await;
    check_fleet(&fleet, "before").await;
    let load = Load::start(&fleet, &ask("wide=v"));
    sleep(Duration::from_millis(500)).await;
    servers.failover().await;
    servers.promoted(0).await;
    let took = fleet.exact_again().await;
    eprintln!("Sentinel, failover: exact again {took:.1?} after the switch");
    // The old master goes on counting until a Sentinel makes it a replica; within a second nobody asks it any more. What it
    // counted after the promotion goes with it.
    sleep(Duration::from_secs(1)).await;
    let tally = load.stop().await;
    let (answered, counted) = (tally.answered(), fleet.counted("v").await);
    tally.print("Sentinel, failover");
    eprintln!("{answered} answered, {counted} counted by the new master");
    assert!(counted > 0 && counted <= answered, "{counted} of {answered}");
    check_exact_again(&fleet).await;
}

/// One Sentinel that hangs, and one that is not there, are asked in vain and the others tell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sentinel_that_is_lost() {
    let servers = RedisSentinel::start(1).await;
    servers.pause_sentinel(0);
    let fleet = Fleet::start(&settings(&servers.urls(), WIDE_BUDGET)).await;
    check_exact(&fleet, "k=v").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_that_do_not_know_the_master() {
    let servers = RedisSentinel::start(0).await;
    let settings = settings(&servers.urls(), WIDE_BUDGET).replace(MASTER, "nobody");
    let fleet = Fleet::start_alone(&settings).await;
    fleet.replicas[0].logged("no Sentinel tells which server is the master").await;
    assert!(fleet.passes(&ask("wide=v")).await, "the fallback decides");
    let log = fleet.replicas[0].log();
    assert!(!log.contains("sentinels-only"), "{log}");
}

/// A server that is no Sentinel, as when somebody names the Redis itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_no_sentinel() {
    let redis = Redis::start().await;
    let fleet = Fleet::start_alone(&settings(&[redis.url()], WIDE_BUDGET)).await;
    fleet.replicas[0].logged("no Sentinel tells which server is the master").await;
}
