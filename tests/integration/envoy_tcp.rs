//! The TCP filter of a real Envoy: one question a connection.

use crate::harness::{Envoy, Ratekeeper, Upstream, http};

#[tokio::test]
async fn as_many_connections_pass_as_the_limit_says() {
    let rule = "{key: listener, value: database, rate_limit: {unit: year, requests_per_unit: 3}}";
    let ratekeeper = Ratekeeper::with_rules(&format!("{{domain: mesh, descriptors: [{rule}]}}")).await;
    let upstream = Upstream::start().await;
    let envoy = Envoy::asking(&[&ratekeeper], &upstream).start_tcp(&[("listener", "database")]).await;
    let mut passed = Vec::new();
    for _ in 0..5 {
        passed.push(http::get(envoy.entrance, "/").await.is_ok());
    }
    assert_eq!(passed, [true, true, true, false, false]);
    assert_eq!(envoy.statistic("ratelimit.entrance.over_limit").await, 2);
    assert_eq!(envoy.statistic("ratelimit.entrance.error").await, 0);
}
