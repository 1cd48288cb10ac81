//! Applies a DestinationRule to the cluster of its service as istiod does.

use serde_json::{Value, json};

use super::base::RATEKEEPER;

/// Changes the cluster by the rule's traffic policy, of which every field must be known here.
pub(super) fn apply(rule: &Value, cluster: &mut Value) {
    let host = RATEKEEPER.rsplit('|').next().unwrap();
    assert_eq!(rule["spec"]["host"], host);
    for (name, policy) in rule["spec"]["trafficPolicy"].as_object().unwrap() {
        match name.as_str() {
            "loadBalancer" => {
                assert_eq!(
                    *policy,
                    json!({"simple": "LEAST_REQUEST", "localityLbSetting": {"enabled": false}})
                );
                cluster["lb_policy"] = "LEAST_REQUEST".into();
            }
            "connectionPool" => connection_pool(policy, cluster),
            "outlierDetection" => outlier_detection(policy, cluster),
            "tls" if policy.is_null() => {}
            "tls" => tls(policy, host, cluster),
            other => panic!("{other} is not known here"),
        }
    }
}

fn connection_pool(pool: &Value, cluster: &mut Value) {
    let (tcp, keepalive) = (&pool["tcp"], &pool["tcp"]["tcpKeepalive"]);
    cluster["connect_timeout"] = tcp["connectTimeout"].clone();
    cluster["upstream_connection_options"] = json!({"tcp_keepalive": {
        "keepalive_time": seconds(&keepalive["time"]), "keepalive_interval": seconds(&keepalive["interval"]),
        "keepalive_probes": keepalive["probes"]}});
    cluster["circuit_breakers"]["thresholds"][0]["max_requests"] = pool["http"]["http2MaxRequests"].clone();
}

fn seconds(duration: &Value) -> u64 {
    duration.as_str().unwrap().strip_suffix('s').unwrap().parse().unwrap()
}

fn outlier_detection(policy: &Value, cluster: &mut Value) {
    cluster["outlier_detection"] = json!({
        "consecutive_5xx": policy["consecutive5xxErrors"], "enforcing_consecutive_5xx": 100,
        "enforcing_success_rate": 0, "interval": policy["interval"],
        "base_ejection_time": policy["baseEjectionTime"],
        "max_ejection_percent": policy["maxEjectionPercent"]});
    cluster["common_lb_config"] = json!({"healthy_panic_threshold": {}});
}

/// The proxy's own certificate and the mesh's authority, which its agent hands out as `default` and `ROOTCA`.
fn tls(policy: &Value, host: &str, cluster: &mut Value) {
    assert_eq!(policy["mode"], "ISTIO_MUTUAL");
    let names: Vec<Value> = policy["subjectAltNames"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| json!({"san_type": "URI", "matcher": {"exact": name}}))
        .collect();
    let secret = |name: &str| json!({"name": name, "sds_config": {"ads": {}, "resource_api_version": "V3"}});
    cluster["transport_socket"] = json!({"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "sni": format!("outbound_.8081_._.{host}"),
        "common_tls_context": {
            "tls_certificate_sds_secret_configs": [secret("default")],
            "combined_validation_context": {
                "default_validation_context": {"match_typed_subject_alt_names": names},
                "validation_context_sds_secret_config": secret("ROOTCA")},
            "alpn_protocols": ["istio-peer-exchange", "istio", "h2"]}}});
}
