//! Who we are to servers: a user and a password, given once or kept in files that somebody else refreshes.
//!
//! Whoever has an open connection looks from time to time whether it still is who it should be, and presents the new password
//! without closing it. The password before is kept as the second choice for new connections, so that it does not matter
//! whether the file or the server is changed first.

mod login;
mod source;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;

use crate::secrets::watched::{Look, Steady, Watched};
use crate::storage::redis::failure::Failure;
use crate::storage::redis::remarks::Remarks;
use source::Words;

pub(super) use login::Login;
pub use source::{LoginSource, Word};

/// After how long a login that was refused is presented again on the same connection: servers get new passwords some time
/// before or after us, and note every refusal.
pub(super) const LOGIN_AGAIN: Duration = Duration::from_secs(5);

/// A user and a password as they are at one time. All that have the same credentials share them.
#[derive(Clone)]
pub struct Credentials {
    shared: Arc<Shared>,
}

struct Shared {
    source: LoginSource,
    logins: ArcSwap<Logins>,
    steady: Mutex<Steady<Words>>,
    /// What was last told of the files, so that it is told once.
    fault: Mutex<Option<String>>,
    /// The servers of which was told that they do not take a changed login.
    refusing: Remarks,
}

/// What to present, in this order.
#[derive(Clone, Default)]
pub(super) struct Logins {
    /// Nothing where the files have not been read yet.
    pub(super) current: Option<Arc<Login>>,
    /// The last one before it that a server took: what changed in between, as a wrong password that was mended, is of no use.
    pub(super) previous: Option<Arc<Login>>,
}

impl Credentials {
    /// Credentials from this source. Files that cannot be read yet are a line in the log; connections fail until they can.
    #[must_use]
    pub fn new(source: LoginSource) -> Self {
        let shared = Shared {
            source,
            logins: ArcSwap::default(),
            steady: Mutex::default(),
            fault: Mutex::default(),
            refusing: Remarks::default(),
        };
        let credentials = Self { shared: Arc::new(shared) };
        match credentials.shared.source.read() {
            Ok(words) => credentials.shared.take_over(words),
            Err(fault) => credentials.shared.tell(fault),
        }
        credentials
    }

    /// A user and a password that stay.
    #[must_use]
    pub fn fixed(username: Option<String>, password: Option<String>) -> Self {
        Self::new(LoginSource { username: username.map(Word::Given), password: password.map(Word::Given) })
    }

    /// What has to be watched, where there are files.
    #[must_use]
    pub fn watched(&self) -> Option<Arc<dyn Watched>> {
        let shared: Arc<dyn Watched> = Arc::<Shared>::clone(&self.shared);
        self.shared.source.has_files().then_some(shared)
    }

    /// What to present now.
    pub(super) fn now(&self) -> Arc<Logins> {
        self.shared.logins.load_full()
    }

    /// Why there is nothing to present.
    pub(super) fn missing(&self) -> Failure {
        let fault = self.shared.fault.lock().clone().unwrap_or_default();
        Failure::NoAuth(format!("there are none yet: {fault}").into())
    }

    /// Notes that a server takes this login, which was the current one.
    pub(super) fn accepted(&self, login: &Login, server: &dyn fmt::Display) {
        login.note_taken();
        if self.shared.refusing.forget(&server.to_string()) {
            tracing::info!(%server, "the server accepts the changed user and password now");
        }
    }

    /// Notes that a server does not take the current login, while we have, or can get, a connection with the one before it.
    /// Told once for each server, until it takes one.
    pub(super) fn refused(&self, server: &dyn fmt::Display, why: &Failure) {
        if self.shared.refusing.is_news(&server.to_string(), "refused") {
            tracing::warn!(
                %server, %why,
                "the server does not accept the changed user and password; connections go on with those before. Give the new \
                 password to the server too (ACL SETUSER … >password keeps the old one valid beside it)"
            );
        }
    }
}

impl Default for Credentials {
    fn default() -> Self {
        Self::fixed(None, None)
    }
}

impl Shared {
    fn take_over(&self, words: Words) {
        let Logins { current, previous } = Logins::clone(&self.logins.load());
        let previous = current.filter(|login| login.was_taken()).or(previous);
        self.logins.store(Arc::new(Logins { current: Some(Arc::new(Login::new(words))), previous }));
    }

    /// Says what is wrong with the files, once.
    fn tell(&self, fault: String) {
        let mut told = self.fault.lock();
        if told.as_ref() == Some(&fault) {
            return;
        }
        if self.logins.load().current.is_some() {
            tracing::warn!(
                fault,
                "the user and password for Redis cannot be read; those before stay in force"
            );
        } else {
            tracing::error!(
                fault,
                "the user and password for Redis cannot be read; check redis.password_file and redis.username_file"
            );
        }
        *told = Some(fault);
    }
}

impl Watched for Shared {
    fn look(&self) -> Look {
        let words = match self.source.read() {
            Ok(words) => words,
            Err(fault) => {
                self.tell(fault);
                return Look::Calm;
            }
        };
        if self.fault.lock().take().is_some() {
            tracing::info!("the user and password for Redis can be read");
        }
        let mut steady = self.steady.lock();
        if self.logins.load().current.as_ref().is_some_and(|login| login.words == words) {
            steady.forget();
            return Look::Calm;
        }
        let Some(words) = steady.settle(words) else { return Look::Moving };
        self.take_over(words);
        tracing::info!("the user and password for Redis have changed: open connections present them");
        Look::Calm
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}
