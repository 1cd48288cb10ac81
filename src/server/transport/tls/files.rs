//! From the files of TLS to how handshakes go, or to what is wrong with the files and what to do about it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::UnixTime;
use rustls::server::NoServerSessionStorage;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use super::strangers::Strangers;
use super::validity::{Untimely, Validity};
use super::verify::ListedClients;
use super::{ClientSettings, Presence, TlsSettings};
use crate::secrets::{pem, watched};

const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;

/// What the files hold.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

/// How handshakes go.
pub(super) struct InForce {
    pub(super) config: Arc<ServerConfig>,
    /// When our certificate is good.
    pub(super) validity: Validity,
    /// When those behind it in its file are. Clients may have other ways to an authority, so they decide nothing.
    others: Vec<Validity>,
    /// What is asked of clients, in a word for the log.
    pub(super) clients: &'static str,
}

impl TlsSettings {
    /// Reads the files.
    pub(super) fn read(&self) -> Result<Files, String> {
        let read = |setting: &str, path: &Path| {
            let help = "write the path of a file that this user may read";
            watched::read(path).map_err(|fault| format!("{setting}: {fault}; {help}"))
        };
        Ok(Files {
            certificate: read("grpc.tls.certificate", &self.certificate)?,
            key: read("grpc.tls.key", &self.key)?,
            client_ca: self
                .clients
                .as_ref()
                .map(|clients| read("grpc.tls.client_ca", &clients.ca))
                .transpose()?,
        })
    }

    /// Shakes hands as the files say. Of clients that are not let in `strangers` tells.
    pub(super) fn make(&self, files: &Files, strangers: &Arc<Strangers>) -> Result<InForce, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let (builder, clients) = match self.clients.as_ref().zip(files.client_ca.as_ref()) {
            None => (builder.with_no_client_auth(), "anybody"),
            Some((clients, ca)) => (
                builder.with_client_cert_verifier(clients.verifier(ca, provider, strangers)?),
                clients.presence.name(),
            ),
        };
        let chain = of("grpc.tls.certificate", pem::certificates(&files.certificate))?;
        let key = of("grpc.tls.key", pem::private_key(&files.key))?;
        let mut all = chain.iter().map(|certificate| of("grpc.tls.certificate", Validity::of(certificate)));
        let validity = all.next().ok_or("grpc.tls.certificate: no certificate in PEM form")??;
        let others = all.collect::<Result<_, _>>()?;
        let mut config = builder.with_single_cert(chain, key).map_err(|error| {
            format!(
                "grpc.tls.certificate and grpc.tls.key do not go together: {error}; give the key that the first certificate \
                 of the file was made for"
            )
        })?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(InForce { config: Arc::new(config), validity, others, clients })
    }
}

impl ClientSettings {
    fn verifier(
        &self,
        ca: &[u8],
        provider: Arc<CryptoProvider>,
        strangers: &Arc<Strangers>,
    ) -> Result<Arc<dyn ClientCertVerifier>, String> {
        let roots = Arc::new(of("grpc.tls.client_ca", pem::authorities(ca))?);
        let builder = WebPkiClientVerifier::builder_with_provider(roots, provider);
        let builder = match self.presence {
            Presence::Required => builder,
            Presence::Optional => builder.allow_unauthenticated(),
        };
        let trusted = of("grpc.tls.client_ca", builder.build())?;
        if self.allowed.is_empty() {
            return Ok(trusted);
        }
        Ok(Arc::new(ListedClients::new(trusted, self.allowed.as_slice().into(), Arc::clone(strangers))))
    }
}

impl Presence {
    fn name(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
        }
    }
}

impl InForce {
    /// What is wrong with our certificate at this time.
    pub(super) fn untimely(&self, now: UnixTime) -> Option<Untimely> {
        self.validity.untimely(now)
    }

    /// What is wrong with certificates behind ours, by their places in the file, of which ours is the first.
    pub(super) fn untimely_others(&self, now: UnixTime) -> impl Iterator<Item = (usize, Untimely)> {
        (2..).zip(&self.others).filter_map(move |(place, other)| Some((place, other.untimely(now)?)))
    }

    /// Whole days until our certificate expires; below nothing where it has.
    pub(super) fn days_left(&self, now: UnixTime) -> i64 {
        let seconds = |time: UnixTime| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        (seconds(self.validity.until) - seconds(now)).div_euclid(SECONDS_OF_A_DAY)
    }
}

fn of<T, E: fmt::Display>(setting: &str, result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| format!("{setting}: {error}"))
}
