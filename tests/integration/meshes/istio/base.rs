//! What istiod 1.29 generates for a proxy, as far as limits touch it: names, order and nesting as in `istioctl proxy-config`.
//!
//! Filters that only Istio's build of Envoy has keep their name and are played by one that does nothing.

use serde_json::{Value, json};

pub(super) const RATEKEEPER: &str = "outbound|8081||ratekeeper.ratekeeper.svc.cluster.local";

const HCM: &str =
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/// The listener of a gateway's port, whose routes come by RDS.
pub(super) fn gateway_listener(port: u16) -> Value {
    let filters = [connection_manager(&format!("outbound_0.0.0.0_{port}"), &format!("http.{port}"))];
    json!({"name": format!("0.0.0.0_{port}"), "address": address(port), "filter_chains": [{"filters": filters}]})
}

/// The routes of a gateway's port: a host with a checkout of its own, and what answers all other hosts.
pub(super) fn gateway_routes(port: u16, checkout: &str) -> Value {
    let mut redirect = route("old", "/old");
    redirect["redirect"] = json!({"path_redirect": "/"});
    redirect.as_object_mut().unwrap().remove("route");
    let shop = json!({
        "name": "shop.example.com:80", "domains": ["shop.example.com"], "include_request_attempt_count": true,
        "routes": [route(checkout, "/checkout"), redirect, route("default", "/")]});
    let other = json!({
        "name": "blog.example.com:80", "domains": ["blog.example.com"], "include_request_attempt_count": true,
        "routes": [route("default", "/")]});
    json!({"name": format!("http.{port}"), "virtual_hosts": [shop, other], "validate_clusters": false})
}

fn route(name: &str, prefix: &str) -> Value {
    json!({
        "name": name, "match": {"prefix": prefix, "case_sensitive": true},
        "route": {"cluster": APPLICATION, "timeout": "0s"}})
}

/// The cluster behind every route here.
pub(super) const APPLICATION: &str = "inbound|8080||";

/// The one listener for all that comes to a pod, with a chain for each port.
pub(super) fn inbound_listener(http: u16, tcp: u16) -> Value {
    let tcp_proxy = json!({"name": "envoy.filters.network.tcp_proxy", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": format!("inbound|{tcp}||"), "cluster": APPLICATION}});
    let manager = connection_manager(&format!("inbound_0.0.0.0_{http}"), &format!("inbound|{http}||"));
    let chain = |port: u16, filter: Value| {
        json!({
            "name": format!("0.0.0.0_{port}"), "filter_chain_match": {"destination_port": port},
            "filters": [filter]})
    };
    json!({
        "name": "virtualInbound", "address": address(15006),
        "filter_chains": [chain(http, manager), chain(tcp, tcp_proxy)]})
}

/// The routes of an inbound port.
pub(super) fn inbound_routes(port: u16) -> Value {
    let host =
        json!({"name": format!("inbound|http|{port}"), "domains": ["*"], "routes": [route("default", "/")]});
    json!({"name": format!("inbound|{port}||"), "virtual_hosts": [host], "validate_clusters": false})
}

/// The cluster of a service, as a proxy has one for each port of each service that it may ask.
pub(super) fn service_cluster() -> Value {
    json!({
        "name": RATEKEEPER, "type": "EDS", "connect_timeout": "10s", "lb_policy": "LEAST_REQUEST",
        "eds_cluster_config": {"eds_config": {"ads": {}}, "service_name": RATEKEEPER},
        "circuit_breakers": {"thresholds": [{
            "max_connections": u32::MAX, "max_pending_requests": u32::MAX, "max_requests": u32::MAX,
            "max_retries": u32::MAX, "track_remaining": true}]},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}}}},
        "common_lb_config": {}})
}

pub(super) fn application_cluster() -> Value {
    json!({"name": APPLICATION, "type": "ORIGINAL_DST", "connect_timeout": "10s"})
}

fn connection_manager(stat_prefix: &str, routes: &str) -> Value {
    let idle = |name: &str| {
        json!({"name": name, "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.set_metadata.v3.Config"}})
    };
    let router = json!({"name": "envoy.filters.http.router", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}});
    json!({"name": "envoy.filters.network.http_connection_manager", "typed_config": {
        "@type": HCM, "stat_prefix": stat_prefix, "use_remote_address": true, "normalize_path": true,
        "rds": {"config_source": {"ads": {}}, "route_config_name": routes},
        "http_filters": [idle("istio.metadata_exchange"), idle("istio.alpn"), idle("istio.stats"), router]}})
}

fn address(port: u16) -> Value {
    json!({"socket_address": {"address": "0.0.0.0", "port_value": port}})
}
