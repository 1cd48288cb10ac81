//! `deploy/emissary/`: what Emissary 3.10 makes of a RateLimitService and the labels of Mappings.

use serde_json::{Value, json};

use super::client::Client;
use super::example::{Example, ratekeeper, read};
use crate::harness::{Upstream, yaml};

/// Emissary joins the parts of a cluster's name with underscores: the service, and the namespace of the RateLimitService.
const CLUSTER: &str = "cluster_ratekeeper_headless_ratekeeper_8081_emissary";

fn service() -> Value {
    yaml::document(&read("deploy/emissary/rate-limit-service.yaml"))["spec"].clone()
}

fn filter() -> Value {
    let spec = service();
    assert_eq!(spec["protocol_version"], "v3", "Emissary refuses any other");
    let timeout = format!("{:.3}s", spec["timeout_ms"].as_f64().unwrap() / 1_000.0);
    json!({"name": "envoy.filters.http.ratelimit", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit",
        "domain": spec["domain"], "timeout": timeout, "request_type": "both",
        "failure_mode_deny": spec["failure_mode_deny"], "rate_limited_as_resource_exhausted": false,
        "rate_limit_service": {
            "transport_api_version": "V3", "grpc_service": {"envoy_grpc": {"cluster_name": CLUSTER}}}}})
}

/// Emissary's Envoy is older and is told of HTTP/2 in a field that ours no longer likes; it means the same.
fn cluster() -> Value {
    let name = service()["service"].as_str().unwrap().replace(['.', ':', '-'], "_");
    assert_eq!(CLUSTER, format!("cluster_{name}_emissary"));
    json!({
        "name": CLUSTER, "type": "STRICT_DNS", "lb_policy": "ROUND_ROBIN", "connect_timeout": "3.000s",
        "dns_lookup_family": "V4_ONLY", "alt_stat_name": name,
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}}}}})
}

fn action(label: &Value) -> Value {
    let (kind, fields) = label.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "remote_address" => json!({"remote_address": {}}),
        "generic_key" => json!({"generic_key": {
            "descriptor_key": fields["key"].as_str().unwrap_or("generic_key"),
            "descriptor_value": fields["value"]}}),
        "request_headers" => json!({"request_headers": {
            "descriptor_key": fields["key"], "header_name": fields["header_name"]}}),
        other => panic!("{other} is not known here"),
    }
}

/// The labels of the service's domain, each group of one name.
fn limits(mapping: &Value) -> Vec<Value> {
    let domain = service()["domain"].as_str().unwrap().to_owned();
    let groups = mapping["spec"]["labels"][&domain].as_array().unwrap();
    let limit = |group: &Value| {
        let labels = group.as_object().unwrap();
        assert_eq!(labels.len(), 1, "a group has one name");
        let actions: Vec<Value> =
            labels.values().flat_map(|all| all.as_array().unwrap()).map(action).collect();
        json!({"stage": 0, "actions": actions})
    };
    groups.iter().map(limit).collect()
}

fn routes() -> Vec<Value> {
    let mappings = yaml::documents(&read("deploy/emissary/mapping.yaml"));
    // Emissary puts longer prefixes first; the file has that order.
    let route = |mapping: &Value| {
        json!({
            "match": {"prefix": mapping["spec"]["prefix"]},
            "route": {"cluster": "cluster_shop_8080_shop", "rate_limits": limits(mapping)}})
    };
    mappings.iter().map(route).collect()
}

#[tokio::test]
async fn the_labels_of_mappings_are_limited() {
    let (mut ratekeeper, upstream) =
        (ratekeeper(&["deploy/emissary/rules.yaml"]).await, Upstream::start().await);
    let router = json!({"name": "envoy.filters.http.router", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}});
    let manager = json!({"name": "envoy.filters.network.http_connection_manager", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "ingress_http", "use_remote_address": true, "normalize_path": true,
        "http_filters": [filter(), router],
        "route_config": {"virtual_hosts": [
            {"name": "emissary-listener-8080-*", "domains": ["*"], "routes": routes()}]}}});
    let listener = json!({"name": "emissary-listener-8080", "filter_chains": [{"filters": [manager]}]});
    let shop = json!({"name": "cluster_shop_8080_shop", "type": "STRICT_DNS", "connect_timeout": "3s"});
    let envoy = Example::of_parts(&[listener], &[cluster(), shop])
        .cluster_at(CLUSTER, &[ratekeeper.listen.grpc])
        .cluster_at("cluster_shop_8080_shop", &[upstream.address])
        .patient()
        .start("emissary-listener-8080")
        .await;
    let get = |path: &str| Client::of(envoy.entrance, "shop.example.com").path(path);
    assert_eq!(get("/checkout").header("x-user", "ada").passed().await, 10);
    assert_eq!(get("/").passed().await, 40, "all clients together");
    assert_eq!(get("/checkout").passed().await, 60 - 12 - 42, "one address over all Mappings");
    ratekeeper.stop().await;
    get("/").pass(3).await;
}
