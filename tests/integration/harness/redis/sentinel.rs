//! A master, its replicas, and three Sentinels that watch them.

use std::net::SocketAddr;
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use super::super::process::Process;
use super::super::resp::{Connection, Reply};
use super::super::{ports, wait};
use super::{Redis, program};

/// What the Sentinels call the master.
pub(crate) const MASTER: &str = "mesh";

/// What the Sentinels ask of whoever asks them, and the servers do not.
const PASSWORD: &str = "sentinels-only";

/// Servers that are watched.
pub(crate) struct RedisSentinel {
    /// The first is the master to begin with.
    pub(crate) nodes: Vec<Redis>,
    sentinels: Vec<Sentinel>,
}

struct Sentinel {
    address: SocketAddr,
    process: Process,
    _folder: TempDir,
}

impl RedisSentinel {
    /// Starts a master with so many replicas and waits until all Sentinels know of everything.
    pub(crate) async fn start(replicas: usize) -> Self {
        let mut nodes = vec![Redis::start().await];
        let port = nodes[0].address.port().to_string();
        for _ in 0..replicas {
            nodes.push(Redis::start_with(&["--replicaof", "127.0.0.1", &port]).await);
        }
        let sentinels = (0..3).map(|_| Sentinel::start(&port)).collect();
        let watched = Self { nodes, sentinels };
        wait::until("the Sentinels to know each other and the replicas", || async {
            for sentinel in &watched.sentinels {
                let told = [("num-other-sentinels", 2), ("num-slaves", replicas)];
                for (name, expected) in told {
                    if sentinel.tells(name).await != Some(expected.to_string()) {
                        return false;
                    }
                }
            }
            true
        })
        .await;
        watched
    }

    /// Where the Sentinels are, with the password that they want.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.sentinels.iter().map(|sentinel| format!("redis://:{PASSWORD}@{}", sentinel.address)).collect()
    }

    /// Waits until most Sentinels name another master than this one; gives its index.
    pub(crate) async fn promoted(&self, old: usize) -> usize {
        let port = self.nodes[old].address.port().to_string();
        wait::for_some("another master", || async {
            let mut told = Vec::new();
            for sentinel in &self.sentinels {
                told.extend(sentinel.tells("port").await.filter(|new| *new != port));
            }
            let new = told.first().filter(|_| told.len() >= 2)?;
            self.nodes.iter().position(|node| node.address.port().to_string() == *new)
        })
        .await
    }

    /// Has the Sentinels make a replica the master.
    pub(crate) async fn failover(&self) {
        let reply = self.sentinels[0].call(&["SENTINEL", "FAILOVER", MASTER]).await;
        assert_eq!(reply.map(|reply| reply.to_string()), Some("OK".to_owned()));
    }

    /// Stops one Sentinel: it takes connections and answers nothing.
    pub(crate) fn pause_sentinel(&self, sentinel: usize) {
        self.sentinels[sentinel].process.signal(Signal::STOP);
    }
}

impl Sentinel {
    fn start(port_of_master: &str) -> Self {
        let (address, folder) = (ports::free(), TempDir::with_prefix("sentinel-").unwrap());
        let (port, path) = (address.port(), folder.path().display());
        let settings = format!(
            "port {port}\nbind 127.0.0.1\ndir {path}\nrequirepass {PASSWORD}\nsentinel sentinel-pass {PASSWORD}\n\
             sentinel monitor {MASTER} 127.0.0.1 {port_of_master} 2\n\
             sentinel down-after-milliseconds {MASTER} 1000\nsentinel failover-timeout {MASTER} 3000\n"
        );
        let file = folder.path().join("sentinel.conf");
        std::fs::write(&file, settings).unwrap();
        let mut command = Command::new(program());
        command.arg(file).arg("--sentinel");
        Self { address, process: Process::start("redis-sentinel", command, folder.path()), _folder: folder }
    }

    /// What it tells of the master by this name.
    async fn tells(&self, name: &str) -> Option<String> {
        let reply = self.call(&["SENTINEL", "MASTER", MASTER]).await?;
        let Reply::List(fields) = &reply else { return None };
        let found = fields.chunks_exact(2).find(|pair| pair[0].to_string() == name);
        found.map(|pair| pair[1].to_string())
    }

    async fn call(&self, words: &[&str]) -> Option<Reply> {
        let mut connection = Connection::open(self.address).await.ok()?;
        connection.call(&["AUTH", PASSWORD]).await.ok()?;
        connection.call(words).await.ok()
    }
}
