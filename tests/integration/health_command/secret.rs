//! The same over TLS, of a listener that may want to know who asks.

use tempfile::TempDir;

use super::{check, health};
use crate::harness::Authority;
use crate::harness::authority::Issued;
use crate::tls::Secured;

#[tokio::test]
async fn a_port_that_speaks_tls_is_asked_by_tls() {
    let authority = Authority::new();
    let secured = Secured::start(&authority, "", "").await;
    let address = secured.server.listen.grpc;
    let (plain, tls) = (format!("--grpc --address {address}"), format!("--grpc --tls --address {address}"));
    let ca = format!("--ca {}", authority.file("ca.pem"));
    check(&health(&format!("{tls} {ca}")).await, 0, &["answers SERVING"]);
    let named = format!("--grpc --tls {ca} --address localhost:{}", address.port());
    check(&health(&named).await, 0, &["localhost"]);
    check(&health(&format!("{tls} {ca} --server-name localhost")).await, 0, &["SERVING"]);
    check(&health(&format!("{tls} {ca} --server-name other")).await, 1, &["TLS fails", "--server-name"]);
    let stranger = Authority::new();
    let strangers = format!("--ca {}", stranger.file("ca.pem"));
    check(&health(&format!("{tls} {strangers}")).await, 1, &["TLS fails", "--ca"]);
    check(&health(&plain).await, 1, &["--tls asks by TLS"]);
}

#[tokio::test]
async fn a_port_that_wants_a_certificate_is_shown_one() {
    let authority = Authority::new();
    let secured = Secured::start(&authority, "client_ca: CA", "").await;
    let address = secured.server.listen.grpc;
    let asked = format!("--grpc --tls --ca {} --address {address}", authority.file("ca.pem"));
    let shown = |by: &Authority| {
        let of = |name: &str| by.file(&format!("client/{name}.pem"));
        format!("{asked} --certificate {} --key {}", of("cert"), of("key"))
    };
    check(&health(&shown(&authority)).await, 0, &["SERVING"]);
    check(&health(&asked).await, 1, &["--certificate and --key"]);
    let stranger = Authority::new();
    let untrusted = ["received fatal alert", "grpc.tls.client_ca", "--certificate and --key"];
    check(&health(&shown(&stranger)).await, 1, &untrusted);
}

#[tokio::test]
async fn a_refused_certificate_is_told_by_what_refuses_it() {
    let authority = Authority::new();
    let secured = Secured::start(&authority, "client_ca: CA, allowed_names: [a.client]", "").await;
    let asked =
        format!("--grpc --tls --ca {} --address {}", authority.file("ca.pem"), secured.server.listen.grpc);
    let folder = TempDir::new().unwrap();
    let shown = |issued: &Issued| {
        issued.write(folder.path());
        let of = |name: &str| folder.path().join(name).display().to_string();
        format!("{asked} --certificate {} --key {}", of("cert.pem"), of("key.pem"))
    };
    check(&health(&shown(&authority.issue(&["a.client"]))).await, 0, &["SERVING"]);
    let unlisted = health(&shown(&authority.issue(&["b.client"]))).await;
    check(&unlisted, 1, &["AccessDenied; it trusts the certificate", "is in grpc.tls.allowed_names"]);
    let expired = health(&shown(&authority.issue_until(&["a.client"], 2001))).await;
    check(&expired, 1, &["CertificateExpired; renew the certificate"]);
}

#[tokio::test]
async fn settings_with_tls_are_not_asked_in_plain() {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    let secured = Secured::start(&authority, "", "").await;
    let file = folder.path().join("ratekeeper.yaml");
    let of = |name: &str| authority.file(&format!("server/{name}.pem"));
    let (certificate, key) = (of("cert"), of("key"));
    let tls = format!("grpc: {{tls: {{certificate: {certificate:?}, key: {key:?}}}}}");
    std::fs::write(&file, format!("listen: {{grpc: '{}'}}\n{tls}\n", secured.server.listen.grpc)).unwrap();
    let asked = format!("--grpc --config {}", file.display());
    check(&health(&asked).await, 2, &["listen.grpc speaks TLS", "--ca"]);
    check(&health(&format!("{asked} --tls --ca {}", authority.file("ca.pem"))).await, 0, &["SERVING"]);
}
