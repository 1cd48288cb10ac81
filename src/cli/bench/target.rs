//! Where the load goes: the address of a server and the way to it.
//!
//! Owns dialling only. What is sent over the connection is none of its business.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};

use super::link::{Link, LinkError};

/// A server's address: `host:port` or `unix:/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A TCP address; the name is resolved when connecting.
    Tcp {
        /// The part before the last colon, with its brackets if it is an IPv6 address.
        host: String,
        /// The port, from 1.
        port: u16,
    },
    /// The path of a Unix-domain socket.
    Unix(PathBuf),
}

/// Why a text is not a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no address: write host:port or unix:/path")]
pub struct InvalidTarget {
    text: String,
}

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The transport was refused or not found.
    #[error("cannot connect to {target}: is the server listening there?")]
    Dial {
        /// Who did not answer.
        target: Target,
        /// What the system said.
        source: io::Error,
    },
    /// Something answered, but not in HTTP/2.
    #[error("{target} does not speak HTTP/2 without TLS")]
    Handshake {
        /// Who answered.
        target: Target,
        /// What went wrong.
        source: LinkError,
    },
    /// The system gave no timer for requests that are due at their time.
    #[error("cannot make a timer")]
    Timer(#[source] io::Error),
    /// Nothing came back in time.
    #[error("no connection to {target} within {} ms", after.as_millis())]
    Timeout {
        /// Who did not answer.
        target: Target,
        /// How long was waited.
        after: Duration,
    },
}

impl Target {
    /// Connects, within `timeout`.
    ///
    /// # Errors
    ///
    /// When nobody listens, nothing comes back, or what comes back is not HTTP/2.
    pub async fn connect(&self, timeout: Duration) -> Result<Link, ConnectError> {
        match tokio::time::timeout(timeout, self.dial()).await {
            Ok(connected) => connected,
            Err(_) => Err(ConnectError::Timeout { target: self.clone(), after: timeout }),
        }
    }

    /// What requests carry as `:authority`.
    #[must_use]
    pub fn authority(&self) -> String {
        match self {
            Target::Tcp { .. } => self.to_string(),
            Target::Unix(_) => "localhost".to_owned(),
        }
    }

    async fn dial(&self) -> Result<Link, ConnectError> {
        let refused = |source| ConnectError::Dial { target: self.clone(), source };
        let link = match self {
            Target::Tcp { host, port } => {
                let name = host.trim_start_matches('[').trim_end_matches(']');
                let stream = TcpStream::connect((name, *port)).await.map_err(refused)?;
                stream.set_nodelay(true).map_err(refused)?;
                Link::open(Box::new(stream)).await
            }
            Target::Unix(path) => {
                Link::open(Box::new(UnixStream::connect(path).await.map_err(refused)?)).await
            }
        };
        link.map_err(|source| ConnectError::Handshake { target: self.clone(), source })
    }
}

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, InvalidTarget> {
        let invalid = || InvalidTarget { text: text.to_owned() };
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err(invalid()) } else { Ok(Target::Unix(path.into())) };
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(invalid)?;
        let bracketed = host.starts_with('[') && host.ends_with(']');
        let port = port.parse::<u16>().map_err(|_| invalid())?;
        if host.is_empty() || port == 0 || (host.contains(':') && !bracketed) || host.contains('/') {
            return Err(invalid());
        }
        Ok(Target::Tcp { host: host.to_owned(), port })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Tcp { host, port } => write!(f, "{host}:{port}"),
            Target::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&Target>) {
        assert_eq!(text.parse::<Target>().ok().as_ref(), expected, "{text}");
    }

    fn tcp(host: &str, port: u16) -> Target {
        Target::Tcp { host: host.to_owned(), port }
    }

    #[test]
    fn addresses_are_host_and_port_or_a_socket_path() {
        check("127.0.0.1:8081", Some(&tcp("127.0.0.1", 8081)));
        check("ratelimit.mesh:1", Some(&tcp("ratelimit.mesh", 1)));
        check("[::1]:8081", Some(&tcp("[::1]", 8081)));
        check("unix:/run/rk.sock", Some(&Target::Unix("/run/rk.sock".into())));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "8081", ":8081", "host:", "host:0", "host:65536", "::1:80", "http://host:80", "unix:"]
        {
            check(text, None);
        }
    }

    #[test]
    fn an_address_is_shown_as_it_was_written() {
        for text in ["127.0.0.1:8081", "[::1]:8081", "unix:/run/rk.sock"] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
    }
}
