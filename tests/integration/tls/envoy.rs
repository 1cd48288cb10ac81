//! A real Envoy with a SPIFFE id: it gets its limits, keeps its connections while everything is renewed, and leaves in peace.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{GATEWAY, NAMES, SERVER, Secured};
use crate::harness::authority::Issued;
use crate::harness::envoy::Bootstrap;
use crate::harness::traffic::{Traffic, burst};
use crate::harness::{Authority, Envoy, SecureClient, Upstream, ask, wait};

/// Envoy's side of mTLS: its certificate, and which server it talks to.
fn mutual(folder: &TempDir, shown: &Issued, trusted: &str) -> Value {
    shown.write(folder.path());
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("trusted.pem"), trusted).unwrap();
    json!({"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "common_tls_context": {
            "tls_certificates": [{
                "certificate_chain": {"filename": path("cert.pem")}, "private_key": {"filename": path("key.pem")}}],
            "validation_context": {
                "trusted_ca": {"filename": path("trusted.pem")},
                "match_typed_subject_alt_names": [{"san_type": "URI", "matcher": {"exact": SERVER}}]},
            "alpn_protocols": ["h2"]}}})
}

fn asking(servers: &[&Secured], upstream: &Upstream, limit: &str) -> Bootstrap {
    let servers: Vec<_> = servers.iter().map(|secured| &secured.server).collect();
    Envoy::asking(&servers, upstream).descriptor(&[json!({"generic_key": {"descriptor_value": limit}})])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_envoy_with_a_spiffe_id_gets_its_limits() {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    let secured = Secured::listed(&authority).await;
    let upstream = Upstream::start().await;
    let socket = mutual(&folder, &authority.issue(&[GATEWAY]), &authority.pem());
    let envoy = asking(&[&secured], &upstream, "few").secured(socket).start().await;
    let tally = burst(envoy.entrance, 4, 12).await;
    assert_eq!((tally.get("200"), tally.get("429")), (Some(&5), Some(&7)), "{tally:?}\n{}", envoy.log());
    secured.server.logged("connections are made secret by this certificate").await;
    assert!(
        secured.metrics().await.sum("ratekeeper_grpc_tls_certificate_expiry_timestamp_seconds", &[]) > 1e10
    );
    // Another id of the same authority is nobody.
    let folder = TempDir::new().unwrap();
    let other = mutual(
        &folder,
        &authority.issue(&["spiffe://cluster.local/ns/istio-system/sa/other"]),
        &authority.pem(),
    );
    let other = asking(&[&secured], &upstream, "all").secured(other).start().await;
    let tally = burst(other.entrance, 1, 2).await;
    assert_eq!(tally.get("200"), None, "a failure denies: {tally:?}");
    secured.server.logged("names=\"spiffe://cluster.local/ns/istio-system/sa/other\"").await;
    assert!(secured.failed("not_allowed").await >= 1.0);
}

/// First both authorities are trusted and the new certificate is shown, then the new authority alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_renewed_under_load_and_no_call_notices() {
    let (old, new, folder) = (Authority::new(), Authority::new(), TempDir::new().unwrap());
    let mut secured = Secured::listed(&old).await;
    let upstream = Upstream::start().await;
    let both = old.pem() + &new.pem();
    let socket = mutual(&folder, &old.issue(&[GATEWAY]), &both);
    let envoy = asking(&[&secured], &upstream, "all").secured(socket).start().await;
    let traffic = Traffic::start(envoy.entrance, 8);
    traffic.answered(100).await;
    let connections = envoy.statistic("cluster.ratekeeper.upstream_cx_total").await;
    let (stranger, next) = (new.issue(&[GATEWAY]), new.issue(&NAMES));
    let broken = Issued { certificate: next.certificate.clone(), key: stranger.key.clone() };
    secured.swap(&broken, &both, "error", 1.0).await;
    secured
        .server
        .logged("the certificates of the gRPC port cannot be used; those before stay in force")
        .await;
    assert_eq!(secured.metrics().await.sum("ratekeeper_grpc_tls_stale", &[]), 1.0);
    let client = SecureClient::new(&old, Some(&old.issue(&[GATEWAY])));
    client.ask(secured.server.listen.grpc, &ask("k=v")).await.unwrap();
    traffic.answered(100).await;
    secured.swap(&next, &both, "ok", 1.0).await;
    assert_eq!(secured.metrics().await.sum("ratekeeper_grpc_tls_stale", &[]), 0.0);
    traffic.answered(100).await;
    secured.swap(&next, &new.pem(), "ok", 2.0).await;
    traffic.answered(100).await;
    // Who comes now meets the new authority; who was there has noticed nothing.
    let client = SecureClient::new(&new, Some(&stranger));
    client.ask(secured.server.listen.grpc, &ask("k=v")).await.unwrap();
    let client = SecureClient::new(&new, Some(&old.issue(&[GATEWAY])));
    client.ask(secured.server.listen.grpc, &ask("k=v")).await.unwrap_err();
    let tally = traffic.stop().await;
    assert_eq!(tally.keys().collect::<Vec<_>>(), ["200"], "{tally:?}");
    assert_eq!(
        envoy.statistic("cluster.ratekeeper.upstream_cx_total").await,
        connections,
        "no connection is new"
    );
    assert_eq!(envoy.statistic("cluster.ratekeeper.upstream_cx_destroy").await, 0, "and none is gone");
    assert_eq!(envoy.statistic("cluster.ratekeeper.upstream_rq_retry").await, 0);
    assert!(!secured.server.log().contains("PRIVATE KEY"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_by_tls_leave_and_come_back_without_a_failed_request() {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    let (mut first, second) = (Secured::listed(&authority).await, Secured::listed(&authority).await);
    let upstream = Upstream::start().await;
    let socket = mutual(&folder, &authority.issue(&[GATEWAY]), &authority.pem());
    let envoy = asking(&[&first, &second], &upstream, "all").secured(socket).start().await;
    let traffic = Traffic::start(envoy.entrance, 4);
    traffic.answered(50).await;
    assert_eq!(first.server.stop().await.code(), Some(0), "a drain ends well");
    assert!(!first.server.log().contains("connections were cut"), "{}", first.server.log());
    first.server.start_again().await;
    wait::until("Envoy to see both replicas", || async {
        envoy.statistic("cluster.ratekeeper.membership_healthy").await == 2
    })
    .await;
    traffic.answered(50).await;
    let tally = traffic.stop().await;
    assert_eq!(tally.keys().collect::<Vec<_>>(), ["200"], "{tally:?}");
    assert_eq!(envoy.statistic("cluster.ratekeeper.ssl.connection_error").await, 0);
}
