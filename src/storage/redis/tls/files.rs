//! From the files of TLS to how connections are made, or to what is wrong with them.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::{ClientIdentity, HostName, TlsSettings, verify};
use crate::secrets::pem;
use crate::secrets::watched::read;

/// What the files hold.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Files {
    ca: Option<Vec<u8>>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl TlsSettings {
    /// Reads the files.
    pub(super) fn read(&self) -> Result<Files, String> {
        let ca = self.ca.as_deref().map(|path| of("redis.tls.ca", read(path))).transpose()?;
        let identity = self.identity.as_ref().map(|ClientIdentity { certificate, key }| {
            let certificate = of("redis.tls.certificate", read(certificate))?;
            Ok::<_, String>((certificate, of("redis.tls.key", read(key))?))
        });
        Ok(Files { ca, identity: identity.transpose()? })
    }

    /// Makes connections as the files say.
    pub(super) fn connector(&self, files: &Files) -> Result<TlsConnector, String> {
        let provider = Arc::new(ring::default_provider());
        let roots = Arc::new(roots(files.ca.as_deref())?);
        let builder =
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| error.to_string())?;
        let builder = match self.host_name {
            HostName::Verified => builder.with_root_certificates(roots),
            HostName::Ignored => {
                builder.dangerous().with_custom_certificate_verifier(verify::any_name(roots, &provider))
            }
        };
        let config = match &files.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = of("redis.tls.certificate", pem::certificates(certificate))?;
                let key = of("redis.tls.key", pem::private_key(key))?;
                let unusable =
                    |error| format!("redis.tls.certificate and redis.tls.key do not go together: {error}");
                builder.with_client_auth_cert(chain, key).map_err(unusable)?
            }
        };
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

/// Whom we trust.
fn roots(ca: Option<&[u8]>) -> Result<RootCertStore, String> {
    match ca {
        Some(ca) => of("redis.tls.ca", pem::authorities(ca)),
        None => pem::authorities_of_the_system()
            .map_err(|fault| format!("{fault}; set redis.tls.ca to the CA's certificate")),
    }
}

fn of<T, E: fmt::Display>(setting: &str, result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| format!("{setting}: {error}"))
}
