//! A server that a command asks: where it is, the way to it, and one exchange over HTTP/1.
//!
//! What is asked and how long it may take is the command's business.

use std::fmt;
use std::io;
use std::net::SocketAddrV6;
use std::path::PathBuf;
use std::str::FromStr;

use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PeerAddress {
    /// On a host and port.
    Tcp(String),
    /// A socket in the file system.
    Unix(PathBuf),
}

/// A text that is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write HOST:PORT with an IPv6 address in brackets, such as [::1]:8080, or unix:/path")]
pub(super) struct NoAddress;

/// A way to a server.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

impl PeerAddress {
    /// Connects, however long it takes.
    pub(super) async fn connect(&self) -> io::Result<Box<dyn Wire>> {
        Ok(match self {
            Self::Tcp(address) => Box::new(TcpStream::connect(address).await?),
            Self::Unix(path) => Box::new(UnixStream::connect(path).await?),
        })
    }
}

/// Sends a request and reads its whole answer, which must not be longer than `most_bytes`.
pub(super) async fn exchange(
    wire: Box<dyn Wire>,
    request: Request<Body>,
    most_bytes: usize,
) -> anyhow::Result<(StatusCode, Vec<u8>)> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(wire)).await?;
    let answered = async {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = to_bytes(Body::new(body), most_bytes).await?;
        anyhow::Ok((head.status, body.into()))
    };
    tokio::pin!(answered, connection);
    tokio::select! {
        answer = &mut answered => answer,
        // It may end before what it has read is taken.
        _ = &mut connection => answered.await,
    }
}

impl FromStr for PeerAddress {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() { Err(NoAddress) } else { Ok(Self::Unix(path.into())) };
        }
        let address = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
        let (host, port) = address.rsplit_once(':').ok_or(NoAddress)?;
        let is_host = match host.contains([':', '[', ']']) {
            // Without its brackets nobody can tell where an IPv6 address ends.
            true => address.parse::<SocketAddrV6>().is_ok(),
            false => !host.is_empty(),
        };
        let is_address = is_host && port.parse::<u16>().is_ok();
        is_address.then(|| Self::Tcp(address.to_owned())).ok_or(NoAddress)
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_host_and_port_or_a_socket() {
        let tcp = |address: &str| Ok(PeerAddress::Tcp(address.into()));
        assert_eq!("127.0.0.1:6070".parse(), tcp("127.0.0.1:6070"));
        assert_eq!("http://localhost:6070/".parse(), tcp("localhost:6070"));
        assert_eq!("[::1]:6070".parse(), tcp("[::1]:6070"));
        assert_eq!("[fe80::1%2]:6070".parse(), tcp("[fe80::1%2]:6070"));
        assert_eq!("unix:/run/a.sock".parse(), Ok(PeerAddress::Unix("/run/a.sock".into())));
        for wrong in ["", "localhost", ":6070", "localhost:x", "unix:", "localhost:70000"] {
            assert_eq!(wrong.parse::<PeerAddress>(), Err(NoAddress), "{wrong}");
        }
        for wrong in
            ["::1:8080", "http://::1:8080/", "::1", "[::1]", "[::1:80", "::1]:80", "[localhost]:80", "a:b:80"]
        {
            assert_eq!(wrong.parse::<PeerAddress>(), Err(NoAddress), "{wrong}");
        }
        assert!(NoAddress.to_string().contains("in brackets, such as [::1]:8080"));
    }
}
