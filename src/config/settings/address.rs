//! Where a server listens: a host and port, or a socket in the file system.

use std::fmt;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

use crate::config::decode::{Decoder, Field, Optional};
use crate::config::diagnostic::quote;

/// What the address of a Unix-domain socket begins with.
const UNIX: &str = "unix:";

/// The longest path that a Unix-domain socket can have on Linux, in bytes.
const MAX_UNIX_PATH: usize = 107;

/// An address to listen on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A name or an IP address, without the brackets of IPv6, and a port; 0 is any free one.
    Tcp {
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
    /// A Unix-domain socket.
    Unix(PathBuf),
}

impl Address {
    /// An address of a host and port.
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        Self::Tcp { host: host.into(), port }
    }

    fn parse(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix(UNIX) {
            let fits = !path.is_empty() && path.len() <= MAX_UNIX_PATH && !path.contains('\0');
            return fits.then(|| Self::Unix(PathBuf::from(path)));
        }
        let (host, port) = text.rsplit_once(':')?;
        let host = match host.strip_prefix('[') {
            Some(bracketed) => {
                bracketed.strip_suffix(']').filter(|host| host.parse::<std::net::Ipv6Addr>().is_ok())?
            }
            None => Some(host).filter(|host| is_name(host))?,
        };
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        Some(Self::tcp(host, digits.then(|| port.parse().ok())??))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Decoder<'_, '_> {
    /// An address to listen on.
    pub(super) fn address(&mut self, field: &Field<'_, '_>) -> Optional<Address> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        Address::parse(&text).map(Some).ok_or_else(|| {
            let message = format!("`{}` must be an address, not {}", field.name, quote(&text));
            self.refuse(
                field,
                message,
                "write `host:port` such as `0.0.0.0:8081` or `[::]:8081`, or `unix:/path`",
            )
        })
    }
}

/// Letters, digits, dots and dashes: host names and IPv4 addresses.
fn is_name(host: &str) -> bool {
    !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_printed() {
        for text in [
            "0.0.0.0:8081",
            "[::1]:80",
            "localhost:0",
            "rate-limit.svc:65535",
            "unix:/run/rk.sock",
            "unix:rk",
        ] {
            assert_eq!(Address::parse(text).map(|address| address.to_string()), Some(text.to_owned()));
        }
        assert_eq!(Address::parse("[::]:80"), Some(Address::tcp("::", 80)));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "8081",
            ":8081",
            "host",
            "host:",
            "host:65536",
            "host:+1",
            "::1:80",
            "[::1]",
            "[x]:1",
            "unix:",
            "a b:1",
        ] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
        assert_eq!(Address::parse(&format!("unix:/{}", "x".repeat(200))), None);
    }
}
