//! `deploy/contour/`: what Contour 1.33 makes of an ExtensionService, its configuration and an HTTPProxy.

use serde_json::{Value, json};

use super::client::Client;
use super::example::{Example, ratekeeper, read};
use crate::harness::{Envoy, Ratekeeper, Upstream, yaml};

const FILTER: &str = "envoy.filters.http.ratelimit";
const PACKAGE: &str = "type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3";

fn file(name: &str) -> Vec<Value> {
    yaml::documents(&read(&format!("deploy/contour/{name}")))
}

/// The part of Contour's configuration, which says the same in both of its forms.
fn service() -> Value {
    let forms = file("contour-configuration.yaml");
    let mut resource = forms[0]["spec"]["rateLimitService"].clone();
    let text = forms[1]["data"]["contour.yaml"].as_str().unwrap();
    let named = &mut resource["extensionService"];
    *named = format!("{}/{}", named["namespace"].as_str().unwrap(), named["name"].as_str().unwrap()).into();
    assert_eq!(resource, yaml::document(text)["rateLimitService"], "the two forms differ");
    resource
}

fn extension() -> Value {
    file("extension-service.yaml").remove(0)
}

fn extension_cluster() -> String {
    let meta = &extension()["metadata"];
    format!("extension/{}/{}", meta["namespace"].as_str().unwrap(), meta["name"].as_str().unwrap())
}

fn seconds(duration: &Value) -> String {
    let milliseconds: u32 = duration.as_str().unwrap().strip_suffix("ms").unwrap().parse().unwrap();
    format!("{}s", f64::from(milliseconds) / 1_000.0)
}

fn filter() -> Value {
    let (service, cluster) = (service(), extension_cluster());
    assert_eq!(cluster, format!("extension/{}", service["extensionService"].as_str().unwrap()));
    assert_eq!(service["enableXRateLimitHeaders"], true);
    let authority = cluster.replace('/', ".");
    json!({"name": FILTER, "typed_config": {
        "@type": format!("{PACKAGE}.RateLimit"), "domain": service["domain"],
        "timeout": seconds(&extension()["spec"]["timeoutPolicy"]["response"]),
        "failure_mode_deny": service["failOpen"] == false,
        "enable_x_ratelimit_headers": "DRAFT_VERSION_03",
        "rate_limited_as_resource_exhausted": service["enableResourceExhaustedCode"],
        "rate_limit_service": {"transport_api_version": "V3", "grpc_service": {
            "envoy_grpc": {"cluster_name": cluster, "authority": authority}}}}})
}

fn cluster() -> Value {
    let spec = &extension()["spec"];
    assert_eq!(
        (&spec["protocol"], &spec["services"]),
        (&json!("h2c"), &json!([{"name": "ratekeeper", "port": 8081}]))
    );
    assert_eq!(spec["loadBalancerPolicy"]["strategy"], "WeightedLeastRequest");
    let breakers = &spec["circuitBreakerPolicy"];
    json!({
        "name": extension_cluster(), "type": "EDS", "lb_policy": "LEAST_REQUEST",
        "connect_timeout": "2s",
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "circuit_breakers": {"thresholds": [{
            "max_connections": breakers["maxConnections"], "max_requests": breakers["maxRequests"],
            "max_pending_requests": breakers["maxPendingRequests"], "track_remaining": true}]},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}}}}})
}

fn action(entry: &Value) -> Value {
    let (kind, fields) = entry.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "remoteAddress" => json!({"remote_address": {}}),
        "genericKey" => {
            json!({"generic_key": {"descriptor_key": fields["key"], "descriptor_value": fields["value"]}})
        }
        "requestHeader" => json!({"request_headers": {
            "header_name": fields["headerName"], "descriptor_key": fields["descriptorKey"]}}),
        "requestHeaderValueMatch" => {
            let headers = fields["headers"].as_array().unwrap().iter().map(
                |header| json!({"name": header["name"], "string_match": {"contains": header["contains"]}}),
            );
            json!({"header_value_match": {
                "descriptor_value": fields["value"], "expect_match": true, "headers": headers.collect::<Vec<_>>()}})
        }
        other => panic!("{other} is not known here"),
    }
}

fn limits(policy: &Value) -> Vec<Value> {
    let none = Vec::new();
    let descriptors = policy["global"]["descriptors"].as_array().unwrap_or(&none);
    let actions = |descriptor: &Value| -> Vec<Value> {
        descriptor["entries"].as_array().unwrap().iter().map(action).collect()
    };
    descriptors.iter().map(|descriptor| json!({"actions": actions(descriptor)})).collect()
}

fn route(route: &Value) -> Value {
    let policy = &route["rateLimitPolicy"];
    let mut made = json!({
        "match": {"prefix": route["conditions"][0]["prefix"]},
        "route": {"cluster": "shop/shop/8080", "rate_limits": limits(policy)}});
    if policy["global"]["disabled"] == true {
        made["typed_per_filter_config"] =
            json!({FILTER: {"@type": format!("{PACKAGE}.RateLimitPerRoute"), "vh_rate_limits": "IGNORE"}});
    }
    made
}

/// Two hosts: that of the example, and one that says nothing and so has the default.
fn hosts() -> Value {
    let proxy = file("http-proxy.yaml").remove(0);
    let spec = &proxy["spec"];
    let routes: Vec<Value> = spec["routes"].as_array().unwrap().iter().map(route).collect();
    let host = &spec["virtualhost"];
    let default = json!({"global": service()["defaultGlobalRateLimitPolicy"]});
    json!([
        {"name": host["fqdn"], "domains": [host["fqdn"]], "rate_limits": limits(&host["rateLimitPolicy"]), "routes": routes},
        {"name": "blog.example.com", "domains": ["blog.example.com"], "rate_limits": limits(&default),
         "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "shop/shop/8080"}}]}])
}

async fn start() -> (Ratekeeper, Envoy, Upstream) {
    let (ratekeeper, upstream) = (ratekeeper(&["deploy/contour/rules.yaml"]).await, Upstream::start().await);
    let router = json!({"name": "envoy.filters.http.router", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}});
    let manager = json!({"name": "envoy.filters.network.http_connection_manager", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "ingress_http", "use_remote_address": true, "normalize_path": true,
        "http_filters": [filter(), router],
        "route_config": {"name": "ingress_http", "virtual_hosts": hosts()}}});
    let listener = json!({"name": "ingress_http", "filter_chains": [{"filters": [manager]}]});
    let shop = json!({"name": "shop/shop/8080", "type": "EDS", "connect_timeout": "2s"});
    let example = Example::of_parts(&[listener], &[cluster(), shop])
        .cluster_at(&extension_cluster(), &[ratekeeper.listen.grpc])
        .cluster_at("shop/shop/8080", &[upstream.address])
        .patient();
    (ratekeeper, example.start("ingress_http").await, upstream)
}

#[tokio::test]
async fn a_host_its_routes_and_the_default_have_their_limits() {
    let (mut ratekeeper, envoy, _upstream) = start().await;
    let get = |path: &str| Client::of(envoy.entrance, "shop.example.com").path(path);
    assert_eq!(get("/checkout").header("x-user", "ada").passed().await, 10);
    assert_eq!(get("/api").header("x-client", "a crawler").passed().await, 5);
    get("/api").pass(70).await;
    get("/assets/logo").pass(70).await;
    let first = get("/").ask().await;
    assert_eq!((first.status, first.header("x-ratelimit-limit")), (200, "60, 60;w=31536000"));
    assert_eq!(Client::of(envoy.entrance, "blog.example.com").passed().await, 60 - 12 - 1, "the default");
    ratekeeper.stop().await;
    get("/").pass(3).await;
}
