//! One server: its address, and a connection to it that is ready to count.

use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, Value};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::time::{Instant, timeout};

use crate::decision::time::Timestamp;
use crate::storage::redis::failure::Failure;
use crate::storage::redis::names::{self, Names};
use crate::storage::redis::shard_time::ShardTime;

const MICROS_PER_SECOND: u64 = 1_000_000;

/// Where a server is and who we are there.
#[derive(Clone)]
pub struct NodeAddress {
    info: ConnectionInfo,
}

/// Why a URL names no server.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// It is no URL of a Redis.
    #[error("not a Redis URL: {0}")]
    NotAUrl(String),
    /// It asks for TLS.
    #[error("TLS to Redis is not supported")]
    Tls,
}

/// What stands in the place of the address of a server that nobody has told of yet.
const NOT_KNOWN_YET: &str = "no Sentinel has told yet which server is the master";

/// A connection whose handshake is done. Whoever holds it drives it; it is closed when dropped.
pub(super) struct Connection {
    commands: MultiplexedConnection,
    driver: Pin<Box<dyn Future<Output = ()> + Send>>,
    closed: bool,
    /// Whose connection it is, where that is a host and a port.
    pub(super) peer: Option<SocketAddr>,
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

/// Who we are to a server.
#[derive(Clone, Default)]
pub struct Identity {
    /// The user; none is Redis's default one.
    pub username: Option<String>,
    /// The password.
    pub password: Option<String>,
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
        let mut settings =
            info.redis_settings().clone().set_db(i64::from(identity.database)).set_skip_set_lib_name();
        if let Some(username) = &identity.username {
            settings = settings.set_username(username);
        }
        if let Some(password) = &identity.password {
            settings = settings.set_password(password);
        }
        Ok(Self { info: info.set_redis_settings(settings) })
    }

    /// Another server, asked as the same user. Without a host it is another port of this one's host.
    #[must_use]
    pub fn beside(&self, host: Option<&str>, port: u16) -> Self {
        let own = match self.info.addr() {
            ConnectionAddr::Tcp(host, _) => host.as_str(),
            _ => "localhost",
        };
        let address = ConnectionAddr::Tcp(host.unwrap_or(own).to_owned(), port);
        Self { info: self.info.clone().set_addr(address) }
    }

    /// The address as the client library takes it.
    pub(super) fn connection_info(&self) -> ConnectionInfo {
        self.info.clone()
    }

    /// Connects, presents the credentials, chooses the database and reads the server's clock, all within `limit`.
    pub(super) async fn connect(
        &self,
        names: &Names,
        limit: Duration,
    ) -> Result<(Connection, ShardTime), Failure> {
        timeout(limit, self.connect_and_greet(names, limit)).await.unwrap_or(Err(Failure::Timeout))
    }

    /// Its host, where that is a name whose address may change.
    pub(super) fn host_name(&self) -> Option<&str> {
        match self.info.addr() {
            ConnectionAddr::Tcp(host, _) => Some(host.as_str()).filter(|host| names::is_name(host)),
            _ => None,
        }
    }

    async fn connect_and_greet(
        &self,
        names: &Names,
        limit: Duration,
    ) -> Result<(Connection, ShardTime), Failure> {
        let mut connection = match self.info.addr() {
            ConnectionAddr::Tcp(_, 0) => return Err(Failure::Io(NOT_KNOWN_YET.into())),
            ConnectionAddr::Tcp(host, port) => {
                let stream = names.connect(host, *port, limit).await.map_err(io)?;
                stream.set_nodelay(true).map_err(io)?;
                let peer = stream.peer_addr().map_err(io)?;
                Connection { peer: Some(peer), ..self.greet(stream).await? }
            }
            ConnectionAddr::Unix(path) => self.greet(UnixStream::connect(path).await.map_err(io)?).await?,
            other => return Err(Failure::Io(format!("{other} is no address that we connect to").into())),
        };
        let time = connection.read_time().await?;
        Ok((connection, time))
    }

    async fn greet<S>(&self, stream: S) -> Result<Connection, Failure>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        // Deadlines are the pilot's: a command that the library gave up would still be under way.
        let config = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
        let greeting = MultiplexedConnection::new_with_config(self.info.redis_settings(), stream, config);
        let (commands, driver) = greeting.await.map_err(|error| Failure::of_connection(&error))?;
        Ok(Connection { commands, driver: Box::pin(driver), closed: false, peer: None })
    }
}

/// Two addresses are equal where they name the same server; who asks there does not matter.
impl PartialEq for NodeAddress {
    fn eq(&self, other: &Self) -> bool {
        self.info.addr() == other.info.addr()
    }
}

impl Eq for NodeAddress {}

impl FromStr for NodeAddress {
    type Err = AddressError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        let info = url.into_connection_info().map_err(|error| AddressError::NotAUrl(error.to_string()))?;
        if matches!(info.addr(), ConnectionAddr::TcpTls { .. }) {
            return Err(AddressError::Tls);
        }
        // The library would announce itself, which old servers refuse and nobody needs.
        let settings = info.redis_settings().clone().set_skip_set_lib_name();
        Ok(Self { info: info.set_redis_settings(settings) })
    }
}

impl fmt::Display for NodeAddress {
    /// The address without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.info.addr() {
            ConnectionAddr::Tcp(_, 0) => f.write_str("unknown"),
            address => address.fmt(f),
        }
    }
}

impl fmt::Debug for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeAddress({self})")
    }
}

impl Connection {
    /// A handle to send commands with; they go out while the connection is driven.
    pub(super) fn commands(&self) -> MultiplexedConnection {
        self.commands.clone()
    }

    /// Drives the connection; ready when it is closed, from whichever side.
    pub(super) fn poll_closed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.closed && self.driver.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.closed = true;
        Poll::Ready(())
    }

    /// Closes the connection from this side.
    pub(super) fn close(&mut self) {
        self.driver = Box::pin(std::future::ready(()));
    }

    async fn read_time(&mut self) -> Result<ShardTime, Failure> {
        let asked = Instant::now();
        let mut commands = self.commands();
        let command = time_command();
        let reply = tokio::select! {
            biased;
            reply = commands.send_packed_command(&command) => reply.map_err(|error| Failure::of_connection(&error))?,
            () = poll_fn(|context| self.poll_closed(context)) => return Err(closed_by_peer()),
        };
        parse_time(&reply).map(|server| ShardTime::new(server, asked, Instant::now()))
    }
}

/// Asks a server what time it is.
pub(super) fn time_command() -> Cmd {
    redis::cmd("TIME")
}

/// What the server answered to [`time_command`].
pub(super) fn parse_time(reply: &Value) -> Result<Timestamp, Failure> {
    let number = |value: &Value| match value {
        Value::BulkString(text) => std::str::from_utf8(text).ok().and_then(|text| text.parse::<u64>().ok()),
        _ => None,
    };
    match reply {
        Value::ServerError(error) => Err(Failure::of_reply(error)),
        Value::Array(parts) => match parts.as_slice() {
            [seconds, micros] => number(seconds)
                .zip(number(micros))
                // Envoy's redis_proxy gives all microseconds since the epoch instead of those since the second began.
                .map(|(seconds, micros)| (seconds, micros % MICROS_PER_SECOND))
                .map(|(seconds, micros)| Timestamp::from_secs(seconds).after(Duration::from_micros(micros)))
                .ok_or_else(|| Failure::Other("TIME is not two numbers".into())),
            _ => Err(Failure::Other("TIME is not two numbers".into())),
        },
        _ => Err(Failure::Other("TIME is not two numbers".into())),
    }
}

/// What is said where the other side closed and no error came with it.
pub(super) fn closed_by_peer() -> Failure {
    Failure::Io("closed by the other side".into())
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
            ("redis://user:secret@cache:6380/3", "cache:6380"),
            ("redis://cache", "cache:6379"),
            ("unix:///run/redis.sock?db=2&pass=secret", "/run/redis.sock"),
        ] {
            let address: NodeAddress = url.parse().unwrap();
            assert_eq!(address.to_string(), shown);
            assert!(!format!("{address:?}").contains("secret"));
        }
    }

    #[test]
    fn the_time_is_read_as_redis_and_as_envoy_tell_it() {
        let told = |seconds: &str, micros: &str| {
            parse_time(&Value::Array([seconds, micros].map(|text| Value::BulkString(text.into())).into()))
        };
        let expected = Ok(Timestamp::from_millis(1_700_000_000_123));
        assert_eq!(told("1700000000", "123456"), expected);
        assert_eq!(told("1700000000", "1700000000123456"), expected);
        assert!(told("1700000000", "").is_err() && told("-1", "5").is_err());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        assert!(matches!(
            "rediss://cache".parse::<NodeAddress>(),
            Err(AddressError::Tls | AddressError::NotAUrl(_))
        ));
        assert!(matches!("http://cache".parse::<NodeAddress>(), Err(AddressError::NotAUrl(_))));
    }
}
