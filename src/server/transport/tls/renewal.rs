//! Files of TLS that change: what is taken over, what is refused until they change again, and what only until its time comes.

use std::sync::Arc;

use rustls::pki_types::UnixTime;

use super::files::Files;
use super::validity::{self, Untimely};
use super::{Shared, tell};
use crate::secrets::watched::{Look, Steady, Watched};

/// What was found in the files.
pub(super) struct Seen {
    /// When they were last taken over or refused.
    judged: Result<Files, String>,
    /// Why they are refused for now. Time may mend that, or whoever sets this machine's clock, so they are judged again.
    untimely: Option<Untimely>,
    /// Since then.
    steady: Steady<Result<Files, String>>,
}

/// Why files are not taken over.
enum Refusal {
    /// They have to change.
    Faulty(String),
    /// They may be good at another time.
    Untimely(Untimely),
}

impl Seen {
    /// What was taken over at the start.
    pub(super) fn new(files: Result<Files, String>) -> Self {
        Self { judged: files, untimely: None, steady: Steady::default() }
    }
}

impl Shared {
    /// Looks at the files by a clock that says this.
    pub(super) fn look_at(&self, now: UnixTime) -> Look {
        let files = self.settings.read();
        let mut seen = self.seen.lock();
        if files == seen.judged {
            seen.steady.forget();
            if seen.untimely.is_some() {
                self.judge(&mut seen, now);
            }
            return Look::Calm;
        }
        if seen.steady.settle(files.clone()).is_none() {
            // A certificate whose key is not there yet usually gets it: what cannot be used is given until the usual look.
            let usable = files.is_ok_and(|files| self.settings.make(&files, &self.strangers).is_ok());
            return if usable { Look::Moving } else { Look::Calm };
        }
        (seen.judged, seen.untimely) = (files, None);
        self.judge(&mut seen, now);
        Look::Calm
    }

    /// Takes the files over, or says why not; the same of the same files is said and counted once.
    fn judge(&self, seen: &mut Seen, now: UnixTime) {
        let told = seen.untimely.take();
        let fault = match self.take_over(&seen.judged, now) {
            Ok(()) => return self.stats.count_reload(true),
            Err(Refusal::Faulty(fault)) => fault,
            Err(Refusal::Untimely(untimely)) => {
                seen.untimely = Some(untimely);
                format!("grpc.tls.certificate {untimely}; {}", untimely.remedy())
            }
        };
        if told.is_some() && told == seen.untimely {
            return;
        }
        self.stats.count_reload(false);
        tracing::error!(
            fault,
            "the certificates of the gRPC port cannot be used; those before stay in force"
        );
    }

    fn take_over(&self, files: &Result<Files, String>, now: UnixTime) -> Result<(), Refusal> {
        let files = files.as_ref().map_err(|fault| Refusal::Faulty(fault.clone()))?;
        let made = self.settings.make(files, &self.strangers).map_err(Refusal::Faulty)?;
        if let Some(untimely) = made.untimely(now)
            && self.in_force.load().untimely(now).is_none()
        {
            return Err(Refusal::Untimely(untimely));
        }
        self.stats.set_expiry(made.validity.until);
        tell(&made, now, "the certificates of the gRPC port were read again: new connections use them");
        self.in_force.store(Arc::new(made));
        Ok(())
    }
}

impl Watched for Shared {
    fn look(&self) -> Look {
        self.look_at(validity::now())
    }
}
