//! `deploy/envoy/production.yaml`: an Envoy without a control plane.

use http::Method;

use super::client::Client;
use super::example::{Example, ratekeeper};
use crate::harness::{Envoy, Ratekeeper, Upstream, http as client, wait};

const FILE: &str = "deploy/envoy/production.yaml";
const RULES: &[&str] = &["deploy/envoy/rules/edge.yaml", "deploy/envoy/rules/partners.yaml"];

struct Edge {
    ratekeeper: Ratekeeper,
    envoy: Envoy,
    _upstream: Upstream,
}

impl Edge {
    async fn start() -> Self {
        let (ratekeeper, upstream) = (ratekeeper(RULES).await, Upstream::start().await);
        let envoy = Example::of_file(FILE)
            .cluster_at("shop", &[upstream.address])
            .cluster_at("database", &[upstream.address])
            .cluster_at("ratekeeper", &[ratekeeper.listen.grpc])
            .patient()
            .start("http")
            .await;
        Self { ratekeeper, envoy, _upstream: upstream }
    }

    fn get(&self, path: &str) -> Client {
        Client::of(self.envoy.entrance, "shop.example.com").path(path)
    }
}

#[tokio::test]
async fn each_address_has_one_limit_over_its_routes() {
    let edge = Edge::start().await;
    edge.get("/orders/1").pass(1).await;
    let first = edge.get("/a").ask().await;
    assert_eq!(first.header("x-ratelimit-limit"), "300, 300;w=31536000");
    assert_eq!(edge.get("/b").passed().await, 298);
    assert_eq!(edge.get("/reports").status().await, 429);
    edge.get("/assets/logo").pass(5).await;
    assert_eq!(edge.envoy.statistic("cluster.shop.ratelimit.open.error").await, 0);
}

#[tokio::test]
async fn an_order_is_limited_by_its_template_and_method() {
    let edge = Edge::start().await;
    edge.get("/orders/1").pass(60).await;
    assert_eq!(edge.get("/orders//2").passed().await, 40);
    assert_eq!(edge.get("/orders/./3").method(Method::POST).passed().await, 20);
    assert_eq!(edge.get("/orders%2f4").status().await, 307, "sent where it is counted");
}

#[tokio::test]
async fn users_and_tenants_have_their_own_limits() {
    let edge = Edge::start().await;
    assert_eq!(edge.get("/").header("x-user", "ada").passed().await, 60);
    edge.get("/").header("x-user", "bob").pass(1).await;
    assert_eq!(edge.get("/").header("x-api-key", "trial-7f3a").passed().await, 30);
    edge.get("/").header("x-api-key", "gold-1b2c").pass(40).await;
    assert_eq!(edge.get("/partners/feed").header("x-partner", "p").passed().await, 40);
}

#[tokio::test]
async fn a_login_is_limited_by_the_strict_filter() {
    let edge = Edge::start().await;
    edge.get("/orders/1").pass(1).await;
    assert_eq!(edge.get("/login").passed().await, 5);
    let denied = edge.get("/login").ask().await;
    assert_eq!(denied.headers.get_all("x-ratelimit-limit").iter().count(), 1);
    assert!(denied.header("x-ratelimit-limit").starts_with("5, "), "the limit that denies");
    assert_eq!(denied.header("x-ratelimit-remaining"), "0");
    assert_eq!(edge.envoy.statistic("cluster.shop.ratelimit.strict.over_limit").await, 3);
    let other = edge.get("/other").ask().await;
    assert_eq!(
        other.header("x-ratelimit-remaining"),
        (300 - 1 - 8 - 1).to_string(),
        "logins count by address"
    );
}

#[tokio::test]
async fn costs_may_be_known_before_or_after() {
    let edge = Edge::start().await;
    assert_eq!(edge.get("/reports").header("x-user", "ada").passed().await, 10);
    // The upstream sends back what it was sent.
    let big = "x".repeat(50_000);
    let download = edge.get("/downloads/1").header("x-user", "ada").header("x-padding", &big);
    let passed = download.passed().await;
    assert!((20..=24).contains(&passed), "{passed} downloads; the counting of one may lag behind the next");
    edge.get("/downloads/1").header("x-user", "bob").pass(1).await;
}

#[tokio::test]
async fn connections_are_limited_one_by_one() {
    let edge = Edge::start().await;
    let database = edge.envoy.address_of("database").await;
    let mut passed = 0;
    for _ in 0..13 {
        passed += usize::from(client::get(database, "/").await.is_ok());
    }
    assert_eq!(passed, 10);
    assert_eq!(edge.envoy.statistic("ratelimit.database.over_limit").await, 3);
}

#[tokio::test]
async fn without_ratekeeper_each_filter_does_what_it_says() {
    let mut edge = Edge::start().await;
    edge.get("/").pass(1).await;
    edge.ratekeeper.stop().await;
    edge.get("/").header("x-user", "ada").pass(70).await;
    edge.get("/downloads/1").header("x-user", "ada").pass(1).await;
    assert_eq!(edge.get("/login").status().await, 503, "what must never pass unlimited");
    let database = edge.envoy.address_of("database").await;
    assert!(client::get(database, "/").await.is_ok());
    assert!(edge.envoy.statistic("cluster.shop.ratelimit.open.failure_mode_allowed").await >= 70);
    edge.ratekeeper.start_again().await;
    wait::until("logins to be decided again", || async { edge.get("/login").status().await == 200 }).await;
}
