//! TLS to servers: whom we trust, who we are there by certificate, and the certificates' files as they change.
//!
//! New connections use what the files held last; open ones stay as they are. Files that cannot be used leave what was in
//! force before.

mod explain;
mod files;
mod stream;
mod verify;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use crate::secrets::watched::{Look, Steady, Watched};
use crate::storage::redis::failure::Failure;
use crate::storage::redis::remarks::Remarks;
use files::Files;

pub(super) use stream::SecureStream;

/// How servers are reached by TLS.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// The certificates of the authorities that are trusted; none: those of the system.
    pub ca: Option<PathBuf>,
    /// Our own certificate and its chain, and its key.
    pub identity: Option<ClientIdentity>,
    /// The name that servers' certificates must have; none: the host that is connected to.
    pub server_name: Option<String>,
    /// Whether the name is looked at.
    pub host_name: HostName,
}

/// Our certificate's files.
#[derive(Debug, Clone)]
pub struct ClientIdentity {
    /// The certificate, and those between it and the authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Whether a server's certificate must have the server's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostName {
    /// It must.
    Verified,
    /// Any certificate of a trusted authority is good enough.
    Ignored,
}

/// What cannot be the name of a server.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no name that a certificate can have; write a host name or an IP address")]
pub struct BadServerName(String);

/// TLS as it is at one time. All that have the same settings share it.
#[derive(Clone)]
pub struct Tls {
    shared: Arc<Shared>,
}

struct Shared {
    settings: TlsSettings,
    server_name: Option<ServerName<'static>>,
    /// Why there is none, until there is one.
    connector: ArcSwap<Result<TlsConnector, String>>,
    steady: Mutex<Steady<Files>>,
    /// Why handshakes with each server fail, to be told once.
    failures: Remarks,
    /// What the files held when they were last taken over or found faulty.
    judged: Mutex<Result<Files, String>>,
}

impl Tls {
    /// TLS with these settings. Files that cannot be used yet are a line in the log; connections fail until they can.
    ///
    /// # Errors
    /// Where the name of the server can be no name.
    pub fn new(settings: TlsSettings) -> Result<Self, BadServerName> {
        let name = settings.server_name.clone();
        let server_name =
            name.map(|name| ServerName::try_from(name.clone()).map_err(|_| BadServerName(name)));
        let server_name = server_name.transpose()?;
        if settings.host_name == HostName::Ignored {
            tracing::warn!(
                "redis.tls.verify_host_name is off: any server with a certificate of a trusted CA is taken for ours; set \
                 redis.tls.server_name to the name in the certificates instead"
            );
        }
        let files = settings.read();
        let connector = files.as_ref().map_err(String::clone).and_then(|files| settings.connector(files));
        if let Err(fault) = &connector {
            tracing::error!(fault, "TLS to Redis cannot be set up; check redis.tls");
        }
        let (connector, judged) = (ArcSwap::from_pointee(connector), Mutex::new(files));
        let (steady, failures) = (Mutex::default(), Remarks::default());
        let shared = Shared { settings, server_name, connector, steady, failures, judged };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// What has to be watched, where there are files.
    #[must_use]
    pub fn watched(&self) -> Option<Arc<dyn Watched>> {
        let shared: Arc<dyn Watched> = Arc::<Shared>::clone(&self.shared);
        let settings = &self.shared.settings;
        (settings.ca.is_some() || settings.identity.is_some()).then_some(shared)
    }

    /// Makes a connection to this host secret.
    pub(super) async fn secure(
        &self,
        (host, port): (&str, u16),
        stream: TcpStream,
        until: Instant,
    ) -> Result<SecureStream, Failure> {
        let (connector, server) = (self.shared.connector.load_full(), &*format!("{host}:{port}"));
        let connector = connector.as_ref().as_ref().map_err(|fault| failure(fault))?;
        let name = match &self.shared.server_name {
            Some(name) => name.clone(),
            None => ServerName::try_from(host.to_owned()).map_err(|error| failure(&error))?,
        };
        let why = match timeout_at(until, connector.connect(name, stream)).await {
            Ok(Ok(stream)) => {
                self.shared.failures.forget(server);
                return Ok(SecureStream::new(stream));
            }
            Ok(Err(error)) => explain::handshake(&error),
            Err(_) => explain::NO_HANDSHAKE.into(),
        };
        let failure = failure(&why);
        // Requests that wait in vain may be what opens the breaker, and theirs is not the reason that somebody needs.
        if self.shared.failures.is_news(server, &why) {
            tracing::warn!(server, why, "TLS to the server fails");
        }
        Err(failure)
    }
}

impl Watched for Shared {
    fn look(&self) -> Look {
        let files = self.settings.read();
        let (mut judged, mut steady) = (self.judged.lock(), self.steady.lock());
        if files == *judged {
            steady.forget();
            return Look::Calm;
        }
        let connector = match &files {
            Ok(files) if steady.settle(files.clone()).is_none() => return Look::Moving,
            Ok(files) => self.settings.connector(files),
            Err(fault) => Err(fault.clone()),
        };
        *judged = files;
        match connector {
            Ok(connector) => {
                self.connector.store(Arc::new(Ok(connector)));
                tracing::info!("the certificates for Redis were read again: new connections use them");
            }
            Err(fault) if self.connector.load().is_ok() => {
                tracing::warn!(
                    fault,
                    "the certificates for Redis cannot be used; those before stay in force"
                );
            }
            Err(fault) => {
                tracing::error!(fault, "TLS to Redis cannot be set up; check redis.tls");
                self.connector.store(Arc::new(Err(fault)));
            }
        }
        Look::Calm
    }
}

fn failure(what: &dyn fmt::Display) -> Failure {
    Failure::Io(format!("TLS: {what}").into())
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

#[cfg(test)]
mod tests;
