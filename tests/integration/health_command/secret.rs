//! The same over TLS, against a listener that wants to know who asks.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{check, health};
use crate::harness::Authority;

/// Whether a server asks for certificates of clients.
#[derive(Clone, Copy, PartialEq)]
enum Clients {
    Anybody,
    WithCertificate,
}

fn acceptor(authority: &Authority, clients: Clients) -> TlsAcceptor {
    let pem = |name: &str| authority.path("server").join(name);
    let certificate = CertificateDer::from_pem_file(pem("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(pem("key.pem")).unwrap();
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        Clients::Anybody => builder.with_no_client_auth(),
        Clients::WithCertificate => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_file(authority.path("ca.pem")).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let mut config = builder.with_single_cert(vec![certificate], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// Serves `grpc.health.v1`, as long as the test's runtime lives.
async fn serve(authority: &Authority, clients: Clients) -> SocketAddr {
    let acceptor = acceptor(authority, clients);
    let (_, service) = tonic_health::server::health_reporter();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, service) = (acceptor.clone(), TowerToHyperService::new(service.clone()));
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let _ = http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    address
}

#[tokio::test]
async fn a_port_that_speaks_tls_is_asked_by_tls() {
    let authority = Authority::new();
    let address = serve(&authority, Clients::Anybody).await;
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
    let address = serve(&authority, Clients::WithCertificate).await;
    let asked = format!("--grpc --tls --ca {} --address {address}", authority.file("ca.pem"));
    let shown = |folder: &str| {
        let (certificate, key) =
            (authority.file(&format!("{folder}/cert.pem")), authority.file(&format!("{folder}/key.pem")));
        format!("{asked} --certificate {certificate} --key {key}")
    };
    check(&health(&shown("client")).await, 0, &["SERVING"]);
    check(&health(&asked).await, 1, &["--certificate and --key"]);
    let stranger = Authority::new();
    let of = |name: &str| stranger.file(&format!("client/{name}.pem"));
    let strange = health(&format!("{asked} --certificate {} --key {}", of("cert"), of("key"))).await;
    check(&strange, 1, &["--certificate and --key"]);
}
