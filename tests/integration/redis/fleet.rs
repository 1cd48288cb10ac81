//! Replicas that share a store.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::load::RATE;
use crate::harness::ask::nothing;
use crate::harness::metrics::Metrics;
use crate::harness::{Ask, Ratekeeper, ask};

/// The limit of `k`, `deny`, `allow` and all meters but the wide and the leaky one, and the smallest of `several`, `quota` and `mixed`.
pub(super) const LIMIT: usize = 500;
/// The limit of `narrow` and its likes, which the load of an outage test exceeds in the midst of it.
pub(super) const NARROW: usize = RATE * 3 / 2;
/// The limit of `wide`, which nothing exceeds.
pub(super) const WIDE: usize = 1_000_000;

/// The rules; `NARROW` stands for that limit.
const RULES: &str = "
domain: mesh
descriptors:
  - {key: k, rate_limit: {unit: year, requests_per_unit: 500}}
  - {key: deny, on_store_failure: deny, rate_limit: {unit: year, requests_per_unit: 500}}
  - {key: allow, on_store_failure: allow, rate_limit: {unit: year, requests_per_unit: 500}}
  - {key: narrow, rate_limit: {unit: year, requests_per_unit: NARROW}}
  - {key: wide, rate_limit: {unit: year, requests_per_unit: 1000000}}
  - {key: several, limits: [1000000/year, 500/3000d, 900/1000d]}
  - {key: quota, quota_mode: true, limits: [1000000/year, 500/3000d]}
  - {key: sliding_window, rate_limit: {algorithm: sliding_window, unit: year, requests_per_unit: 500}}
  - {key: token_bucket, rate_limit: {algorithm: token_bucket, unit: day, requests_per_unit: 10, burst: 500}}
  - {key: leaky_bucket, rate_limit: {algorithm: leaky_bucket, unit: day, requests_per_unit: 10}}
  - {key: sliding_log, rate_limit: {algorithm: sliding_log, unit: year, requests_per_unit: 500}}
  - {key: narrow_sliding_window, rate_limit: {algorithm: sliding_window, unit: year, requests_per_unit: NARROW}}
  - {key: narrow_token_bucket, rate_limit: {algorithm: token_bucket, unit: day, requests_per_unit: 10, burst: NARROW}}
  - {key: narrow_sliding_log, rate_limit: {algorithm: sliding_log, unit: year, requests_per_unit: NARROW}}
  - {key: wide_log, rate_limit: {algorithm: sliding_log, unit: year, requests_per_unit: 1000}}
  - key: mixed
    rate_limits:
      - {unit: year, requests_per_unit: 1000000}
      - {algorithm: sliding_window, per: 3000d, requests_per_unit: 900}
      - {algorithm: token_bucket, unit: day, requests_per_unit: 10, burst: 500}
      - {algorithm: sliding_log, per: 1000d, requests_per_unit: 700}
  - key: shadow_bucket
    shadow_mode: true
    rate_limit: {algorithm: token_bucket, unit: day, requests_per_unit: 10, burst: 500}
  - key: quota_bucket
    quota_mode: true
    rate_limit: {algorithm: token_bucket, unit: day, requests_per_unit: 10, burst: 500}
  - key: quota_window
    quota_mode: true
    rate_limit: {algorithm: sliding_window, unit: year, requests_per_unit: 500}
";

/// So long that nothing but a broken store makes a replica decide by itself.
pub(super) const WIDE_BUDGET: &str = "999ms";
/// As short as a busy machine allows.
pub(super) const NARROW_BUDGET: &str = "250ms";

/// How long after the store's return it must decide again. Two seconds are promised, and printed by the tests that wait for
/// it; a machine that does other things at the same time takes longer.
const RECOVERY: Duration = Duration::from_secs(20);

/// How many connections and keys show whether the store decides.
const PROBES: usize = 12;

/// Replicas of one service.
pub(super) struct Fleet {
    pub(super) replicas: Vec<Ratekeeper>,
}

/// The settings of a store at these URLs.
pub(super) fn settings(topology: &str, urls: &[String], timeout: &str) -> String {
    format!(
        "store: redis\n\
         redis: {{topology: {topology}, urls: {urls:?}, timeout: {timeout}}}\n\
         breaker: {{failures: 5, backoff: 50ms, max_backoff: 500ms}}\n\
         fallback: {{replicas: 3}}"
    )
}

impl Fleet {
    /// Starts three replicas with these settings, and waits until the store decides.
    pub(super) async fn start(settings: &str) -> Self {
        let fleet = Self::start_alone(settings).await;
        fleet.exact_again().await;
        fleet
    }

    /// The same where there may be no store.
    pub(super) async fn start_alone(settings: &str) -> Self {
        let rules = RULES.replace("NARROW", &NARROW.to_string());
        let replica = || Ratekeeper::setup().rules(&rules).settings(settings).start();
        let (first, second, third) = tokio::join!(replica(), replica(), replica());
        Self { replicas: vec![first, second, third] }
    }

    /// How many decisions the replicas made without the store.
    pub(super) async fn fallback_decisions(&self) -> usize {
        let mut sum = 0;
        for replica in &self.replicas {
            sum += fallback_decisions(replica).await;
        }
        sum
    }

    /// How many hits the replicas admitted without the store's knowing.
    pub(super) async fn admitted_alone(&self) -> usize {
        let mut sum = 0;
        for replica in &self.replicas {
            sum += count(replica, "ratekeeper_fallback_admitted_hits_total").await;
        }
        sum
    }

    /// Waits until every replica lets the store decide again, all of its parts and threads; gives how long that took.
    pub(super) async fn exact_again(&self) -> Duration {
        let begin = Instant::now();
        for replica in &self.replicas {
            loop {
                let before = fallback_decisions(replica).await;
                probe(replica).await;
                if fallback_decisions(replica).await == before {
                    break;
                }
                assert!(begin.elapsed() < RECOVERY, "the store never decided again");
                sleep(Duration::from_millis(20)).await;
            }
        }
        begin.elapsed()
    }

    /// How many hits of `wide=<value>` are counted, as the first replica reads it.
    pub(super) async fn counted(&self, value: &str) -> usize {
        let look = ask(&format!("wide={value}")).own_hits(0);
        let answer = self.replicas[0].ask(&look).await.unwrap();
        WIDE - answer.statuses[0].limit_remaining as usize
    }

    /// How much is left for this descriptor, as the first replica reads it.
    pub(super) async fn left(&self, entries: &str) -> usize {
        let answer = self.replicas[0].ask(&ask(entries).own_hits(0)).await.unwrap();
        answer.statuses[0].limit_remaining as usize
    }

    /// Asks the first replica; gives whether the request passes.
    pub(super) async fn passes(&self, ask: &Ask) -> bool {
        passes(&self.replicas[0], ask).await
    }

    /// Ends all replicas, as they should.
    pub(super) async fn stop(mut self) {
        for replica in &mut self.replicas {
            assert_eq!(replica.stop().await.code(), Some(0));
        }
    }
}

/// Asks on several connections at once, which are served by all threads, for keys of all shards.
async fn probe(replica: &Ratekeeper) {
    let question = (0..PROBES).fold(nothing(), |ask, index| ask.also(&format!("wide=probe-{index}")));
    let mut calls = JoinSet::new();
    for _ in 0..PROBES {
        let (mut client, request) = (replica.client(), question.request());
        calls.spawn(async move { client.should_rate_limit(request).await.unwrap() });
    }
    calls.join_all().await;
}

/// Whether a request passes.
pub(super) async fn passes(replica: &Ratekeeper, ask: &Ask) -> bool {
    replica.ask(ask).await.unwrap().overall_code().as_str_name() == "OK"
}

/// How many decisions a replica made without the store.
pub(super) async fn fallback_decisions(replica: &Ratekeeper) -> usize {
    count(replica, "ratekeeper_fallback_decisions_total").await
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of a test")]
async fn count(replica: &Ratekeeper, name: &str) -> usize {
    let metrics = Metrics::read(replica.listen.metrics).await;
    assert!(metrics.has(name), "the counter is there before it counts");
    metrics.sum(name, &[]) as usize
}
