//! One connection to a server, whose handshake is done, and who we are on it.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, RedisConnectionInfo, Value};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use crate::decision::time::Timestamp;
use crate::storage::redis::credentials::Login;
use crate::storage::redis::failure::Failure;
use crate::storage::redis::shard_time::ShardTime;

const MICROS_PER_SECOND: u64 = 1_000_000;

/// Drives a connection until it is closed.
pub(super) type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A connection whose handshake is done. Whoever holds it drives it; it is closed when dropped.
pub(super) struct Connection {
    commands: MultiplexedConnection,
    driver: Driver,
    closed: bool,
    /// Whose connection it is, where that is a host and a port.
    pub(super) peer: Option<SocketAddr>,
    /// What was presented on it last and accepted.
    pub(super) login: Arc<Login>,
}

impl Connection {
    /// Greets the server at the other end of the stream.
    pub(super) async fn greet<S>(
        stream: S,
        greeting: &RedisConnectionInfo,
        login: &Arc<Login>,
    ) -> Result<Self, Failure>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        // Deadlines are the pilot's: a command that the library gave up would still be under way.
        let config = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
        let greeting = MultiplexedConnection::new_with_config(greeting, stream, config);
        let (commands, driver) = greeting.await.map_err(|error| Failure::of_connection(&error))?;
        Ok(Self { commands, driver: Box::pin(driver), closed: false, peer: None, login: Arc::clone(login) })
    }

    /// A handle to send commands with; they go out while the connection is driven.
    pub(super) fn commands(&self) -> MultiplexedConnection {
        self.commands.clone()
    }

    /// The handle, and what somebody else has to drive.
    pub(super) fn into_parts(self) -> (MultiplexedConnection, Driver, Arc<Login>) {
        (self.commands, self.driver, self.login)
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

    /// Asks the server what time it is.
    pub(super) async fn read_time(&mut self) -> Result<ShardTime, Failure> {
        let asked = Instant::now();
        let mut commands = self.commands();
        let command = time_command();
        let mut reply = pin!(commands.send_packed_command(&command));
        let reply = tokio::select! {
            biased;
            reply = &mut reply => reply,
            () = poll_fn(|context| self.poll_closed(context)) => {
                // Whoever waits is told why it was closed, or that nothing drives the connection any more.
                self.close();
                reply.await
            }
        };
        let reply = reply.map_err(|error| Failure::of_connection(&error))?;
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
