//! Limits in front of a service, in its own sidecar.

use super::super::client::Client;
use super::super::example::ratekeeper;
use super::patch::apply;
use super::proxy::Proxy;
use super::resource;
use crate::harness::{Envoy, Ratekeeper, Upstream, http};

async fn start(app: &str, entrance: &str) -> (Ratekeeper, Envoy, Upstream) {
    let (ratekeeper, upstream) = (ratekeeper(&["deploy/istio/rules.yaml"]).await, Upstream::start().await);
    let mut proxy = Proxy::sidecar(app);
    apply(&resource("sidecar.yaml", "EnvoyFilter", &format!("{app}-limits")), &mut proxy);
    let example = proxy.example(ratekeeper.listen.grpc, upstream.address).patient();
    (ratekeeper, example.start(entrance).await, upstream)
}

#[tokio::test]
async fn requests_are_limited_and_nothing_passes_without_a_decision() {
    let (mut ratekeeper, envoy, _upstream) = start("payments", "0.0.0.0_8080").await;
    let client = Client::of(envoy.entrance, "payments.shop");
    assert_eq!(client.clone().header("x-user", "ada").passed().await, 10);
    assert_eq!(client.passed().await, 50 - 12, "all users together, denied requests too");
    ratekeeper.stop().await;
    assert_eq!(client.status().await, 503);
}

#[tokio::test]
async fn connections_are_limited() {
    let (mut ratekeeper, envoy, _upstream) = start("ledger", "0.0.0.0_5432").await;
    let mut passed = Vec::new();
    for _ in 0..10 {
        passed.push(http::get(envoy.entrance, "/").await.is_ok());
    }
    assert_eq!(passed, [[true; 8].as_slice(), &[false; 2]].concat());
    ratekeeper.stop().await;
    assert!(http::get(envoy.entrance, "/").await.is_ok(), "no decision, no limit");
}
