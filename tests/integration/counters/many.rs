//! A hundred thousand counters, listed while decisions go on.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::{RULES, json_of};
use crate::harness::metrics::Metrics;
use crate::harness::{Ratekeeper, Redis, ask};

const MANY: usize = 100_000;

/// Makes counters in the window that runs, as the scripts write them.
const FILL: &str = "
local start = tonumber(ARGV[1])
for number = 1, tonumber(ARGV[2]) do
  redis.call('SET', 'rk:1|f31536000|mesh|k=' .. number, string.format('%d 2', start), 'EX', 1000)
end
return 1";

async fn decide_until(server: &Ratekeeper, stop: &AtomicBool) -> Vec<Duration> {
    let (mut client, request) = (server.client(), ask("path=/api/x").own_hits(0).request());
    let mut took = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let begin = Instant::now();
        client.should_rate_limit(request.clone()).await.unwrap();
        took.push(begin.elapsed());
    }
    took.sort();
    took
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_are_listed_and_reset_while_decisions_go_on() {
    let redis = Redis::start().await;
    let settings = format!("store: redis\nredis: {{urls: ['{}'], timeout: 250ms}}", redis.url());
    let server = Ratekeeper::setup().rules(RULES).settings(&settings).start().await;
    let now = redis.cli(&["TIME"]).await.list()[0].integer();
    let start = (now - now % 31_536_000).to_string();
    redis.cli(&["EVAL", FILL, "0", &start, &MANY.to_string()]).await;
    redis.cli(&["CONFIG", "SET", "slowlog-log-slower-than", "20000"]).await;
    redis.cli(&["SLOWLOG", "RESET"]).await;

    let stop = Arc::new(AtomicBool::new(false));
    let decide = decide_until(&server, &stop);
    let look = async {
        let begin = Instant::now();
        let listed = json_of(&server, &["list", "--rule", "k", "--limit", "0"]).await;
        eprintln!("listed in {:.1?}", begin.elapsed());
        let counters = listed.counters();
        let keys: HashSet<&str> = counters.iter().map(|counter| counter["key"].as_str().unwrap()).collect();
        assert_eq!(keys.len(), MANY);
        assert!(counters.iter().all(|counter| counter["remaining"] == 1), "each has its limit");
        let begin = Instant::now();
        let reset = json_of(&server, &["reset", "--all", "--rule", "k"]).await.json();
        eprintln!("reset in {:.1?}", begin.elapsed());
        stop.store(true, Ordering::Relaxed);
        reset["reset"].as_u64().unwrap()
    };
    let (took, reset) = tokio::join!(decide, look);
    let at = |part: usize| took[(took.len() - 1) * part / 1000];
    eprintln!("{} decisions: p50 {:.1?}, p99 {:.1?}, max {:.1?}", took.len(), at(500), at(990), at(1000));
    assert_eq!(reset, MANY as u64);
    assert!(took.len() > 100, "decisions stood still");

    let metrics = Metrics::read(server.listen.metrics).await;
    assert_eq!(metrics.sum("ratekeeper_fallback_decisions_total", &[]), 0.0, "the store answered in time");
    assert_eq!(redis.command_count("keys").await, 0, "KEYS stops the server");
    assert!(redis.command_count("scan").await >= 2 * MANY as u64 / 1_000, "steps are small");
    // A busy machine makes a server slow by taking its core away; a scan of everything would be there every time.
    let slow = redis.cli(&["SLOWLOG", "LEN"]).await.integer();
    assert!(slow <= 5, "{slow} commands took longer than 20 ms");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_of_the_local_store_goes_on_while_it_changes() {
    let server = Ratekeeper::with_rules(RULES).await;
    let mut client = server.client();
    for batch in 0..100 {
        let many = (0..100).fold(crate::harness::ask::nothing(), |ask, number| {
            ask.also(&format!("k={}", 100 * batch + number))
        });
        client.should_rate_limit(many.request()).await.unwrap();
    }
    let stop = AtomicBool::new(false);
    let decide = decide_until(&server, &stop);
    let look = async {
        let listed = json_of(&server, &["list", "--limit", "0"]).await;
        stop.store(true, Ordering::Relaxed);
        listed.column("key").into_iter().filter(|key| key.contains("|k=")).collect::<HashSet<_>>().len()
    };
    let (took, listed) = tokio::join!(decide, look);
    assert_eq!(listed, 10_000);
    assert!(!took.is_empty());
}
