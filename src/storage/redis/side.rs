//! What must not queue in front of decisions: announcing this replica, and looking at how a server is set up.
//!
//! A small pool of connections of its own (bb8), asked about once a second.

mod manager;
mod rings;

use std::time::Duration;

use bb8_redis::bb8::{Pool, RunError};
use redis::{Pipeline, RedisResult, Value};
use tokio::time::timeout;

use crate::decision::time::Timestamp;
use crate::storage::redis::failure::Failure;
use crate::storage::redis::node::NodeAddress;
use crate::storage::redis::slot_map::{self, SlotMap};
use manager::Manager;

/// Connections at the most.
const SIZE: u32 = 2;

/// How long a connection to a server with a name is used.
const LIFETIME: Duration = Duration::from_secs(10);

/// How long a replica counts as alive after it announced itself: several announcements may be lost.
pub const ALIVE: Duration = Duration::from_millis(ALIVE_MILLIS);

const ALIVE_MILLIS: u64 = 5_000;

/// Connections to one server for what is no decision.
#[derive(Debug, Clone)]
pub struct Side {
    pool: Pool<Manager>,
    roster: String,
    limit: Duration,
}

impl Side {
    /// Connects when it is first used; `roster` is the key under which replicas announce themselves. Every question and its connection take `limit` at the most.
    #[must_use]
    pub fn new(address: &NodeAddress, roster: String, limit: Duration) -> Self {
        let manager = Manager::new(address.clone(), limit);
        let pool = Pool::builder().max_size(SIZE).connection_timeout(limit);
        // Another connection now and then finds out where the server's name leads by now.
        let lifetime = address.host_name().map(|_| LIFETIME);
        let pool = pool.max_lifetime(lifetime).reaper_rate(LIFETIME / 2).build_unchecked(manager);
        Self { pool, roster, limit }
    }

    /// Says that this replica is alive, and gives the number of replicas that are, this one included.
    ///
    /// # Errors
    /// Where the server does not answer in time.
    pub async fn announce(&self, replica: u64, now: Timestamp) -> Result<u32, Failure> {
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        pipeline.zadd(&self.roster, replica, now.millis()).ignore();
        pipeline.zrembyscore(&self.roster, "-inf", now.millis().saturating_sub(ALIVE_MILLIS)).ignore();
        pipeline.zcard(&self.roster);
        pipeline.pexpire(&self.roster, 2 * ALIVE_MILLIS as i64).ignore();
        let (alive,): (u32,) = self.run(&pipeline).await?;
        Ok(alive)
    }

    /// Says that this replica is about to end.
    ///
    /// # Errors
    /// Where the server does not answer in time.
    pub async fn leave(&self, replica: u64) -> Result<(), Failure> {
        let mut pipeline = redis::pipe();
        pipeline.zrem(&self.roster, replica).ignore();
        let _: Value = self.run(&pipeline).await?;
        Ok(())
    }

    /// The server's `maxmemory-policy`, where it tells.
    ///
    /// # Errors
    /// Where the server does not answer in time.
    pub async fn eviction_policy(&self) -> Result<Option<String>, Failure> {
        let mut pipeline = redis::pipe();
        pipeline.cmd("INFO").arg("memory");
        let (info,): (String,) = self.run(&pipeline).await?;
        let line = info.lines().find_map(|line| line.strip_prefix("maxmemory_policy:"));
        Ok(line.map(|policy| policy.trim().to_owned()))
    }

    /// The name of the history that the server's data have: another one after it was started anew, and after it became a
    /// master. Nothing where it does not tell.
    ///
    /// # Errors
    /// Where the server does not answer in time.
    pub async fn history(&self) -> Result<Option<String>, Failure> {
        let mut pipeline = redis::pipe();
        pipeline.cmd("INFO").arg("replication");
        let (info,): (String,) = self.run(&pipeline).await?;
        let line = info.lines().find_map(|line| line.strip_prefix("master_replid:"));
        Ok(line.map(|history| history.trim().to_owned()))
    }

    /// What the server knows of the Cluster that it belongs to.
    ///
    /// # Errors
    /// Where the server does not answer in time, or is no node of a Cluster.
    pub async fn cluster_map(&self) -> Result<SlotMap, Failure> {
        let slots: Vec<Value> = self.run(&slot_map::question()).await?;
        let refused = match slot_map::parse(&slots) {
            Err(refused) => refused,
            map => return map,
        };
        let shards: Vec<Value> = self.run(&slot_map::shards::question()).await?;
        slot_map::shards::parse(&shards).map_err(|_| refused)
    }

    /// The server that a Sentinel takes for the master of this name: it has the one slot that there is.
    ///
    /// # Errors
    /// Where the Sentinel does not answer in time, or knows no such master.
    pub async fn master_of(&self, name: &str) -> Result<SlotMap, Failure> {
        let mut question = redis::pipe();
        question.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(name);
        question.cmd("SENTINEL").arg("MASTER").arg(name);
        let (address, master): (Value, Value) = self.run(&question).await?;
        slot_map::parse_master(&address, &master)
    }

    pub(super) async fn run<T: redis::FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, Failure> {
        let asked = async {
            let mut connection = self.pool.get().await.map_err(failure_of_pool)?;
            connection.in_use = true;
            let answer: RedisResult<T> = pipeline.query_async(&mut connection.commands).await;
            connection.in_use = false;
            answer.map_err(|error| Failure::of_connection(&error))
        };
        timeout(self.limit, asked).await.unwrap_or(Err(Failure::Timeout))
    }
}

fn failure_of_pool(error: RunError<Failure>) -> Failure {
    match error {
        RunError::User(failure) => failure,
        RunError::TimedOut => Failure::Timeout,
    }
}
