//! A hundred thousand counters, listed while decisions go on.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{RULES, json_of};
use crate::harness::ask::nothing;
use crate::harness::metrics::Metrics;
use crate::harness::{Ratekeeper, Redis, ask};

const MANY: usize = 100_000;

/// Makes counters in the window that runs, as the scripts write them.
const FILL: &str = "
local mark = tonumber(ARGV[1]) / 31536000 % 8191 + 1
for number = 1, tonumber(ARGV[2]) do
  redis.call('SET', 'rk:1|f31536000|mesh|k=' .. number, string.format('%d', mark * 2^40 + 2), 'EX', 1000)
end
return 1";

/// Asks one time after the other until it is stopped; gives how long each time took, in order.
struct Asking {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Vec<Duration>>,
}

impl Asking {
    fn start(server: &Ratekeeper) -> Self {
        let (mut client, request) = (server.client(), ask("path=/api/x").own_hits(0).request());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let mut took = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                let begin = Instant::now();
                client.should_rate_limit(request.clone()).await.unwrap();
                took.push(begin.elapsed());
            }
            took.sort();
            took
        });
        Self { stop, task }
    }

    async fn stop(self) -> Vec<Duration> {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_are_listed_and_reset_while_decisions_go_on() {
    let redis = Redis::start().await;
    let settings = format!("store: redis\nredis: {{urls: ['{}'], timeout: 999ms}}", redis.url());
    let server = Ratekeeper::setup().rules(RULES).settings(&settings).start().await;
    let now = redis.cli(&["TIME"]).await.list()[0].integer();
    let start = (now - now % 31_536_000).to_string();
    redis.cli(&["EVAL", FILL, "0", &start, &MANY.to_string()]).await;
    redis.cli(&["CONFIG", "SET", "slowlog-log-slower-than", "20000"]).await;
    redis.cli(&["SLOWLOG", "RESET"]).await;

    let asking = Asking::start(&server);
    let begin = Instant::now();
    let listed = json_of(&server, &["list", "--rule", "k", "--limit", "0"]).await;
    eprintln!("listed in {:.1?}", begin.elapsed());
    let begin = Instant::now();
    let reset = json_of(&server, &["reset", "--all", "--rule", "k"]).await.json();
    eprintln!("reset in {:.1?}", begin.elapsed());
    let took = asking.stop().await;
    let at = |part: usize| took[(took.len() - 1) * part / 1000];
    eprintln!("{} decisions: p50 {:.1?}, p99 {:.1?}, max {:.1?}", took.len(), at(500), at(990), at(1000));
    let counters = listed.counters();
    let keys: HashSet<&str> = counters.iter().map(|counter| counter["key"].as_str().unwrap()).collect();
    assert_eq!((keys.len(), &reset["reset"]), (MANY, &MANY.into()));
    assert!(counters.iter().all(|counter| counter["remaining"] == 1), "each has its limit");
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
        let many = (0..100).fold(nothing(), |ask, number| ask.also(&format!("k={}", 100 * batch + number)));
        client.should_rate_limit(many.request()).await.unwrap();
    }
    let asking = Asking::start(&server);
    let keys = json_of(&server, &["list", "--limit", "0"]).await.column("key");
    assert!(!asking.stop().await.is_empty(), "decisions stood still");
    assert_eq!(keys.into_iter().filter(|key| key.contains("|k=")).collect::<HashSet<_>>().len(), 10_000);
}
