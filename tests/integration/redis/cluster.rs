//! A Redis Cluster: exact on all its nodes, while slots move and when a master is lost.

use std::time::Duration;

use tokio::time::sleep;

use super::exactness::{check_exact, check_fleet};
use super::fleet::{Fleet, LIMIT, NARROW_BUDGET, WIDE_BUDGET, settings};
use super::load::{Load, burst};
use super::scene::{Scene, survive_promotion};
use crate::harness::redis::slot_of;
use crate::harness::{Redis, RedisCluster, ask, ports};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_exact() {
    let cluster = RedisCluster::start(3, 0).await;
    // One node is enough to find the others.
    let fleet = Fleet::start(&settings("cluster", &cluster.urls()[..1], WIDE_BUDGET)).await;
    check_fleet(&fleet, "v").await;
    assert!(cluster.keys().await.len() >= 11);
    clean(&cluster, fleet).await;
}

/// That nothing stays behind: no key for ever, no connection.
async fn clean(cluster: &RedisCluster, fleet: Fleet) {
    assert_eq!(cluster.keys_without_expiry().await, Vec::<String>::new());
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
        let mut rounds = 0;
        // Until nodes have sent callers to each other often enough.
        while rounds < 3 || cluster.errors("MOVED").await < 20 {
            rounds += 1;
            check_fleet(&fleet, &rounds.to_string()).await;
        }
    };
    tokio::select! {
        () = checks => {}
        () = reshard => {}
    }
    let told = [cluster.errors("MOVED").await, cluster.errors("ASK").await];
    eprintln!("{told:?} times MOVED and ASK");
    clean(&cluster, fleet).await;
}

/// Of a slot that is being moved, keys that are there are counted where they are, and new ones where the slot is going.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_is_half_moved() {
    let cluster = RedisCluster::start(3, 0).await;
    let fleet = Fleet::start(&settings("cluster", &cluster.urls(), WIDE_BUDGET)).await;
    assert!(fleet.passes(&ask("k=old")).await);
    let keys = cluster.keys().await;
    let old = keys.iter().find(|key| key.ends_with("k=old")).unwrap();
    let named = |number: usize| format!("new-{number}");
    let is_beside = |name: &String| slot_of(&old.replace("old", name)) == slot_of(old);
    let new = (0..).map(named).find(is_beside).unwrap();
    let (from, to) = cluster.begin_to_move(slot_of(old)).await;
    let before = fleet.fallback_decisions().await;
    // Both keys are in flights together, which TRYAGAIN takes apart.
    let names = [ask("k=old"), ask(&format!("k={new}"))];
    let tally = burst(&fleet, 4 * LIMIT, |index| names[index % 2].clone()).await;
    assert_eq!(tally.passed, 2 * LIMIT - 1, "one has passed before");
    tally.print("a slot half moved");
    assert_eq!(fleet.fallback_decisions().await, before, "every decision was the store's");
    assert!(cluster.nodes[from].keys().await.contains(old));
    assert!(cluster.nodes[to].keys().await.contains(&old.replace("old", &new)));
    clean(&cluster, fleet).await;
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

/// Loses the master that has the counters under load, and finds it again.
async fn survive(
    what: &str,
    lose: impl FnOnce(&mut RedisCluster, usize),
    find: impl FnOnce(&mut RedisCluster, usize),
) {
    let mut cluster = RedisCluster::start(3, 1).await;
    let fleet = Fleet::start(&settings("cluster", &cluster.urls(), NARROW_BUDGET)).await;
    survive_promotion(
        what,
        &fleet,
        &mut cluster,
        async |cluster| {
            let master = cluster.master_of("narrow=v").await;
            lose(cluster, master);
            cluster.promoted(master).await;
            master
        },
        |cluster, master| find(cluster, master),
    )
    .await;
    assert_eq!(cluster.keys_without_expiry().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_killed() {
    survive("a master killed", |cluster, master| cluster.nodes[master].kill(), |_, _| {}).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_stops_and_comes_back() {
    survive(
        "a master stopped",
        |cluster, master| cluster.nodes[master].pause(),
        |cluster, master| cluster.nodes[master].resume(),
    )
    .await;
}

/// The replicas go on without the nodes that their settings name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_of_the_settings_that_are_not_there() {
    let cluster = RedisCluster::start(3, 0).await;
    let nobody = format!("redis://{}", ports::free());
    let fleet = Fleet::start(&settings("cluster", &[nobody, cluster.nodes[1].url()], WIDE_BUDGET)).await;
    let before = fleet.fallback_decisions().await;
    check_exact(&fleet, "k=v").await;
    assert_eq!(fleet.fallback_decisions().await, before, "every decision was the store's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_the_settings_do_not_know_of() {
    let cluster = RedisCluster::start(3, 0).await;
    let fleet = Fleet::start_alone(&settings("single", &cluster.urls()[..1], WIDE_BUDGET)).await;
    for number in 0..30 {
        assert!(fleet.passes(&ask(&format!("wide=v-{number}"))).await);
    }
    fleet.replicas[0].logged("redis.topology: cluster").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_no_cluster() {
    let redis = Redis::start().await;
    let fleet = Fleet::start_alone(&settings("cluster", &[redis.url()], WIDE_BUDGET)).await;
    fleet.replicas[0].logged("no node of the Redis Cluster tells of its slots").await;
    check_exact(&fleet, "k=v").await;
}
