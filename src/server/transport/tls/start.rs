//! The files of TLS at a start, or when somebody wants to know what a start would make of them.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::files::{Files, InForce};
use super::strangers::Strangers;
use super::{OTHER_REMEDY, TlsError, TlsSettings, validity};

/// How often files that are of no use are read again at the start, in case somebody is just writing them.
const ATTEMPTS: u32 = 5;

/// How long they are waited for each time.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

impl TlsSettings {
    /// Reads the files as a start does, and gives what it would warn of.
    ///
    /// # Errors
    /// Where a start would fail.
    pub async fn check(&self) -> Result<Vec<String>, TlsError> {
        let (_, in_force) = self.load(&Arc::default()).await?;
        let now = validity::now();
        let ours = in_force.untimely(now).map(|untimely| {
            format!("grpc.tls.certificate {untimely}: clients refuse it; {}", untimely.remedy())
        });
        let others = in_force.untimely_others(now).map(|(place, untimely)| {
            format!("certificate {place} of grpc.tls.certificate {untimely}; {OTHER_REMEDY}")
        });
        Ok(ours.into_iter().chain(others).collect())
    }

    /// What the files hold, and how handshakes go by them.
    pub(super) async fn load(&self, strangers: &Arc<Strangers>) -> Result<(Files, InForce), TlsError> {
        let mut attempts = 1;
        loop {
            let made = self.read().and_then(|files| Ok((self.make(&files, strangers)?, files)));
            match made {
                Ok((in_force, files)) => return Ok((files, in_force)),
                Err(fault) if attempts == ATTEMPTS => return Err(TlsError(fault)),
                Err(_) => attempts += 1,
            }
            sleep(PAUSE).await;
        }
    }
}
