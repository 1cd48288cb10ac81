//! A ring of independent servers: every replica places keys alike, and a dead server's keys stay its own.

use std::collections::BTreeSet;

use super::exactness::{check_exact_again, check_fleet};
use super::fleet::{Fleet, NARROW_BUDGET, WIDE_BUDGET, settings};
use super::load::burst;
use crate::harness::{Redis, Wire, ask};

/// How many keys are spread over the servers.
const KEYS: usize = 60;

async fn servers() -> Vec<Redis> {
    vec![Redis::start().await, Redis::start().await, Redis::start().await]
}

/// Which of the keys `wide=key-<number>.` a server holds.
async fn held(redis: &Redis) -> BTreeSet<usize> {
    let keys = redis.keys().await;
    let number = |key: &String| (0..KEYS).find(|number| key.contains(&format!("key-{number}.")));
    keys.iter().filter_map(number).collect()
}

fn question(number: usize) -> crate::harness::Ask {
    ask(&format!("wide=key-{number}."))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_exact() {
    let servers = servers().await;
    let urls: Vec<String> = servers.iter().map(Redis::url).collect();
    let fleet = Fleet::start(&settings("ring", &urls, WIDE_BUDGET)).await;
    check_fleet(&fleet, "v").await;
    for server in &servers {
        assert!(!server.keys().await.is_empty(), "each has its part");
        assert_eq!(server.keys_without_expiry().await, Vec::<String>::new());
    }
    fleet.stop().await;
    for server in &servers {
        super::connections::check_none(server).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_order_of_the_servers_does_not_matter() {
    let servers = servers().await;
    let mut urls: Vec<String> = servers.iter().map(Redis::url).collect();
    let mut placements = Vec::new();
    for _ in 0..2 {
        let fleet = Fleet::start(&settings("ring", &urls, WIDE_BUDGET)).await;
        burst(&fleet, KEYS, question).await;
        let mut placement = Vec::new();
        for server in &servers {
            placement.push(held(server).await);
            server.cli(&["FLUSHALL"]).await;
        }
        placements.push(placement);
        urls.reverse();
    }
    assert_eq!(placements[0], placements[1]);
    assert_eq!(placements[0].iter().map(BTreeSet::len).sum::<usize>(), KEYS, "each key is at one place");
    assert!(placements[0].iter().all(|held| held.len() >= KEYS / 10), "{placements:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_server_takes_only_its_own_keys_along() {
    let servers = servers().await;
    let wire = Wire::to(servers[0].address);
    let urls = [wire.url(), servers[1].url(), servers[2].url()];
    let fleet = Fleet::start(&settings("ring", &urls, NARROW_BUDGET)).await;
    burst(&fleet, KEYS, question).await;
    let lost = held(&servers[0]).await;
    let others: Vec<usize> = (0..KEYS).filter(|number| !lost.contains(number)).collect();
    let lost: Vec<usize> = lost.into_iter().collect();
    let elsewhere = (held(&servers[1]).await, held(&servers[2]).await);
    wire.refuse().await;
    let before = fleet.fallback_decisions().await;
    burst(&fleet, 600, |index| question(others[index % others.len()])).await;
    assert_eq!(fleet.fallback_decisions().await, before, "the store decides for the others");
    burst(&fleet, 600, |index| question(lost[index % lost.len()])).await;
    assert_eq!(fleet.fallback_decisions().await, before + 600, "the replicas decide for what is lost");
    assert_eq!((held(&servers[1]).await, held(&servers[2]).await), elsewhere, "nothing moved");
    wire.pass();
    let took = fleet.exact_again().await;
    eprintln!("exact again after {took:.1?}");
    check_exact_again(&fleet).await;
}
