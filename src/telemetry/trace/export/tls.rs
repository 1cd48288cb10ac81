//! TLS to a collector: by the CA that the settings name, or by those that this system trusts.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use opentelemetry_otlp::tonic_types::transport::{Certificate, ClientTlsConfig};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

use super::{Collector, ExportError};
use crate::secrets::pem;
use crate::secrets::watched::read;

/// The variable that names the CA.
const CA: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";

/// How a gRPC channel makes connections secret; nothing where they are not to be.
pub(super) fn of_grpc(collector: &Collector) -> Result<Option<ClientTlsConfig>, ExportError> {
    if !is_secret(collector) {
        return Ok(None);
    }
    let config = ClientTlsConfig::new();
    Ok(Some(match &collector.ca {
        None => config.with_native_roots(),
        Some(path) => {
            let (text, _) = authorities(path)?;
            config.ca_certificate(Certificate::from_pem(text))
        }
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
    match &collector.ca {
        Some(path) => authorities(path).map(|(_, roots)| roots),
        None => pem::authorities_of_the_system()
            .map_err(|fault| ExportError::Tls(format!("{fault}; name the collector's with {CA}"))),
    }
}

/// The text of this file, and the authorities in it: all of them, as one that cannot be read may be the one that is needed.
fn authorities(path: &Path) -> Result<(Vec<u8>, RootCertStore), ExportError> {
    let unusable = |fault: &dyn fmt::Display| ExportError::Tls(format!("{CA}: {fault}"));
    let text = read(path).map_err(|fault| unusable(&fault))?;
    let roots = pem::authorities(&text).map_err(|fault| unusable(&format!("{}: {fault}", path.display())))?;
    Ok((text, roots))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Protocol;
    use super::*;

    #[test]
    fn a_certificate_that_cannot_be_read_is_told_and_not_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        let endpoint = "https://127.0.0.1:4317".to_owned();
        let collector =
            Collector { protocol: Protocol::Grpc, endpoint, ca: Some(ca.clone()), timeout: Duration::MAX };
        let told = || {
            let made = [of_grpc(&collector).map(drop), of_http(&collector).map(drop)];
            let [grpc, http] = made.map(|made| made.map_err(|error| error.to_string()));
            assert_eq!(grpc, http);
            http
        };
        let good = rcgen::generate_simple_self_signed(["ca.test".to_owned()]).unwrap().cert.pem();
        std::fs::write(&ca, &good).unwrap();
        assert_eq!(told(), Ok(()));
        for (text, fault) in [
            (format!("{good}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "BadEncoding"),
            (good.replace("-----END", "--END"), "no certificate in PEM form"),
            (String::new(), "is empty"),
        ] {
            std::fs::write(&ca, text).unwrap();
            let told = told().unwrap_err();
            assert!(told.contains(CA) && told.contains(fault), "{told}");
        }
    }
}
