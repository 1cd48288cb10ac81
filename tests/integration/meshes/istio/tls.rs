//! `own-tls.yaml`: a gateway that shows its identity to a ratekeeper that has no sidecar, in the manner of Istio's proxies.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::client::Client;
use super::super::mtls::secured;
use super::patch::apply;
use super::proxy::Proxy;
use super::{destination_rule, resource};
use crate::harness::{Authority, Upstream, http};

const SERVER: &str = "spiffe://cluster.local/ns/ratekeeper/sa/ratekeeper";
const GATEWAY: &str = "spiffe://cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account";

/// What the agent beside the proxy hands out.
fn secrets(authority: &Authority, identity: &str, folder: &TempDir) -> Value {
    authority.issue(&[identity]).write(folder.path());
    let file = |name: &str| json!({"filename": folder.path().join(name).display().to_string()});
    let secret = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";
    json!({
        "default": {"@type": secret, "name": "default", "tls_certificate": {
            "certificate_chain": file("cert.pem"), "private_key": file("key.pem")}},
        "ROOTCA": {"@type": secret, "name": "ROOTCA", "validation_context": {
            "trusted_ca": {"filename": authority.file("ca.pem")}}}})
}

/// Leads every secret that would come from the agent to a file.
fn hand_out(value: &mut Value, secrets: &Value, folder: &TempDir) {
    let name = value["name"].as_str().unwrap_or_default().to_owned();
    if value["sds_config"].is_object() {
        let path = folder.path().join(format!("{name}.json"));
        std::fs::write(&path, json!({"resources": [secrets[&name]]}).to_string()).unwrap();
        value["sds_config"] =
            json!({"resource_api_version": "V3", "path_config_source": {"path": path.display().to_string()}});
        return;
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| hand_out(item, secrets, folder)),
        Value::Object(fields) => fields.values_mut().for_each(|field| hand_out(field, secrets, folder)),
        _ => {}
    }
}

#[tokio::test]
async fn a_gateway_is_let_in_by_its_identity_and_no_other_proxy_is() {
    let (authority, server) = (Authority::new(), TempDir::new().unwrap());
    let ratekeeper = secured(&authority, &server, "deploy/istio/rules.yaml", (SERVER, GATEWAY)).await;
    let upstream = Upstream::start().await;
    for (identity, decided) in [(GATEWAY, true), ("spiffe://cluster.local/ns/shop/sa/default", false)] {
        let folder = TempDir::new().unwrap();
        let mut proxy = Proxy::ingress_gateway();
        destination_rule::apply(
            &resource("own-tls.yaml", "DestinationRule", "ratekeeper"),
            proxy.ratekeeper(),
        );
        apply(&resource("gateway.yaml", "EnvoyFilter", "ratekeeper"), &mut proxy);
        let mut example = proxy.example(ratekeeper.listen.grpc, upstream.address).patient();
        example.0["node"] = json!({"id": "gateway", "cluster": "gateway"});
        hand_out(&mut example.0, &secrets(&authority, identity, &folder), &folder);
        let envoy = example.start("0.0.0.0_8080").await;
        let answer = Client::of(envoy.entrance, "shop.example.com").ask().await;
        assert_eq!(answer.status, 200);
        assert_eq!(!answer.header("x-ratelimit-limit").is_empty(), decided, "{identity}");
    }
    let page = http::get(ratekeeper.listen.metrics, "/metrics").await.unwrap().text();
    assert!(page.contains("reason=\"not_allowed\""), "{page}");
}
