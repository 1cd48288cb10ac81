//! One server: its address, and a connection to it that is ready to count.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo};
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout};

use crate::storage::redis::connection::Connection;
use crate::storage::redis::credentials::{Credentials, Login};
use crate::storage::redis::failure::{Failure, Redirect};
use crate::storage::redis::names::{self, Names};
use crate::storage::redis::shard_time::ShardTime;
use crate::storage::redis::tls::Tls;

/// Where a server is and who we are there.
#[derive(Clone)]
pub struct NodeAddress {
    info: ConnectionInfo,
    credentials: Credentials,
    tls: Option<Tls>,
}

/// Why a URL names no server.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// It is no URL of a Redis.
    #[error("not a Redis URL: {0}")]
    NotAUrl(String),
}

/// What stands in the place of the address of a server that nobody has told of yet.
const NOT_KNOWN_YET: &str = "no Sentinel has told yet which server is the master";

/// How a server is connected to.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    /// Who finds the addresses of its name.
    names: &'a Names,
    /// All the time that there is.
    limit: Duration,
    /// When a handshake is over that is not answered.
    until: Instant,
}

/// Where a server listens.
#[derive(Debug, Clone)]
pub enum Endpoint {
    /// On a port of a host.
    Tcp(String, u16),
    /// On a socket in the file system.
    Unix(PathBuf),
    /// Nobody has told yet.
    NotKnownYet,
}

/// How servers are reached that are asked alike: the nodes of a Cluster, or all that the settings name.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    /// Who we are to them.
    pub credentials: Credentials,
    /// TLS, where they are asked by it; never on a socket in the file system.
    pub tls: Option<Tls>,
    /// The number of the database.
    pub database: u32,
}

impl NodeAddress {
    /// The server at this endpoint, asked as this user.
    ///
    /// # Errors
    /// Where the client library does not take the endpoint.
    pub fn new(endpoint: Endpoint, identity: &Identity) -> Result<Self, AddressError> {
        let address = match endpoint {
            Endpoint::Tcp(host, port) => ConnectionAddr::Tcp(host, port),
            Endpoint::Unix(path) => ConnectionAddr::Unix(path),
            Endpoint::NotKnownYet => ConnectionAddr::Tcp(NOT_KNOWN_YET.into(), 0),
        };
        let info =
            address.into_connection_info().map_err(|error| AddressError::NotAUrl(error.to_string()))?;
        let settings =
            info.redis_settings().clone().set_db(i64::from(identity.database)).set_skip_set_lib_name();
        let Identity { credentials, tls, .. } = identity.clone();
        Ok(Self { info: info.set_redis_settings(settings), credentials, tls })
    }

    /// Another server, asked as the same user and by TLS as this one. Without a host it is another port of this one's host.
    #[must_use]
    pub fn beside(&self, host: Option<&str>, port: u16) -> Self {
        let own = match self.info.addr() {
            ConnectionAddr::Tcp(host, _) => host.as_str(),
            _ => "localhost",
        };
        let address = ConnectionAddr::Tcp(host.unwrap_or(own).to_owned(), port);
        Self { info: self.info.clone().set_addr(address), ..self.clone() }
    }

    /// The other server, where this one has sent us to it.
    #[must_use]
    pub fn redirected(&self, to: &Redirect) -> Option<Self> {
        // A node that has no name for another one says `?`.
        let (host, port) = to.address.rsplit_once(':').filter(|(host, _)| *host != "?")?;
        Some(self.beside(Some(host).filter(|host| !host.is_empty()), port.parse().ok()?))
    }

    /// Who we are there.
    pub(super) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Connects, presents the credentials, chooses the database and reads the server's clock, all within `limit`.
    pub(super) async fn connect(
        &self,
        names: &Names,
        limit: Duration,
    ) -> Result<(Connection, ShardTime), Failure> {
        let connected = async {
            let mut connection = self.greet(names, limit).await?;
            let time = connection.read_time().await?;
            Ok((connection, time))
        };
        timeout(limit, connected).await.unwrap_or(Err(Failure::Timeout))
    }

    /// The same without the clock.
    pub(super) async fn connect_aside(&self, names: &Names, limit: Duration) -> Result<Connection, Failure> {
        timeout(limit, self.greet(names, limit)).await.unwrap_or(Err(Failure::Timeout))
    }

    /// Its host, where that is a name whose address may change.
    pub(super) fn host_name(&self) -> Option<&str> {
        match self.info.addr() {
            ConnectionAddr::Tcp(host, _) => Some(host.as_str()).filter(|host| names::is_name(host)),
            _ => None,
        }
    }

    /// Presents the login before the current one where the server does not take that: one of the two knows the other's new
    /// password already, and whoever is behind will follow.
    async fn greet(&self, names: &Names, limit: Duration) -> Result<Connection, Failure> {
        let logins = self.credentials.now();
        let current = logins.current.as_ref().ok_or_else(|| self.credentials.missing())?;
        // A little less than everybody waits, so that a handshake that is never answered is told as that.
        let attempt = Attempt { names, limit, until: Instant::now() + limit.mul_f64(0.95) };
        match (self.greet_as(current, attempt).await, &logins.previous) {
            (Err(refusal @ Failure::NoAuth(_)), Some(previous)) => {
                let connected = self.greet_as(previous, attempt).await.map_err(|_| refusal.clone())?;
                self.credentials.refused(self, &refusal);
                Ok(connected)
            }
            (connected, _) => {
                if connected.is_ok() {
                    self.credentials.accepted(current, self);
                }
                connected
            }
        }
    }

    async fn greet_as(&self, login: &Arc<Login>, attempt: Attempt<'_>) -> Result<Connection, Failure> {
        let greeting = &login.greeting(self.info.redis_settings());
        match self.info.addr() {
            ConnectionAddr::Tcp(_, 0) => Err(Failure::Io(NOT_KNOWN_YET.into())),
            ConnectionAddr::Tcp(host, port) => {
                let stream = attempt.names.connect(host, *port, attempt.limit).await.map_err(io)?;
                stream.set_nodelay(true).map_err(io)?;
                let peer = Some(stream.peer_addr().map_err(io)?);
                let mut connection = match &self.tls {
                    None => Connection::greet(stream, greeting, login).await?,
                    Some(tls) => {
                        let stream = tls.secure((host, *port), stream, attempt.until).await?;
                        Connection::greet(stream, greeting, login).await?
                    }
                };
                connection.peer = peer;
                Ok(connection)
            }
            ConnectionAddr::Unix(path) => {
                let stream = UnixStream::connect(path).await.map_err(io)?;
                Connection::greet(stream, greeting, login).await
            }
            other => Err(Failure::Io(format!("{other} is no address that we connect to").into())),
        }
    }
}

/// Two addresses are equal where they name the same database of the same server; who asks there does not matter.
impl PartialEq for NodeAddress {
    fn eq(&self, other: &Self) -> bool {
        self.info.addr() == other.info.addr()
            && self.info.redis_settings().db() == other.info.redis_settings().db()
    }
}

impl Eq for NodeAddress {}

impl FromStr for NodeAddress {
    type Err = AddressError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let info = url.into_connection_info().map_err(|error| AddressError::NotAUrl(error.to_string()))?;
        let (named, mut identity) = (info.redis_settings(), Identity::default());
        let text = |word: Option<&str>| word.map(str::to_owned);
        identity.credentials = Credentials::fixed(text(named.username()), text(named.password()));
        identity.database = u32::try_from(named.db()).unwrap_or_default();
        let endpoint = match info.addr() {
            ConnectionAddr::Tcp(host, port) => Endpoint::Tcp(host.clone(), *port),
            ConnectionAddr::Unix(path) => Endpoint::Unix(path.clone()),
            other => return Err(AddressError::NotAUrl(format!("{other} is no address that we connect to"))),
        };
        Self::new(endpoint, &identity)
    }
}

impl fmt::Display for NodeAddress {
    /// The address without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.info.addr() {
            ConnectionAddr::Tcp(_, 0) => f.write_str("unknown"),
            address => match self.info.redis_settings().db() {
                0 => address.fmt(f),
                database => write!(f, "{address}/{database}"),
            },
        }
    }
}

impl fmt::Debug for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeAddress({self})")
    }
}

#[expect(clippy::needless_pass_by_value, reason = "handed to map_err")]
fn io(error: std::io::Error) -> Failure {
    Failure::Io(error.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_no_password() {
        for (url, shown) in [
            ("redis://user:secret@cache:6380/3", "cache:6380/3"),
            ("redis://cache", "cache:6379"),
            ("unix:///run/redis.sock?db=2&pass=secret", "/run/redis.sock/2"),
        ] {
            let address: NodeAddress = url.parse().unwrap();
            assert_eq!(address.to_string(), shown);
            assert!(!format!("{address:?}").contains("secret"));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in ["http://cache", "rediss://cache"] {
            assert!(matches!(url.parse::<NodeAddress>(), Err(AddressError::NotAUrl(_))), "{url}");
        }
    }
}
