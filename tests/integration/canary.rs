//! A second server that a second filter asks counts what it would deny, and denies nobody.

use serde_json::json;

use crate::harness::metrics::Metrics;
use crate::harness::{Envoy, Ratekeeper, Upstream, http};

/// Rules with this limit for all requests together.
fn rules(limit: u32) -> String {
    format!(
        "{{domain: mesh, descriptors: [{{key: generic_key, value: all, \
        rate_limit: {{unit: year, requests_per_unit: {limit}}}}}]}}"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_says_what_it_would_deny_and_denies_nobody() {
    let server = Ratekeeper::with_rules(&rules(3)).await;
    let canary = Ratekeeper::setup().rules(&rules(1)).settings("shadow_mode: true").start().await;
    let upstream = Upstream::start().await;
    let all = [json!({"generic_key": {"descriptor_value": "all"}})];
    let envoy = Envoy::asking(&[&server], &upstream).descriptor(&all).canary(canary.listen.grpc);
    let envoy = envoy.start().await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(http::get(envoy.entrance, "/").await.unwrap().status);
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429], "by the server's limit alone");
    let metrics = Metrics::read(canary.listen.metrics).await;
    let over = metrics.sum("ratekeeper_decisions_total", &["outcome=\"over\""]);
    assert_eq!(over.to_string(), "4", "the canary was asked for all five, and its limit is one");
}
