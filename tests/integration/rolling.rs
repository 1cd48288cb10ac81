//! Two replicas behind one Envoy leave and come back one after the other, and nobody notices.

use std::time::Duration;

use serde_json::json;

use crate::harness::traffic::Traffic;
use crate::harness::{Envoy, Ratekeeper, Upstream, wait};

const RULES: &str = "{domain: mesh, descriptors: [\
    {key: generic_key, value: all, rate_limit: {unit: year, requests_per_unit: 100000000}}]}";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_replicas_restart_in_turn() {
    // Longer than Envoy's health checks of 100 ms take to notice, as an operator would choose it.
    let setup = || Ratekeeper::setup().rules(RULES).settings("drain: {pause: 1s, deadline: 10s}").start();
    let (mut first, mut second) = (setup().await, setup().await);
    let upstream = Upstream::start().await;
    let all = [json!({"generic_key": {"descriptor_value": "all"}})];
    // A call that fails denies, so that it would be seen.
    let envoy = Envoy::asking(&[&first, &second], &upstream).descriptor(&all).start().await;
    let traffic = Traffic::start(envoy.entrance, 8);
    traffic.answered(100).await;
    for replica in [&mut first, &mut second] {
        restart(replica, &envoy).await;
        traffic.answered(100).await;
    }
    let tally = traffic.stop().await;
    assert_eq!(tally.keys().collect::<Vec<_>>(), ["200"], "{tally:?}");
    let total: usize = tally.values().sum();
    let asked = envoy.statistic("cluster.upstream.ratelimit.ok").await;
    assert_eq!(asked, total as u64, "every request was decided by ratekeeper");
    let retries = envoy.statistic("cluster.ratekeeper.upstream_rq_retry").await;
    assert_eq!(retries, 0, "traffic had moved away before anything closed");
}

async fn restart(replica: &mut Ratekeeper, envoy: &Envoy) {
    let status = tokio::time::timeout(Duration::from_secs(15), replica.stop()).await.unwrap();
    assert_eq!(status.code(), Some(0), "a drain ends well");
    replica.start_again().await;
    wait::until("Envoy to see both replicas", || async {
        envoy.statistic("cluster.ratekeeper.membership_healthy").await == 2
    })
    .await;
}
