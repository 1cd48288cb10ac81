//! TLS to a gRPC port: whom we trust, and who we are.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, ClientConfig, ConfigBuilder, Error, RootCertStore};
use tokio_rustls::TlsConnector;

use super::TlsArgs;
use crate::cli::peer::{PeerAddress, Wire};
use crate::secrets::pem;

/// What to do where a server hangs up on us and does not say why.
const WANTS_CERTIFICATE: &str =
    "the server may want a certificate that it trusts: --certificate and --key name it";

/// What to do where it says why. Its alerts are all that it tells, so each remedy names the setting behind it.
const REMEDIES: &[(AlertDescription, &str)] = &[
    (
        AlertDescription::AccessDenied,
        "it trusts the certificate, but none of its names is in grpc.tls.allowed_names: add one there, or show another \
         certificate with --certificate and --key",
    ),
    (AlertDescription::UnknownCA, UNTRUSTED),
    (AlertDescription::CertificateUnknown, UNTRUSTED),
    (AlertDescription::DecryptError, UNTRUSTED),
    (
        AlertDescription::CertificateExpired,
        "renew the certificate of --certificate, and check the clocks of both machines",
    ),
];

const UNTRUSTED: &str = "no CA in the server's grpc.tls.client_ca has signed the certificate: show one that such a CA has signed with \
                         --certificate and --key, or add its CA to that file";

/// How a connection is made secret.
pub(super) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

/// Why it was not.
#[derive(Debug)]
pub(super) struct NotSecure {
    pub(super) what: String,
    pub(super) help: String,
}

impl Tls {
    /// What these arguments say of the server at this address.
    ///
    /// # Errors
    /// What is wrong with the files or the name.
    pub(super) fn new(args: &TlsArgs, address: &PeerAddress) -> Result<Self, String> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
        let mut config = identified(args, builder.with_root_certificates(roots(args.ca.as_deref())?))?;
        // Without it a server may take the connection for HTTP/1.
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name: server_name(args, address)? })
    }

    /// Shakes hands.
    pub(super) async fn secure(&self, wire: Box<dyn Wire>) -> Result<Box<dyn Wire>, NotSecure> {
        match self.connector.connect(self.name.clone(), wire).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(NotSecure { what: error.to_string(), help: remedy(&error).into() }),
        }
    }
}

fn identified(
    args: &TlsArgs,
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
) -> Result<ClientConfig, String> {
    let (Some(certificate), Some(key)) = (&args.certificate, &args.key) else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = of(certificate, pem::certificates(&read(certificate)?))?;
    let key = of(key, pem::private_key(&read(key)?))?;
    let mismatch = |error| format!("--certificate and --key do not go together: {error}");
    builder.with_client_auth_cert(chain, key).map_err(mismatch)
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, String> {
    match ca {
        Some(path) => of(path, pem::authorities(&read(path)?)),
        None => {
            pem::authorities_of_the_system().map_err(|fault| format!("{fault}; name the server's with --ca"))
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    of(path, std::fs::read(path))
}

fn of<T, E: fmt::Display>(path: &Path, result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| format!("{}: {error}", path.display()))
}

fn server_name(args: &TlsArgs, address: &PeerAddress) -> Result<ServerName<'static>, String> {
    let name = match (&args.server_name, address) {
        (Some(name), _) => name.clone(),
        (None, PeerAddress::Tcp(address)) => {
            let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
            host.trim_start_matches('[').trim_end_matches(']').to_owned()
        }
        (None, PeerAddress::Unix(_)) => {
            return Err(
                "a Unix socket has no host name; say with --server-name which name its certificate has"
                    .into(),
            );
        }
    };
    ServerName::try_from(name.clone()).map_err(|_| format!("`{name}` is no name that a certificate can have"))
}

/// What to do where a connection ended with these words. HTTP/2 keeps nothing but the words of an alert that comes after the
/// handshake, as one that refuses a certificate does in TLS 1.3.
pub(super) fn refusal(said: &str) -> &'static str {
    let found = REMEDIES.iter().find(|(alert, _)| said.ends_with(&format!(": {alert:?}")));
    found.map_or(WANTS_CERTIFICATE, |&(_, remedy)| remedy)
}

fn remedy(error: &io::Error) -> &'static str {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::InvalidCertificate(fault)) => match fault {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "name the CA of the server's certificate with --ca"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "say with --server-name which name the server's certificate has"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "renew the server's certificate, and check this machine's clock"
            }
            _ => "look at the server's certificate",
        },
        Some(alert @ Error::AlertReceived(_)) => refusal(&alert.to_string()),
        _ => "does this port speak TLS? without --tls it is asked in plain",
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
    }
}
