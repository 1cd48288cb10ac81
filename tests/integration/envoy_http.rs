//! The HTTP filter of a real Envoy.

use serde_json::json;

use crate::harness::{Envoy, Ratekeeper, Upstream, http, traffic};

#[tokio::test]
async fn exactly_as_many_pass_as_the_limit_says() {
    let rules = "{domain: mesh, descriptors: [{key: generic_key, value: all, rate_limit: {unit: year, requests_per_unit: 50}}]}";
    let (ratekeeper, upstream) = (Ratekeeper::with_rules(rules).await, Upstream::start().await);
    let all = [json!({"generic_key": {"descriptor_value": "all"}})];
    let envoy = Envoy::asking(&[&ratekeeper], &upstream).descriptor(&all).start().await;
    let tally = traffic::burst(envoy.entrance, 16, 80).await;
    assert_eq!(tally, [("200".to_owned(), 50), ("429".to_owned(), 30)].into());
}
