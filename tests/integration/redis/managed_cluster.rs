//! Clusters as providers run them: behind one name, with nodes that announce names or other ports, and with commands that
//! are not for everybody.

use super::exactness::check_exact;
use super::fleet::{Fleet, WIDE_BUDGET, settings};
use crate::harness::resp::Reply;
use crate::harness::{Redis, RedisCluster, Wire, ask, http, wait};

/// Whether this Redis is older than 7: it has no `CLUSTER SHARDS`, announces no names, and learns no ports while it runs.
async fn is_old(cluster: &RedisCluster) -> bool {
    matches!(cluster.nodes[0].cli(&["CLUSTER", "SHARDS"]).await, Reply::Error(_))
}

async fn set(node: &Redis, setting: &str, value: &str) {
    assert_eq!(node.cli(&["CONFIG", "SET", setting, value]).await.to_string(), "OK", "{setting}");
}

/// Waits until every node tells clients of this host for all slots.
async fn announced(cluster: &RedisCluster, host: &str) {
    wait::until("all nodes to hear of it", || async {
        let mut told = Vec::new();
        for node in &cluster.nodes {
            told.push(node.cli(&["CLUSTER", "SLOTS"]).await);
        }
        told.iter().all(|slots| slots.list().iter().all(|range| range.list()[2].list()[0].text() == host))
    })
    .await;
}

/// Lets every node announce this host.
async fn announce_host(cluster: &RedisCluster, host: &str) {
    for node in &cluster.nodes {
        set(node, "cluster-announce-hostname", host).await;
        set(node, "cluster-preferred-endpoint-type", "hostname").await;
    }
    announced(cluster, host).await;
}

/// The shards of the first replica's page.
async fn shards(fleet: &Fleet) -> Vec<String> {
    let page = http::get(fleet.replicas[0].listen.admin, "/shards").await.unwrap().json();
    page.as_array().unwrap().iter().map(|shard| shard["shard"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_announce_names_behind_one_name() {
    let cluster = RedisCluster::start(3, 0).await;
    if is_old(&cluster).await {
        return;
    }
    announce_host(&cluster, "localhost").await;
    let one_name = format!("redis://localhost:{}", cluster.nodes[0].address.port());
    let fleet = Fleet::start(&settings("cluster", &[one_name], WIDE_BUDGET)).await;
    for number in 0..4 {
        check_exact(&fleet, &format!("k=v-{number}")).await;
    }
    wait::until("the nodes to be known by their names alone", || async {
        let shards = shards(&fleet).await;
        shards.len() == 3 && shards.iter().all(|shard| shard.starts_with("localhost:"))
    })
    .await;
}

/// As behind a translation of addresses: what nodes announce is not what they listen on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_announce_other_ports() {
    let cluster = RedisCluster::start(3, 0).await;
    if is_old(&cluster).await {
        return;
    }
    let mut wires = Vec::new();
    for node in &cluster.nodes {
        let wire = Wire::to(node.address);
        set(node, "cluster-announce-bus-port", &(node.address.port() + 10_000).to_string()).await;
        set(node, "cluster-announce-port", &wire.address.port().to_string()).await;
        wires.push(wire);
    }
    wait::until("all nodes to hear of it", || async {
        let slots = cluster.nodes[0].cli(&["CLUSTER", "SLOTS"]).await;
        let port = |range: &Reply| range.list()[2].list()[1].integer();
        let known = |range: &Reply| wires.iter().any(|wire| i64::from(wire.address.port()) == port(range));
        slots.list().iter().all(known)
    })
    .await;
    let fleet = Fleet::start(&settings("cluster", &[wires[0].url()], WIDE_BUDGET)).await;
    for number in 0..4 {
        check_exact(&fleet, &format!("k=v-{number}")).await;
    }
    assert!(wires.iter().all(|wire| wire.connections() >= 3), "every replica asks where it was sent");
}

/// Nothing can be counted at addresses that lead nowhere from here, and operators are told which.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_announce_what_cannot_be_reached() {
    let cluster = RedisCluster::start(3, 0).await;
    if is_old(&cluster).await {
        return;
    }
    announce_host(&cluster, "nowhere.invalid").await;
    let fleet = Fleet::start_alone(&settings("cluster", &cluster.urls(), WIDE_BUDGET)).await;
    let replica = &fleet.replicas[0];
    let all = (0..20).fold(ask("wide=v"), |all, number| all.also(&format!("wide=v-{number}")));
    wait::until("all to be decided by the replica", || async {
        replica.ask(&all).await.unwrap();
        let readiness = http::get(replica.listen.http, "/readyz").await.unwrap().text();
        readiness.matches("nowhere.invalid").count() == 3
    })
    .await;
    let log = replica.log();
    let told = log.lines().filter(|line| line.contains("WARN") && line.contains("nowhere.invalid"));
    let told: Vec<&str> = told.collect();
    assert_eq!(told.len(), 3, "each shard once: {told:#?}");
}

/// What the user may not ask is learned from redirects.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_may_not_ask_for_the_map() {
    let cluster = RedisCluster::start(3, 0).await;
    for node in &cluster.nodes {
        let user = ["ACL", "SETUSER", "me", "on", ">pw", "~*", "&*", "+@all", "-cluster"];
        assert_eq!(node.cli(&user).await.to_string(), "OK");
    }
    let urls: Vec<String> =
        cluster.nodes.iter().map(|node| format!("redis://me:pw@{}", node.address)).collect();
    let fleet = Fleet::start(&settings("cluster", &urls[..1], WIDE_BUDGET)).await;
    let before = fleet.fallback_decisions().await;
    for number in 0..4 {
        check_exact(&fleet, &format!("k=v-{number}")).await;
    }
    assert_eq!(fleet.fallback_decisions().await, before, "every decision was the store's");
    let log = fleet.replicas[0].log();
    let told = log.lines().filter(|line| line.contains("no node of the Redis Cluster tells of its slots"));
    assert_eq!(told.count(), 1, "{log}");
}

/// Where `CLUSTER SLOTS` is switched off, newer versions tell the same in another form.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_may_ask_for_shards_alone() {
    let cluster = RedisCluster::start(3, 0).await;
    if is_old(&cluster).await {
        return;
    }
    for node in &cluster.nodes {
        let user = ["ACL", "SETUSER", "me", "on", ">pw", "~*", "&*", "+@all", "-cluster|slots"];
        assert_eq!(node.cli(&user).await.to_string(), "OK");
    }
    let url = format!("redis://me:pw@{}", cluster.nodes[0].address);
    let fleet = Fleet::start(&settings("cluster", &[url], WIDE_BUDGET)).await;
    wait::until("the map to be known", || async { slots(&fleet).await == [5461, 5461, 5462] }).await;
    check_exact(&fleet, "k=v").await;
    assert!(!fleet.replicas[0].log().contains("tells of its slots"), "{}", fleet.replicas[0].log());
}

/// How many slots each shard has by the first replica's page, in order.
async fn slots(fleet: &Fleet) -> Vec<u64> {
    let page = http::get(fleet.replicas[0].listen.admin, "/shards").await.unwrap().json();
    let mut slots: Vec<u64> =
        page.as_array().unwrap().iter().map(|shard| shard["slots"].as_u64().unwrap()).collect();
    slots.sort_unstable();
    slots
}
