//! The connections of a pool: made like those of decisions, and asked before they are used who we are there.

use std::sync::Arc;
use std::time::Duration;

use bb8_redis::bb8::ManageConnection;
use redis::Cmd;
use redis::aio::MultiplexedConnection;
use tokio::task::{AbortHandle, spawn};
use tokio::time::{Instant, timeout};

use crate::storage::redis::credentials::{LOGIN_AGAIN, Login};
use crate::storage::redis::failure::Failure;
use crate::storage::redis::names::Names;
use crate::storage::redis::node::NodeAddress;

/// Makes connections to one server.
#[derive(Debug)]
pub(super) struct Manager {
    address: NodeAddress,
    names: Names,
    limit: Duration,
}

/// One connection and the task that drives it.
#[derive(Debug)]
pub(super) struct Pooled {
    pub(super) commands: MultiplexedConnection,
    /// Somebody was given this connection and has not come back with an answer: one may still be under way.
    pub(super) in_use: bool,
    login: Arc<Login>,
    /// When a login that is newer may be presented.
    login_due: Instant,
    driver: AbortHandle,
}

impl Manager {
    /// Makes connections to this server; each, and each look at one, takes `limit` at the most.
    pub(super) fn new(address: NodeAddress, limit: Duration) -> Self {
        Self { address, names: Names::default(), limit }
    }
}

impl Pooled {
    /// Asks one short question before the connection is used for more.
    async fn ask(&mut self, command: &Cmd, limit: Duration) -> Result<(), Failure> {
        self.in_use = true;
        let answer = timeout(limit, self.commands.send_packed_command(command)).await;
        self.in_use = false;
        match answer.map_err(|_| Failure::Timeout)? {
            Ok(redis::Value::ServerError(error)) => Err(Failure::of_reply(&error)),
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::of_connection(&error)),
        }
    }
}

impl ManageConnection for Manager {
    type Connection = Pooled;
    type Error = Failure;

    async fn connect(&self) -> Result<Pooled, Failure> {
        let connection = self.address.connect_aside(&self.names, self.limit).await?;
        let (commands, driver, login) = connection.into_parts();
        Ok(Pooled {
            commands,
            in_use: false,
            login,
            login_due: Instant::now(),
            driver: spawn(driver).abort_handle(),
        })
    }

    /// Presents a login that is newer than the connection's; one that the server refuses costs nothing, as the one before it holds.
    async fn is_valid(&self, connection: &mut Pooled) -> Result<(), Failure> {
        // Well within what the whole question may take, so that a connection that is dead is replaced.
        let limit = self.limit / 2;
        if let Some(login) = &self.address.credentials().now().current
            && !Arc::ptr_eq(login, &connection.login)
            && Instant::now() >= connection.login_due
        {
            match connection.ask(&login.command(), limit).await {
                Ok(()) => connection.login = Arc::clone(login),
                Err(failure @ Failure::NoAuth(_)) => {
                    connection.login_due = Instant::now() + LOGIN_AGAIN;
                    self.address.credentials().refused(&self.address, &failure);
                }
                Err(failure) => return Err(failure),
            }
        }
        connection.ask(&redis::cmd("PING"), limit).await
    }

    fn has_broken(&self, connection: &mut Pooled) -> bool {
        connection.in_use || connection.driver.is_finished()
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
