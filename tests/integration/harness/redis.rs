//! A real Redis that keeps nothing and ends with its owner: Debian's, or the program that `RATEKEEPER_TEST_REDIS_SERVER` names.

mod cluster;
mod secure;
mod sentinel;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use super::process::Process;
use super::resp::{Connection, Reply};
use super::{http::Failure, ports, wait};
pub(crate) use cluster::{RedisCluster, slot_of};
pub(crate) use secure::SecureRedis;
pub(crate) use sentinel::{MASTER, RedisSentinel};

/// A server on a free port and a Unix socket. It can be stopped, killed, and started again where it was.
pub(crate) struct Redis {
    pub(crate) address: SocketAddr,
    options: Vec<String>,
    /// What the default user, who the tests' own connections are, is asked for.
    password: Mutex<Option<String>>,
    /// Nothing while it is killed.
    process: Option<Process>,
    folder: TempDir,
}

impl Redis {
    /// Starts one and waits until it answers.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts one with more options, as in `["--maxmemory", "1mb"]`.
    pub(crate) async fn start_with(options: &[&str]) -> Self {
        let mut redis = Self {
            address: ports::free(),
            options: options.iter().map(|&option| option.to_owned()).collect(),
            password: Mutex::default(),
            process: None,
            folder: TempDir::with_prefix("redis-").unwrap(),
        };
        redis.start_again().await;
        redis
    }

    /// Where clients connect to over TCP.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Where clients connect to over its Unix socket.
    pub(crate) fn unix_url(&self) -> String {
        format!("unix://{}", self.folder.path().join("redis.sock").display())
    }

    /// Sends one command on a connection of its own; an error reply is a reply.
    pub(crate) async fn cli(&self, words: &[&str]) -> Reply {
        self.try_cli(words).await.unwrap_or_else(|failure| panic!("{words:?}: {failure}"))
    }

    /// The same where the server may be gone.
    pub(crate) async fn try_cli(&self, words: &[&str]) -> Result<Reply, Failure> {
        self.connect().await?.call(words).await
    }

    async fn connect(&self) -> Result<Connection, Failure> {
        let mut connection = Connection::open(self.address).await?;
        let password = self.password.lock().unwrap().clone();
        if let Some(password) = password {
            connection.call(&["AUTH", &password]).await?;
        }
        Ok(connection)
    }

    /// Has the tests' own connections present this password from now on.
    pub(crate) fn present(&self, password: &str) {
        *self.password.lock().unwrap() = Some(password.to_owned());
    }

    /// Stops every thread of it: connections stay open and nothing is answered.
    pub(crate) fn pause(&self) {
        self.process().signal(Signal::STOP);
    }

    /// Lets it go on where it was stopped.
    pub(crate) fn resume(&self) {
        self.process().signal(Signal::CONT);
    }

    /// Ends it at once, with all that it held. Its port refuses connections from then on.
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again after its end, empty, on the same port, and waits until it answers.
    pub(crate) async fn start_again(&mut self) {
        let process = self.process.insert(launch(self.address, &self.options, &self.folder));
        let end = tokio::time::Instant::now() + wait::PATIENCE;
        loop {
            let pong = async { Connection::open(self.address).await?.call(&["PING"]).await };
            if matches!(pong.await, Ok(Reply::Text(text)) if text == "PONG") {
                return;
            }
            assert!(process.exited().is_none(), "Redis ended instead of answering");
            assert!(tokio::time::Instant::now() < end, "Redis never answered");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Every key, in order.
    pub(crate) async fn keys(&self) -> Vec<String> {
        self.keys_in(0).await
    }

    /// Every key of a database, in order.
    pub(crate) async fn keys_in(&self, database: u32) -> Vec<String> {
        let mut connection = self.connect().await.unwrap();
        connection.call(&["SELECT", &database.to_string()]).await.unwrap();
        let reply = connection.call(&["KEYS", "*"]).await.unwrap();
        let mut keys: Vec<String> = reply.list().iter().map(|key| key.text().to_owned()).collect();
        keys.sort();
        keys
    }

    /// The keys that would stay for ever.
    pub(crate) async fn keys_without_expiry(&self) -> Vec<String> {
        let mut found = Vec::new();
        for key in self.keys().await {
            // -2 means that it has gone meanwhile.
            if self.cli(&["PTTL", &key]).await == Reply::Integer(-1) {
                found.push(key);
            }
        }
        found
    }

    /// The CPU time that it has used, in the kernel too.
    pub(crate) async fn cpu_time(&self) -> Duration {
        let info = self.info("cpu").await;
        let seconds = |name| field(&info, name).parse::<f64>().unwrap();
        Duration::from_secs_f64(seconds("used_cpu_user") + seconds("used_cpu_sys"))
    }

    /// How many times a command was executed, by whomever; its name in small letters, as `evalsha` or `script|flush`. Redis 6.2
    /// counts all that `SCRIPT` does together.
    pub(crate) async fn command_count(&self, name: &str) -> u64 {
        let info = self.info("commandstats").await;
        let find = |name| info.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:calls=")));
        let container = name.split_once('|').map(|(container, _)| container);
        find(name)
            .or_else(|| find(container?))
            .map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
    }

    /// How many connections there are, the one that asks left out.
    pub(crate) async fn connections(&self) -> usize {
        let list = self.cli(&["CLIENT", "LIST", "TYPE", "normal"]).await;
        list.text().lines().count() - 1
    }

    /// Closes the connections of all clients; gives how many there were.
    pub(crate) async fn kill_connections(&self) -> i64 {
        self.cli(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await.integer()
    }

    async fn info(&self, section: &str) -> String {
        self.cli(&["INFO", section]).await.text().to_owned()
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("a Redis that was not killed")
    }
}

/// The value of a line `name:value` of `INFO` and its like.
fn field<'t>(info: &'t str, name: &str) -> &'t str {
    let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no `{name}` in {info}")).trim()
}

/// The server's program.
fn program() -> OsString {
    std::env::var_os("RATEKEEPER_TEST_REDIS_SERVER").unwrap_or("redis-server".into())
}

fn launch(address: SocketAddr, options: &[String], folder: &TempDir) -> Process {
    let mut command = Command::new(program());
    command.args(["--port", &address.port().to_string(), "--bind", "127.0.0.1", "--protected-mode", "no"]);
    command.args(["--save", "", "--appendonly", "no", "--daemonize", "no"]);
    command.arg("--dir").arg(folder.path()).arg("--unixsocket").arg(folder.path().join("redis.sock"));
    command.args(options);
    Process::start("redis-server", command, folder.path())
}
