//! A ring that gets one more server by a change of settings, replica by replica.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::fleet::{Fleet, WIDE_BUDGET, settings};
use super::load::burst;
use crate::harness::metrics::Metrics;
use crate::harness::{Ask, Ratekeeper, Redis, ask, http, wait};

/// How many counters there are before the ring grows.
const KEYS: usize = 200;

const WARNING: &str = "place counters by another ring of servers";
const ALL_CLEAR: &str = "have the same ring of servers again";

fn question(number: usize) -> Ask {
    ask(&format!("wide=key-{number}."))
}

async fn roll(replica: &mut Ratekeeper, settings: &str) {
    replica.write_settings(settings);
    assert_eq!(replica.stop().await.code(), Some(0));
    replica.start_again().await;
}

/// How many rings a replica sees, by its metric.
async fn rings_seen(replica: &Ratekeeper) -> f64 {
    Metrics::read(replica.listen.metrics).await.sum("ratekeeper_rings_seen", &[])
}

/// The ring of a replica and those of others that it knows of, by its page.
async fn page(replica: &Ratekeeper) -> (String, Vec<String>) {
    let page = http::get(replica.listen.admin, "/ring").await.unwrap().json();
    let others = page["others"].as_array().unwrap();
    let others = others.iter().map(|ring| ring.as_str().unwrap().to_owned()).collect();
    (page["ring"].as_str().unwrap().to_owned(), others)
}

fn lines(replica: &Ratekeeper, text: &str) -> usize {
    replica.log().lines().filter(|line| line.contains(text)).count()
}

/// The counters that have been moved to where they count from zero.
async fn started_again(fleet: &Fleet) -> BTreeSet<usize> {
    let mut moved = BTreeSet::new();
    for number in 0..KEYS {
        match fleet.counted(&format!("key-{number}.")).await {
            0 => drop(moved.insert(number)),
            count => assert_eq!(count, 1, "counter {number} goes on"),
        }
    }
    moved
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_notice_each_other_while_it_grows_and_few_counters_move() {
    let mut servers = Vec::new();
    for _ in 0..4 {
        servers.push(Redis::start().await);
    }
    let urls: Vec<String> = servers.iter().map(Redis::url).collect();
    let (three, four) = (settings("ring", &urls[..3], WIDE_BUDGET), settings("ring", &urls, WIDE_BUDGET));
    let mut fleet = Fleet::start(&three).await;
    burst(&fleet, KEYS, question).await;
    let (first_ring, others) = page(&fleet.replicas[0]).await;
    assert_eq!(others, Vec::<String>::new());
    assert_eq!(rings_seen(&fleet.replicas[0]).await, 1.0);
    let metrics = Metrics::read(fleet.replicas[0].listen.metrics).await;
    assert_eq!(metrics.sum("ratekeeper_ring_info", &[&format!("ring=\"{first_ring}\"")]), 1.0);

    let begin = Instant::now();
    roll(&mut fleet.replicas[0], &four).await;
    for replica in &fleet.replicas {
        wait::until("the other ring to be seen", || async { rings_seen(replica).await == 2.0 }).await;
        assert_eq!(lines(replica, WARNING), 1, "it is told, and once");
    }
    eprintln!("another ring seen by all {:.1?} after the replica was asked to end", begin.elapsed());
    let (grown_ring, others) = page(&fleet.replicas[0]).await;
    assert_eq!(others, [first_ring.as_str()]);
    assert_eq!(page(&fleet.replicas[1]).await, (first_ring, vec![grown_ring]));

    roll(&mut fleet.replicas[1], &four).await;
    roll(&mut fleet.replicas[2], &four).await;
    let begin = Instant::now();
    for replica in &fleet.replicas {
        wait::until("the rings to be alike", || async { rings_seen(replica).await == 1.0 }).await;
    }
    eprintln!("rings alike {:.1?} after the last replica was back", begin.elapsed());
    assert_eq!(lines(&fleet.replicas[0], WARNING), 1);
    assert_eq!(lines(&fleet.replicas[0], ALL_CLEAR), 1, "its end is told, and once");

    fleet.exact_again().await;
    let moved = started_again(&fleet).await;
    eprintln!("{} of {KEYS} counters have moved", moved.len());
    assert!((KEYS / 8..KEYS * 3 / 8).contains(&moved.len()), "about a quarter: {}", moved.len());
    burst(&fleet, KEYS, question).await;
    let held = servers[3].keys().await;
    let is_new = |number: &usize| held.iter().any(|key| key.contains(&format!("key-{number}.")));
    assert!((0..KEYS).all(|number| is_new(&number) == moved.contains(&number)), "to the new server only");
    for server in &servers {
        assert_eq!(server.keys_without_expiry().await, Vec::<String>::new(), "announcements go, too");
    }
}

/// What has no ring tells of none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_stores_have_no_ring() {
    let redis = Redis::start().await;
    let fleet = Fleet::start(&settings("single", &[redis.url()], WIDE_BUDGET)).await;
    let replica = &fleet.replicas[0];
    assert!(http::get(replica.listen.admin, "/ring").await.unwrap().json().is_null());
    assert!(!Metrics::read(replica.listen.metrics).await.has("ratekeeper_rings_seen"));
    assert!(!redis.keys().await.iter().any(|key| key.contains("rings")));
}
