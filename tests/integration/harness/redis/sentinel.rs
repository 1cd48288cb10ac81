//! A master, its replicas, and three Sentinels that watch them.

use std::net::SocketAddr;
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use super::super::process::Process;
use super::super::resp::{Connection, Reply};
use super::super::{ports, wait};
use super::{Redis, SecureRedis, program};
use crate::harness::Authority;

/// What the Sentinels call the master.
pub(crate) const MASTER: &str = "mesh";

/// What the Sentinels ask of whoever asks them, and the servers do not.
const PASSWORD: &str = "sentinels-only";

/// Servers that are watched.
pub(crate) struct RedisSentinel {
    /// The first is the master to begin with.
    pub(crate) nodes: Vec<Redis>,
    /// The ports by which the Sentinels know them.
    ports: Vec<u16>,
    sentinels: Vec<Sentinel>,
}

/// What the Sentinels of a group have in common.
#[derive(Clone, Copy)]
struct Group<'g> {
    /// What they call the master.
    master: &'g str,
    /// What they ask of whoever asks them; nothing: nothing.
    password: Option<&'g str>,
}

const USUAL: Group<'_> = Group { master: MASTER, password: Some(PASSWORD) };

struct Sentinel {
    address: SocketAddr,
    master: String,
    password: Option<String>,
    /// Its port for clients of TLS.
    secure: Option<u16>,
    process: Process,
    _folder: TempDir,
}

impl RedisSentinel {
    /// Starts a master with so many replicas and waits until all Sentinels know of everything.
    pub(crate) async fn start(replicas: usize) -> Self {
        Self::start_group(USUAL, replicas).await
    }

    /// The same where the Sentinels call the master by this name, and ask for this password or none.
    pub(crate) async fn start_as(master: &str, password: Option<&str>, replicas: usize) -> Self {
        Self::start_group(Group { master, password }, replicas).await
    }

    async fn start_group(group: Group<'_>, replicas: usize) -> Self {
        let mut nodes = vec![Redis::start().await];
        let port = nodes[0].address.port().to_string();
        for _ in 0..replicas {
            nodes.push(Redis::start_with(&["--replicaof", "127.0.0.1", &port]).await);
        }
        let ports = nodes.iter().map(|node| node.address.port()).collect();
        let sentinels = (0..3).map(|_| Sentinel::start(ports::free(), &port, group, "")).collect();
        Self::watch(nodes, ports, sentinels, replicas).await
    }

    /// Starts a master, a replica and Sentinels that speak TLS to each other and tell of ports of TLS.
    pub(crate) async fn start_secure(authority: &Authority) -> Self {
        Self::start_secure_group(USUAL, authority).await
    }

    /// The same as [`Self::start_as`] is to [`Self::start`].
    pub(crate) async fn start_secure_as(master: &str, password: Option<&str>, authority: &Authority) -> Self {
        Self::start_secure_group(Group { master, password }, authority).await
    }

    async fn start_secure_group(group: Group<'_>, authority: &Authority) -> Self {
        let master = SecureRedis::start_with(authority, &["--tls-replication", "yes"]).await;
        let port = master.address.port().to_string();
        let options = ["--tls-replication", "yes", "--replicaof", "127.0.0.1", &port];
        let replica = SecureRedis::start_with(authority, &options).await;
        let ports = vec![master.address.port(), replica.address.port()];
        let sentinel = || {
            let address = ports::free();
            let tls = format!(
                "tls-replication yes\ntls-ca-cert-file {}\ntls-cert-file {}\ntls-key-file {}\n",
                authority.file("ca.pem"),
                authority.file("server/cert.pem"),
                authority.file("server/key.pem"),
            );
            // The tests' own connections use the other port.
            let secure = ports::free().port();
            Sentinel {
                secure: Some(secure),
                ..Sentinel::start(address, &port, group, &format!("tls-port {secure}\n{tls}"))
            }
        };
        let sentinels = (0..3).map(|_| sentinel()).collect();
        Self::watch(vec![master.redis, replica.redis], ports, sentinels, 1).await
    }

    async fn watch(nodes: Vec<Redis>, ports: Vec<u16>, sentinels: Vec<Sentinel>, replicas: usize) -> Self {
        let watched = Self { nodes, ports, sentinels };
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
        let password = |sentinel: &Sentinel| sentinel.password.clone().unwrap_or_default();
        self.sentinels.iter().map(|it| format!("redis://:{}@{}", password(it), it.address)).collect()
    }

    /// The same by TLS.
    pub(crate) fn secure_urls(&self) -> Vec<String> {
        let ports = self.sentinels.iter().filter_map(|sentinel| Some((sentinel, sentinel.secure?)));
        let password = |sentinel: &Sentinel| sentinel.password.clone().unwrap_or_default();
        ports.map(|(it, port)| format!("rediss://:{}@127.0.0.1:{port}", password(it))).collect()
    }

    /// Has Sentinels and replicas present this password to the servers from now on.
    pub(crate) async fn present(&self, password: &str) {
        for sentinel in &self.sentinels {
            let words = ["SENTINEL", "SET", &sentinel.master, "auth-pass", password];
            assert_eq!(sentinel.call(&words).await.map(|reply| reply.to_string()), Some("OK".to_owned()));
        }
        for node in &self.nodes {
            node.cli(&["CONFIG", "SET", "masterauth", password]).await;
        }
    }

    /// Waits until most Sentinels name another master than this one; gives its index.
    pub(crate) async fn promoted(&self, old: usize) -> usize {
        let port = self.ports[old].to_string();
        wait::for_some("another master", || async {
            let mut told = Vec::new();
            for sentinel in &self.sentinels {
                told.extend(sentinel.tells("port").await.filter(|new| *new != port));
            }
            let new = told.first().filter(|_| told.len() >= 2)?;
            self.ports.iter().position(|port| port.to_string() == *new)
        })
        .await
    }

    /// Has the Sentinels make a replica the master.
    pub(crate) async fn failover(&self) {
        let reply = self.sentinels[0].call(&["SENTINEL", "FAILOVER", &self.sentinels[0].master]).await;
        assert_eq!(reply.map(|reply| reply.to_string()), Some("OK".to_owned()));
    }

    /// Stops one Sentinel: it takes connections and answers nothing.
    pub(crate) fn pause_sentinel(&self, sentinel: usize) {
        self.sentinels[sentinel].process.signal(Signal::STOP);
    }
}

impl Sentinel {
    fn start(address: SocketAddr, port_of_master: &str, group: Group<'_>, more: &str) -> Self {
        let folder = TempDir::with_prefix("sentinel-").unwrap();
        let (port, path) = (address.port(), folder.path().display());
        let Group { master, password } = group;
        let asked = password.map_or_else(String::new, |password| {
            format!("requirepass {password}\nsentinel sentinel-pass {password}\n")
        });
        let settings = format!(
            "{more}port {port}\nbind 127.0.0.1\ndir {path}\n{asked}\
             sentinel monitor {master} 127.0.0.1 {port_of_master} 2\n\
             sentinel down-after-milliseconds {master} 1000\nsentinel failover-timeout {master} 3000\n"
        );
        let file = folder.path().join("sentinel.conf");
        std::fs::write(&file, settings).unwrap();
        let mut command = Command::new(program());
        command.arg(file).arg("--sentinel");
        let process = Process::start("redis-sentinel", command, folder.path());
        let (master, password) = (master.to_owned(), password.map(ToOwned::to_owned));
        Self { address, master, password, secure: None, process, _folder: folder }
    }

    /// What it tells of the master by this name.
    async fn tells(&self, name: &str) -> Option<String> {
        let reply = self.call(&["SENTINEL", "MASTER", &self.master]).await?;
        let Reply::List(fields) = &reply else { return None };
        let found = fields.chunks_exact(2).find(|pair| pair[0].to_string() == name);
        found.map(|pair| pair[1].to_string())
    }

    async fn call(&self, words: &[&str]) -> Option<Reply> {
        let mut connection = Connection::open(self.address).await.ok()?;
        if let Some(password) = &self.password {
            connection.call(&["AUTH", password]).await.ok()?;
        }
        connection.call(words).await.ok()
    }
}
