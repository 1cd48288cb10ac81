//! A user and a password as servers are told them.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use redis::{Cmd, RedisConnectionInfo};

use super::source::Words;

/// A user and a password.
pub(in crate::storage::redis) struct Login {
    pub(super) words: Words,
    taken: AtomicBool,
}

impl Login {
    /// One that no server has taken yet.
    pub(super) fn new(words: Words) -> Self {
        Self { words, taken: AtomicBool::new(false) }
    }

    /// Notes that a server took it.
    pub(super) fn note_taken(&self) {
        self.taken.store(true, Ordering::Relaxed);
    }

    /// Whether any server took it.
    pub(super) fn was_taken(&self) -> bool {
        self.taken.load(Ordering::Relaxed)
    }

    /// The greeting of a new connection with this login.
    pub(in crate::storage::redis) fn greeting(&self, settings: &RedisConnectionInfo) -> RedisConnectionInfo {
        let mut settings = settings.clone();
        if let Some(password) = &self.words.password {
            settings = settings.set_password(password);
            if let Some(username) = &self.words.username {
                settings = settings.set_username(username);
            }
        }
        settings
    }

    /// Presents this login on an open connection.
    pub(in crate::storage::redis) fn command(&self) -> Cmd {
        let mut command = redis::cmd("AUTH");
        if let Some(username) = &self.words.username {
            command.arg(username);
        }
        // Only files change, and one of them holds the password.
        command.arg(self.words.password.as_deref().unwrap_or_default());
        command
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(****)")
    }
}
