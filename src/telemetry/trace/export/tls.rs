//! TLS to a collector: by the CA that the settings name, or by those that this system trusts.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use opentelemetry_otlp::tonic_types::transport::{Certificate, ClientTlsConfig};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::{Collector, ExportError};

/// How a gRPC channel makes connections secret; nothing where they are not to be.
pub(super) fn of_grpc(collector: &Collector) -> Result<Option<ClientTlsConfig>, ExportError> {
    if !is_secret(collector) {
        return Ok(None);
    }
    let config = ClientTlsConfig::new();
    Ok(Some(match &collector.ca {
        None => config.with_native_roots(),
        Some(path) => config.ca_certificate(Certificate::from_pem(read(path)?)),
    }))
}

/// How an HTTP client makes connections, secret or not.
pub(super) fn of_http(collector: &Collector) -> Result<HttpsConnector<HttpConnector>, ExportError> {
    let roots = if is_secret(collector) { roots(collector)? } else { RootCertStore::empty() };
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ExportError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(HttpsConnectorBuilder::new().with_tls_config(config).https_or_http().enable_http1().build())
}

fn is_secret(collector: &Collector) -> bool {
    collector.endpoint.starts_with("https://")
}

fn roots(collector: &Collector) -> Result<RootCertStore, ExportError> {
    let mut roots = RootCertStore::empty();
    match &collector.ca {
        Some(path) => {
            let pem = read(path)?;
            let found = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
            roots.add_parsable_certificates(found);
        }
        None => {
            // Some that cannot be read are no reason to trust none of the others.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(ExportError::Tls("no certificate of a CA can be read".into()));
    }
    Ok(roots)
}

fn read(path: &Path) -> Result<Vec<u8>, ExportError> {
    fs::read(path).map_err(|error| ExportError::Tls(format!("{}: {error}", path.display())))
}
