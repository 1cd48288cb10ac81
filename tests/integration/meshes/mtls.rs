//! `deploy/envoy/mtls.yaml`: an Envoy that asks over mutual TLS, and whose certificate changes under it.

use serde_json::Value;
use tempfile::TempDir;

use super::client::Client;
use super::example::{Example, read, with_rules};
use crate::docs::markdown::pages;
use crate::harness::authority::{Issued, Mount};
use crate::harness::{Authority, Ratekeeper, Upstream, wait, yaml};

/// A server with TLS of its own, which lets these clients in.
pub(super) async fn secured(
    authority: &Authority,
    folder: &TempDir,
    rules: &str,
    names: (&str, &str),
) -> Ratekeeper {
    authority.issue(&[names.0]).write(folder.path());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let settings = format!(
        "grpc: {{tls: {{certificate: {}, key: {}, client_ca: {}, allowed_names: [\"{}\"]}}}}",
        path("cert.pem"),
        path("key.pem"),
        authority.file("ca.pem"),
        names.1
    );
    with_rules(&[rules]).settings(&settings).start().await
}

fn files<'f>(shown: &'f Issued, ca: &'f str) -> [(&'f str, &'f str); 3] {
    [("tls.crt", &shown.certificate), ("tls.key", &shown.key), ("ca.crt", ca)]
}

/// The transport socket of the page on operations.
fn socket_of_the_page() -> Value {
    let page = pages().into_iter().find(|page| page.name == "docs/operations.md").unwrap();
    let mut blocks = page.blocks("yaml").into_iter().map(|(_, text)| text);
    yaml::document(&blocks.find(|text| text.starts_with("transport_socket:")).unwrap())
}

/// The example, or what `changed` makes of it, with its files in folders of the test: the secret of `mount`, and those
/// that lead to it.
fn with_secrets(mount: &Mount, folder: &TempDir, changed: impl FnOnce(&mut Example)) -> Example {
    let secret = mount.file("").trim_end_matches('/').to_owned();
    for name in ["ratekeeper-client.yaml", "ratekeeper-ca.yaml"] {
        let text = read(&format!("deploy/envoy/sds/{name}"));
        assert!(text.contains("/etc/envoy/ratekeeper-tls"));
        std::fs::write(folder.path().join(name), text.replace("/etc/envoy/ratekeeper-tls", &secret)).unwrap();
    }
    let mut example = Example(yaml::document(&read("deploy/envoy/mtls.yaml")));
    changed(&mut example);
    let text = example.0.to_string();
    let here = text.replace("\"path\":\"/etc/envoy/sds", &format!("\"path\":\"{}", folder.path().display()));
    assert_ne!(here, text, "no file that follows the secret is named");
    Example(serde_json::from_str(&here).unwrap()).on_loopback()
}

/// Shows the certificate of a stranger first, then one that the server lets in.
async fn takes_a_new_certificate(server: &str, changed: impl FnOnce(&mut Example)) {
    let (authority, folder, sds) = (Authority::new(), TempDir::new().unwrap(), TempDir::new().unwrap());
    let edge = "edge.example.com";
    let ratekeeper = secured(&authority, &folder, "deploy/envoy/rules/edge.yaml", (server, edge)).await;
    let upstream = Upstream::start().await;
    let (stranger, edge) = (authority.issue(&["stranger.example.com"]), authority.issue(&[edge]));
    let mut mount = Mount::new(&files(&stranger, &authority.pem()));
    let envoy = with_secrets(&mount, &sds, changed)
        .cluster_at("shop", &[upstream.address])
        .cluster_at("ratekeeper", &[ratekeeper.listen.grpc])
        .patient()
        .start("http")
        .await;
    let client = Client::of(envoy.entrance, "shop.example.com");
    let first = client.ask().await;
    assert_eq!((first.status, first.header("x-ratelimit-limit")), (200, ""), "nobody decides for a stranger");
    mount.swap(&files(&edge, &authority.pem()));
    wait::until("decisions", || async { !client.ask().await.header("x-ratelimit-limit").is_empty() }).await;
    assert_eq!(client.passed().await, 299);
}

#[tokio::test]
async fn an_envoy_is_let_in_by_its_name_and_takes_a_new_certificate_without_a_restart() {
    takes_a_new_certificate("ratekeeper.ratekeeper.svc", |_| {}).await;
}

#[tokio::test]
async fn so_does_one_with_the_transport_socket_of_the_page_on_operations() {
    takes_a_new_certificate("spiffe://cluster.local/ns/default/sa/ratekeeper", |example| {
        let cluster = example.cluster_mut("ratekeeper");
        cluster["transport_socket"] = socket_of_the_page()["transport_socket"].take();
    })
    .await;
}
