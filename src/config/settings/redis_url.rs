//! Where a Redis is, and who we are to it: `redis://user:password@host:port/database`, `rediss://…` by TLS, or `unix:///path?db=0`.
//!
//! Whatever is printed of a URL, broken or whole, is without the password.

mod parse;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

/// A server, and the credentials for it.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    /// Where it listens.
    pub endpoint: RedisEndpoint,
    /// Whether the URL asks for TLS: `rediss://`.
    pub tls: bool,
    /// The user; none is Redis's default one.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// The number of the database.
    pub database: u32,
}

/// Where a Redis listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RedisEndpoint {
    /// On a port of a host, whose name or address stands without the brackets of IPv6.
    Tcp {
        /// The host, in small letters.
        host: String,
        /// The port.
        port: u16,
    },
    /// On a socket in the file system.
    Unix(PathBuf),
}

/// Text that is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes what was written into a setting.
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the connection that needs it and nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl RedisUrl {
    /// A server on a host and port, without credentials.
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        let endpoint = RedisEndpoint::Tcp { host: host.into(), port };
        Self { endpoint, tls: false, username: None, password: None, database: 0 }
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The URL as it is written, but for the password.
impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.endpoint {
            RedisEndpoint::Unix(_) => "unix://",
            RedisEndpoint::Tcp { .. } if self.tls => "rediss://",
            RedisEndpoint::Tcp { .. } => "redis://",
        })?;
        if let Some(password) = &self.password {
            for byte in self.username.as_deref().unwrap_or_default().bytes() {
                let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
                if plain {
                    write!(f, "{}", char::from(byte))?;
                } else {
                    write!(f, "%{byte:02X}")?;
                }
            }
            write!(f, ":{password}@")?;
        }
        match &self.endpoint {
            RedisEndpoint::Unix(path) => write!(f, "{}", path.display())?,
            RedisEndpoint::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}")?,
            RedisEndpoint::Tcp { host, port } => write!(f, "{host}:{port}")?,
        }
        match (&self.endpoint, self.database) {
            (_, 0) => Ok(()),
            (RedisEndpoint::Unix(_), database) => write!(f, "?db={database}"),
            (RedisEndpoint::Tcp { .. }, database) => write!(f, "/{database}"),
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for RedisUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Default for RedisUrl {
    fn default() -> Self {
        Self::tcp("127.0.0.1", 6379)
    }
}
