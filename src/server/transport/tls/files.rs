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
use super::validity::{Untimely, expiry};
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
    /// When our certificate expires.
    pub(super) expiry: UnixTime,
    /// When those behind it in its file do. Clients may have other ways to an authority, so they decide nothing.
    others: Vec<UnixTime>,
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
        let mut expiries = chain.iter().map(|certificate| of("grpc.tls.certificate", expiry(certificate)));
        let expiry = expiries.next().ok_or("grpc.tls.certificate: no certificate in PEM form")??;
        let others = expiries.collect::<Result<_, _>>()?;
        let mut config = builder.with_single_cert(chain, key).map_err(|error| {
            format!(
                "grpc.tls.certificate and grpc.tls.key do not go together: {error}; give the key that the first certificate \
                 of the file was made for"
            )
        })?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(InForce { config: Arc::new(config), expiry, others, clients })
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
        (self.expiry < now).then_some(Untimely::Expired)
    }

    /// Which of the certificates behind ours have expired: their places in the file, of which ours is the first.
    pub(super) fn expired_others(&self, now: UnixTime) -> impl Iterator<Item = usize> {
        let places = (2..).zip(&self.others);
        places.filter(move |(_, expiry)| **expiry < now).map(|(place, _)| place)
    }

    /// Whole days until it expires; below nothing where it has.
    pub(super) fn days_left(&self, now: UnixTime) -> i64 {
        let seconds = |time: UnixTime| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        (seconds(self.expiry) - seconds(now)).div_euclid(SECONDS_OF_A_DAY)
    }
}

fn of<T, E: fmt::Display>(setting: &str, result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| format!("{setting}: {error}"))
}
