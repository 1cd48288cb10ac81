//! A Redis Cluster: exact on all its nodes, while slots move and when a master is lost.

use std::time::Duration;

use tokio::time::sleep;

use super::exactness::{check_exact, check_fleet};
use super::fleet::{Fleet, NARROW_BUDGET, WIDE_BUDGET, settings};
use super::load::Load;
use super::scene::Scene;
use crate::harness::{RedisCluster, ask};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_exact() {
    let cluster = RedisCluster::start(3, 0).await;
    // One node is enough to find the others.
    let fleet = Fleet::start(&settings("cluster", &cluster.urls()[..1], WIDE_BUDGET)).await;
    check_fleet(&fleet, "v").await;
    assert_eq!(cluster.keys_without_expiry().await, Vec::<String>::new());
    assert!(cluster.keys().await.len() >= 11);
    fleet.stop().await;
    for node in &cluster.nodes {
        super::connections::check_none(node).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_slots_move() {
    let cluster = RedisCluster::start(3, 0).await;
    let fleet = Fleet::start(&settings("cluster", &cluster.urls(), WIDE_BUDGET)).await;
    let reshard = async {
        loop {
            cluster.reshard(500, 0, 1).await;
            cluster.reshard(500, 1, 2).await;
            cluster.reshard(500, 2, 0).await;
        }
    };
    let checks = async {
        for round in ["a", "b", "c"] {
            check_fleet(&fleet, round).await;
        }
    };
    tokio::select! {
        () = checks => {}
        () = reshard => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_that_was_asked_for() {
    let cluster = RedisCluster::start(3, 1).await;
    let fleet = Fleet::start(&settings("cluster", &cluster.urls(), WIDE_BUDGET)).await;
    let load = Load::start(&fleet, &ask("wide=v").also("wide=w").also("wide=x"));
    for master in 0..3 {
        sleep(Duration::from_millis(500)).await;
        cluster.failover(master).await;
    }
    let tally = load.stop().await;
    let answered = tally.answered();
    tally.print("failover");
    fleet.exact_again().await;
    for value in ["v", "w", "x"] {
        Scene::check_settled(fleet.counted(value).await, answered);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_lost() {
    let mut cluster = RedisCluster::start(3, 1).await;
    let fleet = Fleet::start(&settings("cluster", &cluster.urls(), NARROW_BUDGET)).await;
    let load = Load::start(&fleet, &ask("wide=v").also("wide=w").also("wide=x"));
    sleep(Duration::from_millis(500)).await;
    cluster.kill_master(0);
    cluster.promoted(0).await;
    let took = fleet.exact_again().await;
    let tally = load.stop().await;
    tally.print("a master lost");
    assert!(took <= Duration::from_secs(5), "{took:?}");
    check_exact(&fleet, "k=fresh").await;
}
