//! TLS on a listener: who we are by certificate, which clients are let in, and the files of both as they change.
//!
//! A handshake uses what the files held last; connections that are open go on as they are. Files that cannot be used
//! leave what was in force before. No session is resumed: every connection shows its certificate and is held to the
//! authorities of its day, and connections live for so long that it would save nothing.

pub mod names;
pub mod stats;

mod explain;
mod files;
mod renewal;
mod start;
mod strangers;
#[cfg(test)]
mod tests;
mod validity;
mod verify;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls::pki_types::UnixTime;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::socket::Socket;
use crate::secrets::watched::Watched;
use files::InForce;
use names::AllowedName;
use renewal::Seen;
use stats::{TlsFault, TlsStats};

/// How long a client that was refused may keep sending before the connection is closed. Closing with unread bytes would
/// reset the connection, and the client might never see why.
const LINGER: Duration = Duration::from_secs(1);

/// What to do about a certificate behind ours.
const OTHER_REMEDY: &str = "replace it, or leave it out if no client needs it";

/// How connections are made secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// Our certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Which clients are let in; none: everybody, and nobody is asked for a certificate.
    pub clients: Option<ClientSettings>,
}

/// Which clients are let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSettings {
    /// The certificates of the authorities that vouch for them.
    pub ca: PathBuf,
    /// Whether they must have a certificate.
    pub presence: Presence,
    /// Those of them that are let in; empty: all.
    pub allowed: Vec<AllowedName>,
}

/// Whether a client must have a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It must.
    Required,
    /// One without is let in; one that is shown is verified all the same.
    Optional,
}

/// Why there can be no TLS, and what to do about it.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct TlsError(String);

/// A socket whose bytes go over the wire in secret.
pub(super) type SecureStream = TlsStream<Socket>;

/// TLS as it is at one time. All that have the same settings share it.
#[derive(Clone)]
pub struct Tls {
    shared: Arc<Shared>,
}

struct Shared {
    settings: TlsSettings,
    in_force: ArcSwap<InForce>,
    seen: Mutex<Seen>,
    stats: Arc<TlsStats>,
    strangers: Arc<strangers::Strangers>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// Where they are of no use, and still are half a second later.
    pub async fn load(settings: TlsSettings) -> Result<Self, TlsError> {
        let strangers = Arc::default();
        let (files, in_force) = settings.load(&strangers).await?;
        let stats = Arc::new(TlsStats::default());
        stats.set_expiry(in_force.validity.until);
        tell(&in_force, validity::now(), "connections are made secret by this certificate");
        let seen = Mutex::new(Seen::new(Ok(files)));
        let in_force = ArcSwap::from_pointee(in_force);
        Ok(Self { shared: Arc::new(Shared { settings, in_force, seen, stats, strangers }) })
    }

    /// What has to be watched.
    #[must_use]
    pub fn watched(&self) -> Arc<dyn Watched> {
        Arc::<Shared>::clone(&self.shared)
    }

    /// What became of handshakes and files.
    #[must_use]
    pub fn stats(&self) -> &Arc<TlsStats> {
        &self.shared.stats
    }

    /// Shakes hands. What fails is counted, and the client is told why by an alert.
    pub(super) async fn accept(&self, socket: Socket, until: Instant) -> Option<Box<SecureStream>> {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.shared.in_force.load().config));
        let fault = match timeout_at(until, acceptor.accept(socket).into_fallible()).await {
            Ok(Ok(stream)) => return Some(Box::new(stream)),
            Ok(Err((error, socket))) => {
                let fault = TlsFault::of(&error);
                tracing::debug!(why = explain::handshake(&error), "a TLS handshake failed");
                self.shared.stats.count_fault(fault);
                if fault.is_told() {
                    // Whether the client hears it changes nothing.
                    let _ = timeout(LINGER, hear_out(socket)).await;
                }
                return None;
            }
            Err(_) => TlsFault::Timeout,
        };
        self.shared.stats.count_fault(fault);
        None
    }
}

fn tell(in_force: &InForce, now: UnixTime, what: &str) {
    let days_left = in_force.days_left(now);
    if let Some(untimely) = in_force.untimely(now) {
        tracing::error!(days_left, "{what}, but it {untimely}: clients refuse it; {}", untimely.remedy());
    } else {
        tracing::info!(days_left, clients = in_force.clients, "{what}");
    }
    for (place, untimely) in in_force.untimely_others(now) {
        tracing::warn!(place, "a certificate behind ours in grpc.tls.certificate {untimely}: {OTHER_REMEDY}");
    }
}

async fn hear_out(mut socket: Socket) -> std::io::Result<()> {
    socket.shutdown().await?;
    let mut rest = [0; 1024];
    while socket.read(&mut rest).await? > 0 {}
    Ok(())
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
