//! Addresses to listen on, and the sockets that do: TCP (IPv4, IPv6) and Unix domain.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket, UnixListener};

use super::listen::socket_file::SocketFile;
use super::socket::{self, Socket};

mod socket_file;

/// Connections that are taken from a queue that is being closed, however fast more come: as many as a queue holds by Linux's
/// own bound (`somaxconn`, 4,096) and one.
const MOST_WAITING: usize = 4_097;

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ListenAddress {
    /// An IP address and port; port 0 lets the system choose one.
    Tcp(SocketAddr),
    /// The path of a Unix-domain socket.
    Unix(PathBuf),
}

/// How to listen, beside where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindOptions {
    /// Connections that may wait to be accepted.
    pub backlog: u32,
    /// The permissions of a Unix-domain socket's file. The peer needs the right to write.
    pub unix_mode: u32,
}

/// A socket that listens, though nobody accepts yet. Removes its file, if it has one, when dropped.
#[derive(Debug)]
pub struct Listener {
    kind: Kind,
    address: ListenAddress,
}

/// Why an address cannot be listened on, and what to do about it.
#[derive(Debug, Error)]
pub enum ListenError {
    /// Another process listens there.
    #[error(
        "cannot listen on {0}: the address is in use; stop the process that listens there, or choose another address"
    )]
    InUse(ListenAddress),
    /// The system forbids it.
    #[error(
        "cannot listen on {0}: permission denied; choose a port above 1023, or a folder that this user may write"
    )]
    Forbidden(ListenAddress),
    /// The IP address is none of this machine's.
    #[error("cannot listen on {0}: this machine has no such address; use 0.0.0.0 or [::] to listen on all")]
    NotHere(ListenAddress),
    /// The path is taken by something that is not a socket, and that we therefore do not remove.
    #[error("cannot listen on {0}: the file there is not a socket; remove it, or choose another path")]
    NotASocket(ListenAddress),
    /// The folder of a Unix-domain socket does not exist.
    #[error("cannot listen on {0}: its folder does not exist; create it, or choose another path")]
    NoFolder(ListenAddress),
    /// Anything else.
    #[error("cannot listen on {address}")]
    Io {
        /// Where.
        address: ListenAddress,
        /// What the system said.
        source: io::Error,
    },
}

/// A text that is no address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` is not an address to listen on; write IP:PORT, such as 0.0.0.0:8081 or [::]:8081, or unix:/PATH"
)]
pub struct InvalidListenAddress(String);

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener, SocketFile),
}

impl Default for BindOptions {
    fn default() -> Self {
        Self { backlog: 1024, unix_mode: 0o660 }
    }
}

impl Listener {
    /// Starts to listen. A socket file on which nobody answers any more is replaced.
    ///
    /// Must be called within a tokio runtime, which then watches the socket.
    ///
    /// # Errors
    ///
    /// The address is taken, forbidden or not there.
    pub fn bind(address: &ListenAddress, options: &BindOptions) -> Result<Self, ListenError> {
        match address {
            ListenAddress::Tcp(wanted) => {
                let (listener, bound) =
                    bind_tcp(*wanted, options.backlog).map_err(|error| ListenError::new(address, error))?;
                Ok(Self { kind: Kind::Tcp(listener), address: ListenAddress::Tcp(bound) })
            }
            ListenAddress::Unix(path) => {
                let (listener, file) = socket_file::bind(path, options.unix_mode)
                    .map_err(|error| ListenError::new(address, error))?;
                Ok(Self { kind: Kind::Unix(listener, file), address: address.clone() })
            }
        }
    }

    /// Where it listens: with the port that the system chose, where that was left to it.
    #[must_use]
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    pub(crate) async fn accept(&self) -> io::Result<Socket> {
        match &self.kind {
            Kind::Tcp(listener) => listener.accept().await.map(|(stream, _)| Socket::from(stream)),
            Kind::Unix(listener, _) => listener.accept().await.map(|(stream, _)| Socket::from(stream)),
        }
    }

    /// Stops listening. Gives the connections that the system had completed by then, so that none of them
    /// is reset: their peers may already have sent a call.
    pub(crate) fn close(self) -> io::Result<Vec<socket::Detached>> {
        match self.kind {
            Kind::Tcp(listener) => {
                let listener = listener.into_std()?;
                Ok(waiting(|| listener.accept()))
            }
            Kind::Unix(listener, file) => {
                // The file goes first: whoever finds no file knows that nobody listens.
                drop(file);
                let listener = listener.into_std()?;
                Ok(waiting(|| listener.accept()))
            }
        }
    }
}

impl ListenError {
    fn new(address: &ListenAddress, source: io::Error) -> Self {
        let address = address.clone();
        match source.kind() {
            io::ErrorKind::AddrInUse => Self::InUse(address),
            io::ErrorKind::PermissionDenied => Self::Forbidden(address),
            io::ErrorKind::AddrNotAvailable => Self::NotHere(address),
            io::ErrorKind::AlreadyExists => Self::NotASocket(address),
            io::ErrorKind::NotFound => Self::NoFolder(address),
            _ => Self::Io { address, source },
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl FromStr for ListenAddress {
    type Err = InvalidListenAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidListenAddress(text.to_owned());
        match text.strip_prefix("unix:") {
            Some("") => Err(invalid()),
            Some(path) => Ok(Self::Unix(PathBuf::from(path))),
            None => text.parse().map(Self::Tcp).map_err(|_| invalid()),
        }
    }
}

/// What waits in the queue of a socket that does not block.
fn waiting<S, A, T: From<S>>(mut accept: impl FnMut() -> io::Result<(S, A)>) -> Vec<T> {
    let accepted = std::iter::from_fn(|| accept().ok());
    accepted.take(MOST_WAITING).map(|(stream, _)| stream.into()).collect()
}

fn bind_tcp(address: SocketAddr, backlog: u32) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Connections of a former process that still linger must not keep a restart from listening.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(backlog)?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_fills_as_fast_as_it_is_emptied_comes_to_an_end() {
        let taken: Vec<u8> = waiting(|| Ok((1, "a peer")));
        assert_eq!(taken.len(), MOST_WAITING);
    }
}
