//! Counters of shared stores: one server, a Redis Cluster, a ring.

use std::collections::BTreeSet;

use super::{RULES, count, json_of, of, passes};
use crate::harness::redis::slot_of;
use crate::harness::{Ratekeeper, Redis, RedisCluster};

const KEYS: usize = 60;

async fn start(topology: &str, urls: &[String]) -> Ratekeeper {
    let settings = format!(
        "store: redis\nredis: {{topology: {topology}, urls: {urls:?}, timeout: 999ms}}\nover_limit_memory: {{max_age: 1m}}"
    );
    Ratekeeper::setup().rules(RULES).settings(&settings).start().await
}

async fn fill(server: &Ratekeeper) {
    for number in 0..KEYS {
        count(server, &format!("k={number}"), 1).await;
    }
}

fn all() -> BTreeSet<String> {
    (0..KEYS).map(|number| format!("k={number}")).collect()
}

async fn listed(server: &Ratekeeper) -> BTreeSet<String> {
    json_of(server, &["list", "--limit", "0"]).await.column("entries").into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_is_seen_at_once_by_the_replica_that_was_asked() {
    let redis = Redis::start().await;
    let server = start("single", &[redis.url()]).await;
    count(&server, "k=ada", 3).await;
    // From memory, so that it is not counted.
    assert!(!passes(&server, "k=ada").await);
    let ada = json_of(&server, &["get", "--domain", "mesh", "k=ada"]).await.json();
    assert_eq!((&ada["count"], &ada["remaining"]), (&3.into(), &0.into()));
    assert_eq!(ada["shard"], redis.address.to_string());
    let reset = of(&server, &["reset", "--domain", "mesh", "k=ada"]).await.succeeded().out;
    assert_eq!(reset, "1 counter was reset; other replicas may deny from memory for up to 60 s more\n");
    for expected in [true, true, true, false] {
        assert_eq!(passes(&server, "k=ada").await, expected);
    }
    assert!(!passes(&server, "k=ada").await);
    assert_eq!(json_of(&server, &["reset", "--all", "--rule", "k"]).await.json()["reset"], 1);
    assert!(passes(&server, "k=ada").await);
    assert_eq!(redis.command_count("keys").await, 0);
    assert!(redis.command_count("scan").await > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_nodes_of_a_cluster_are_walked_through() {
    let cluster = RedisCluster::start(3, 0).await;
    let server = start("cluster", &cluster.urls()[..1]).await;
    fill(&server).await;
    let counters = json_of(&server, &["list", "--limit", "0"]).await.counters();
    let shards: BTreeSet<&str> = counters.iter().map(|counter| counter["shard"].as_str().unwrap()).collect();
    assert_eq!((counters.len(), shards.len()), (KEYS, 3));
    assert_eq!(listed(&server).await, all());
    for node in &cluster.nodes {
        assert_eq!(node.command_count("keys").await, 0);
    }
    let reset = json_of(&server, &["reset", "--domain", "mesh", "k=7"]).await.json();
    assert_eq!(reset["reset"], 1);
    assert_eq!(json_of(&server, &["reset", "--all"]).await.json()["reset"], KEYS - 1);
    assert_eq!(listed(&server).await, BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_is_being_moved_hides_nothing() {
    let cluster = RedisCluster::start(3, 0).await;
    let server = start("cluster", &cluster.urls()).await;
    fill(&server).await;
    let key = "rk:1|f31536000|mesh|k=7";
    let slot = slot_of(key);
    let (from, to) = cluster.begin_to_move(slot).await;
    let port = cluster.nodes[to].address.port().to_string();
    let moved = cluster.nodes[from].cli(&["MIGRATE", "127.0.0.1", &port, key, "0", "5000"]).await;
    assert_eq!(moved.to_string(), "OK");
    assert_eq!(listed(&server).await, all());
    let seven = json_of(&server, &["get", "--domain", "mesh", "k=7"]).await.json();
    assert_eq!(
        (&seven["count"], &seven["shard"]),
        (&1.into(), &cluster.nodes[to].address.to_string().into())
    );
    assert_eq!(json_of(&server, &["reset", "--all", "--prefix", "k=7"]).await.json()["reset"], 1);
    assert_eq!(json_of(&server, &["get", "--domain", "mesh", "k=7"]).await.json()["count"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shard_that_is_away_is_named_and_the_others_are_read() {
    let (one, mut two, three) = tokio::join!(Redis::start(), Redis::start(), Redis::start());
    let server = start("ring", &[one.url(), two.url(), three.url()]).await;
    fill(&server).await;
    let counters = json_of(&server, &["list"]).await.counters();
    let lost = two.address.to_string();
    let (gone, there): (Vec<_>, Vec<_>) = counters.iter().partition(|counter| counter["shard"] == lost);
    assert!(gone.len() > 3 && there.len() > 3 && counters.len() == KEYS);
    two.kill();

    let listing = of(&server, &["list", "--json"]).await;
    assert_eq!((listing.status, listing.counters().len()), (Some(3), there.len()), "{}", listing.err);
    assert_eq!(listing.json()["not_read"][0]["shard"], lost);
    let table = of(&server, &["list"]).await;
    assert!(table.status == Some(3) && table.err.contains(&format!("not read: {lost}: ")), "{}", table.err);

    let name = gone[0]["entries"].as_str().unwrap();
    for command in ["get", "reset"] {
        let one = of(&server, &[command, "--domain", "mesh", name]).await;
        assert!(one.status == Some(1) && one.err.contains(&lost), "{}", one.err);
    }
    let reset = of(&server, &["reset", "--all", "--json"]).await;
    assert_eq!((reset.status, &reset.json()["reset"]), (Some(3), &there.len().into()), "{}", reset.err);
    assert_eq!(reset.json()["not_read"][0]["shard"], lost);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_per_second_are_looked_for_in_their_own_store() {
    let (main, second) = tokio::join!(Redis::start(), Redis::start());
    let rules = "domain: mesh\ndescriptors:\n\
        - {key: s, rate_limit: {unit: second, requests_per_unit: 3}}\n\
        - {key: y, rate_limit: {unit: year, requests_per_unit: 3}}\n";
    let settings = format!(
        "store: redis\nredis: {{urls: ['{}'], timeout: 999ms}}\n\
         redis_per_second: {{urls: ['{}'], timeout: 999ms, key_prefix: 'ps:'}}",
        main.url(),
        second.url()
    );
    let server = Ratekeeper::setup().rules(rules).settings(&settings).start().await;
    let second_name = second.address.to_string();
    // A second may pass between counting and looking.
    crate::harness::wait::until("both counters to be listed", || async {
        count(&server, "s=ada", 1).await;
        count(&server, "y=ada", 1).await;
        let counters = json_of(&server, &["list"]).await.counters();
        let at = |name: &str| {
            counters.iter().find(|counter| counter["entries"] == name).map(|found| found["shard"].to_string())
        };
        at("s=ada").is_some_and(|shard| shard.contains(&second_name))
            && at("y=ada").is_some_and(|shard| shard.contains(&main.address.to_string()))
    })
    .await;
    crate::harness::wait::until("the second to be reset", || async {
        count(&server, "s=ada", 1).await;
        json_of(&server, &["reset", "--domain", "mesh", "s=ada"]).await.json()["reset"] == 1
    })
    .await;
    assert_eq!(json_of(&server, &["reset", "--all", "--rule", "y"]).await.json()["reset"], 1);
}

/// Runs as a user who may do no more than the documentation asks for, and then as one who may not scan.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_permissions_that_are_asked_for_are_enough() {
    let redis = Redis::start().await;
    let commands = "+eval +evalsha +incrby +decrby +get +set +pttl +time +info +multi +exec +zadd +zrem +zremrangebyscore +zcard +pexpire +select +ping";
    let user = ["ACL", "SETUSER", "keeper", "on", ">s3cret", "~rk:*", "-@all", "+scan", "+getrange", "+del"];
    let words: Vec<&str> = user.into_iter().chain(commands.split(' ')).collect();
    assert_eq!(redis.cli(&words).await.to_string(), "OK");
    let server = start("single", &[format!("redis://keeper:s3cret@{}", redis.address)]).await;
    fill(&server).await;
    assert_eq!(listed(&server).await, all());
    assert_eq!(json_of(&server, &["reset", "--domain", "mesh", "k=7"]).await.json()["reset"], 1);
    redis.cli(&["ACL", "SETUSER", "keeper", "-scan"]).await;
    let refused = of(&server, &["list"]).await;
    assert!(refused.status == Some(3) && refused.err.contains("NOPERM"), "{}", refused.err);
    assert!(!refused.err.contains("s3cret"), "{}", refused.err);
}

/// Shards of a ring may be two databases of one server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_databases_of_one_server_are_two_shards() {
    let redis = Redis::start().await;
    let server = start("ring", &[format!("{}/0", redis.url()), format!("{}/1", redis.url())]).await;
    fill(&server).await;
    assert_eq!(listed(&server).await, all());
    assert_eq!(json_of(&server, &["reset", "--all"]).await.json()["reset"], KEYS);
}
