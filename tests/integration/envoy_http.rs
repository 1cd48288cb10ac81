//! The HTTP filter of a real Envoy, as a client of the mesh sees it.

mod algorithms;

use serde_json::{Value, json};

use crate::harness::envoy::Bootstrap;
use crate::harness::http::{Answer, get, get_with};
use crate::harness::traffic::{self, Traffic};
use crate::harness::{Envoy, Ratekeeper, Upstream, wait};

/// A mesh of one server with these rules, one upstream, and the Envoy that `bootstrap` completes.
struct Mesh {
    ratekeeper: Ratekeeper,
    envoy: Envoy,
    _upstream: Upstream,
}

impl Mesh {
    async fn start(rules: &str, bootstrap: impl FnOnce(Bootstrap) -> Bootstrap) -> Self {
        Self::of(Ratekeeper::with_rules(rules).await, bootstrap).await
    }

    async fn of(ratekeeper: Ratekeeper, bootstrap: impl FnOnce(Bootstrap) -> Bootstrap) -> Self {
        let upstream = Upstream::start().await;
        let envoy = bootstrap(Envoy::asking(&[&ratekeeper], &upstream)).start().await;
        Self { ratekeeper, envoy, _upstream: upstream }
    }

    async fn get(&self, headers: &[(&'static str, &[u8])]) -> Answer {
        get_with(self.envoy.entrance, headers).await.unwrap()
    }

    /// Sends the same request so many times, one after the other, and gives the statuses.
    async fn statuses(&self, times: usize, headers: &[(&'static str, &[u8])]) -> Vec<u16> {
        let mut statuses = Vec::new();
        for _ in 0..times {
            statuses.push(self.get(headers).await.status);
        }
        statuses
    }
}

/// The action that puts the same descriptor on every request.
fn all() -> [Value; 1] {
    [json!({"generic_key": {"descriptor_value": "all"}})]
}

/// Rules with a yearly limit on that descriptor. A year is a window that does not roll over in the middle of a test.
fn limit_all(requests: u32) -> String {
    format!("domain: mesh\ndescriptors:\n{}", limited("key: generic_key, value: all", requests))
}

/// A line of a rule file: a yearly limit for what these fields match.
fn limited(fields: &str, requests: u32) -> String {
    format!("  - {{{fields}, rate_limit: {{unit: year, requests_per_unit: {requests}}}}}\n")
}

#[tokio::test]
async fn exactly_as_many_pass_as_the_limit_says() {
    let mesh = Mesh::start(&limit_all(50), |envoy| envoy.descriptor(&all())).await;
    let tally = traffic::burst(mesh.envoy.entrance, 32, 120).await;
    assert_eq!(tally, [("200".to_owned(), 50), ("429".to_owned(), 70)].into());
}

#[tokio::test]
async fn each_client_address_has_its_own_limit() {
    let rules = format!("domain: mesh\ndescriptors:\n{}", limited("key: remote_address", 2));
    let mesh = Mesh::start(&rules, |envoy| envoy.descriptor(&[json!({"remote_address": {}})])).await;
    assert_eq!(mesh.statuses(3, &[("x-forwarded-for", b"192.0.2.1")]).await, [200, 200, 429]);
    assert_eq!(mesh.statuses(3, &[("x-forwarded-for", b"192.0.2.2")]).await, [200, 200, 429]);
}

#[tokio::test]
async fn a_header_is_limited_by_value_and_only_where_it_is_sent() {
    let rules = format!(
        "domain: mesh\ndescriptors:\n{}{}",
        limited("key: user", 2),
        limited("key: user, value: ada", 1)
    );
    let action = [json!({"request_headers": {"header_name": "x-user", "descriptor_key": "user"}})];
    let mesh = Mesh::start(&rules, |envoy| envoy.descriptor(&action)).await;
    assert_eq!(mesh.statuses(2, &[("x-user", b"ada")]).await, [200, 429]);
    assert_eq!(mesh.statuses(3, &[("x-user", b"bob")]).await, [200, 200, 429]);
    assert_eq!(mesh.statuses(4, &[]).await, [200; 4], "no header, no descriptor");
}

#[tokio::test]
async fn a_header_value_match_is_limited_where_it_matches() {
    let rules = format!("domain: mesh\ndescriptors:\n{}", limited("key: header_match, value: beta", 1));
    let headers = json!([{"name": "x-version", "string_match": {"prefix": "beta"}}]);
    let action = [json!({"header_value_match": {"descriptor_value": "beta", "headers": headers}})];
    let mesh = Mesh::start(&rules, |envoy| envoy.descriptor(&action)).await;
    assert_eq!(mesh.statuses(2, &[("x-version", b"beta-1")]).await, [200, 429]);
    assert_eq!(mesh.statuses(2, &[("x-version", b"stable")]).await, [200; 2]);
}

#[tokio::test]
async fn actions_of_one_descriptor_walk_down_the_rules() {
    let rules = format!(
        "domain: mesh\ndescriptors:\n  - key: generic_key\n    value: all\n    descriptors:\n    {}",
        limited("key: user, value: ada", 1)
    );
    let user = json!({"request_headers": {"header_name": "x-user", "descriptor_key": "user"}});
    let mesh = Mesh::start(&rules, |envoy| envoy.descriptor(&[all()[0].clone(), user])).await;
    assert_eq!(mesh.statuses(2, &[("x-user", b"ada")]).await, [200, 429]);
    assert_eq!(mesh.statuses(2, &[("x-user", b"bob")]).await, [200; 2]);
}

#[tokio::test]
async fn one_descriptor_over_its_limit_denies_the_request() {
    let rules = limit_all(100) + &limited("key: remote_address", 1);
    let mesh =
        Mesh::start(&rules, |envoy| envoy.descriptor(&all()).descriptor(&[json!({"remote_address": {}})]));
    assert_eq!(mesh.await.statuses(2, &[("x-forwarded-for", b"192.0.2.1")]).await, [200, 429]);
}

#[tokio::test]
async fn a_header_that_is_not_utf_8_is_limited_like_any_other() {
    let rules = format!("domain: mesh\ndescriptors:\n{}", limited("key: user", 1));
    let action = [json!({"request_headers": {"header_name": "x-user", "descriptor_key": "user"}})];
    let mesh = Mesh::start(&rules, |envoy| envoy.descriptor(&action)).await;
    assert_eq!(mesh.statuses(2, &[("x-user", b"caf\xe9")]).await, [200, 429]);
    assert_eq!(mesh.statuses(2, &[("x-user", b"caf\xe8")]).await, [200, 429], "other bytes, another counter");
    let errors = mesh.envoy.statistic("cluster.upstream.ratelimit.error").await;
    assert_eq!(errors, 0, "a failed call would be a way around the limit");
}

#[tokio::test]
async fn envoy_tells_the_limit_in_its_own_headers() {
    let rule = "key: generic_key, value: all, rate_limit: {unit: year, requests_per_unit: 2, name: yearly}";
    let rules = format!("{{domain: mesh, descriptors: [{{{rule}}}]}}");
    let mesh = Mesh::start(&rules, |envoy| envoy.descriptor(&all())).await;
    for (status, remaining) in [(200, "1"), (200, "0"), (429, "0")] {
        let answer = mesh.get(&[]).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("x-ratelimit-limit"), r#"2, 2;w=31536000;name="yearly""#);
        assert_eq!(answer.header("x-ratelimit-remaining"), remaining);
        let reset: u64 = answer.header("x-ratelimit-reset").parse().unwrap();
        assert!(reset <= 31_536_000, "{reset}");
    }
}

#[tokio::test]
async fn envoy_tells_no_window_that_it_has_no_unit_for() {
    let rule = "key: generic_key, value: all, rate_limit: {per: 3000d, requests_per_unit: 1}";
    let rules = format!("{{domain: mesh, descriptors: [{{{rule}}}]}}");
    let mesh = Mesh::start(&rules, |envoy| envoy.descriptor(&all())).await;
    for status in [200, 429] {
        let answer = mesh.get(&[]).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("x-ratelimit-limit"), "1");
        let reset: u64 = answer.header("x-ratelimit-reset").parse().unwrap();
        assert!(reset <= 3_000 * 86_400, "{reset}");
    }
}

#[tokio::test]
async fn of_several_limits_envoy_tells_the_most_restrictive() {
    let burst = "{unit: year, requests_per_unit: 5, name: wide}";
    let long = "{unit: month, requests_per_unit: 2, name: tight}";
    let rules = format!(
        "{{domain: mesh, descriptors: [{{key: generic_key, value: all, rate_limits: [{burst}, {long}]}}]}}"
    );
    let mesh = Mesh::start(&rules, |envoy| envoy.descriptor(&all())).await;
    for (status, remaining) in [(200, "1"), (200, "0"), (429, "0")] {
        let answer = mesh.get(&[]).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("x-ratelimit-limit"), r#"2, 2;w=2592000;name="tight""#);
        assert_eq!(answer.header("x-ratelimit-remaining"), remaining);
        let reset: u64 = answer.header("x-ratelimit-reset").parse().unwrap();
        assert!(reset <= 2_592_000, "{reset}");
    }
}

#[tokio::test]
async fn our_headers_go_to_passed_and_denied_clients() {
    let setup = Ratekeeper::setup().rules(&limit_all(1)).settings("response: {headers: {enabled: true}}");
    let mesh = Mesh::of(setup.start().await, |envoy| envoy.descriptor(&all())).await;
    for status in [200, 429] {
        let answer = mesh.get(&[]).await;
        assert_eq!(answer.status, status);
        assert_eq!((answer.header("ratelimit-limit"), answer.header("ratelimit-remaining")), ("1", "0"));
        let reset: u64 = answer.header("ratelimit-reset").parse().unwrap();
        assert!(reset <= 31_536_000, "{reset}");
    }
}

#[tokio::test]
async fn a_route_may_ask_for_several_hits_or_for_a_look() {
    let mesh = Mesh::start(&limit_all(12), |envoy| envoy.costly_descriptor(&all(), 5)).await;
    assert_eq!(mesh.statuses(3, &[]).await, [200, 200, 429]);
    let mesh = Mesh::start(&limit_all(1), |envoy| envoy.costly_descriptor(&all(), 0)).await;
    assert_eq!(mesh.statuses(3, &[]).await, [200; 3]);
}

#[tokio::test]
async fn a_reload_under_traffic_fails_no_call_and_is_in_force_afterwards() {
    let mesh = Mesh::start(&limit_all(1_000_000), |envoy| envoy.descriptor(&all())).await;
    let traffic = Traffic::start(mesh.envoy.entrance, 4);
    traffic.answered(50).await;
    mesh.ratekeeper.write_rules("rules-0.yaml", &limit_all(0));
    wait::until("the ban", || async { get(mesh.envoy.entrance, "/").await.unwrap().status == 429 }).await;
    assert_eq!(mesh.statuses(20, &[]).await, [429; 20]);
    mesh.ratekeeper.write_rules("rules-0.yaml", &limit_all(2_000_000));
    wait::until("the ban's end", || async { get(mesh.envoy.entrance, "/").await.unwrap().status == 200 })
        .await;
    traffic.answered(50).await;
    let tally = traffic.stop().await;
    assert!(tally.keys().all(|outcome| outcome == "200" || outcome == "429"), "{tally:?}");
    assert_eq!(mesh.envoy.statistic("cluster.upstream.ratelimit.error").await, 0);
}
