//! A Redis Cluster of real servers on this machine.

use std::process::Stdio;

use tokio::process::Command;

use super::super::wait;
use super::{Redis, SecureRedis, field};
use crate::harness::Authority;

/// How many hash slots every cluster has.
const SLOTS: usize = 16_384;

/// Masters, each with as many replicas.
pub(crate) struct RedisCluster {
    /// First those that began as masters, then the replicas of the first, of the second and so on.
    pub(crate) nodes: Vec<Redis>,
    /// The ports by which they know each other.
    ports: Vec<u16>,
    masters: usize,
    replicas: usize,
}

impl RedisCluster {
    /// Starts one and waits until every node knows every other and all slots are served.
    pub(crate) async fn start(masters: usize, replicas: usize) -> Self {
        let mut nodes = Vec::new();
        for _ in 0..masters * (1 + replicas) {
            nodes.push(Redis::start_with(&NODE_OPTIONS).await);
        }
        let ports = nodes.iter().map(|node| node.address.port()).collect();
        Self::found(nodes, ports, masters, replicas).await
    }

    /// Starts masters that speak TLS to each other and to clients; the tests' own connections need none.
    pub(crate) async fn start_secure(masters: usize, authority: &Authority) -> Self {
        let (mut nodes, mut ports) = (Vec::new(), Vec::new());
        for _ in 0..masters {
            let options = [NODE_OPTIONS.as_slice(), &["--tls-cluster", "yes"]].concat();
            let node = SecureRedis::start_with(authority, &options).await;
            ports.push(node.address.port());
            nodes.push(node.redis);
        }
        Self::found(nodes, ports, masters, 0).await
    }

    async fn found(nodes: Vec<Redis>, ports: Vec<u16>, masters: usize, replicas: usize) -> Self {
        let cluster = Self { nodes, ports, masters, replicas };
        cluster.give_slots().await;
        cluster.introduce().await;
        for node in masters..cluster.nodes.len() {
            let master = cluster.id((node - masters) / replicas).await;
            cluster.command(node, &["REPLICATE", &master]).await;
        }
        cluster.settled().await;
        cluster
    }

    /// Where clients may begin: every node, in the settings' form of a list.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Redis::url).collect()
    }

    /// The same by TLS.
    pub(crate) fn secure_urls(&self) -> Vec<String> {
        self.ports.iter().map(|port| format!("rediss://127.0.0.1:{port}")).collect()
    }

    /// The node among those that began as masters that holds a key with this text in it.
    pub(crate) async fn master_of(&self, text: &str) -> usize {
        for master in 0..self.masters {
            if self.nodes[master].keys().await.iter().any(|key| key.contains(text)) {
                return master;
            }
        }
        panic!("no key has {text} in it");
    }

    /// Waits until a replica of this master serves in its place; gives its index among the nodes.
    pub(crate) async fn promoted(&self, master: usize) -> usize {
        wait::for_some("the promotion of a replica", || async {
            for replica in self.replicas_of(master) {
                if self.serves(replica).await {
                    return Some(replica);
                }
            }
            None
        })
        .await
    }

    /// Lets the first replica of a living master take its place without losing a write; gives its index.
    pub(crate) async fn failover(&self, master: usize) -> usize {
        let replica = self.replicas_of(master).start;
        self.command(replica, &["FAILOVER"]).await;
        self.promoted(master).await
    }

    /// Moves this many slots, and the keys in them, from one master to another, as an operator does it.
    pub(crate) async fn reshard(&self, slots: usize, from: usize, to: usize) {
        let (from, to) = (self.id(from).await, self.id(to).await);
        let mut tool = Command::new("redis-cli");
        tool.args(["--cluster", "reshard", &self.nodes[0].address.to_string(), "--cluster-yes"]);
        tool.args(["--cluster-from", &from, "--cluster-to", &to, "--cluster-slots", &slots.to_string()]);
        let done = tool.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    }

    /// Begins to move a slot, and leaves its keys where they are: new ones go to the other node. Gives both nodes.
    pub(crate) async fn begin_to_move(&self, slot: usize) -> (usize, usize) {
        let from = (0..self.masters).find(|master| slot < (master + 1) * SLOTS / self.masters).unwrap();
        let to = (from + 1) % self.masters;
        let (source, target) = (self.id(from).await, self.id(to).await);
        self.command(to, &["SETSLOT", &slot.to_string(), "IMPORTING", &source]).await;
        self.command(from, &["SETSLOT", &slot.to_string(), "MIGRATING", &target]).await;
        (from, to)
    }

    /// How often nodes have answered with this error.
    pub(crate) async fn errors(&self, code: &str) -> i64 {
        let mut sum = 0;
        for node in &self.nodes {
            let stats = node.cli(&["INFO", "errorstats"]).await;
            let name = format!("errorstat_{code}:count=");
            let count = stats.text().lines().find_map(|line| line.strip_prefix(&name)?.parse::<i64>().ok());
            sum += count.unwrap_or(0);
        }
        sum
    }

    /// How many slots a node serves.
    pub(crate) async fn slots(&self, node: usize) -> usize {
        let nodes = self.nodes[node].cli(&["CLUSTER", "NODES"]).await;
        let own = nodes.text().lines().find(|line| line.contains("myself")).unwrap().to_owned();
        // A slot that is being moved stands in brackets beside the ranges.
        own.split(' ').skip(8).filter(|range| !range.starts_with('[')).map(width).sum()
    }

    /// Every key of the nodes that serve, in order.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        for node in 0..self.nodes.len() {
            if self.serves(node).await {
                keys.extend(self.nodes[node].keys().await);
            }
        }
        keys.sort();
        keys
    }

    /// The keys that would stay for ever.
    pub(crate) async fn keys_without_expiry(&self) -> Vec<String> {
        let mut keys = Vec::new();
        for node in 0..self.nodes.len() {
            if self.serves(node).await {
                keys.extend(self.nodes[node].keys_without_expiry().await);
            }
        }
        keys
    }

    /// Waits until every node that lives says that all slots are served, and replicas follow their masters.
    pub(crate) async fn settled(&self) {
        let all = self.nodes.len().to_string();
        wait::until("the cluster to settle", || async {
            for node in &self.nodes {
                let (Ok(info), Ok(replication)) =
                    (node.try_cli(&["CLUSTER", "INFO"]).await, node.try_cli(&["INFO", "replication"]).await)
                else {
                    continue;
                };
                let complete = field(info.text(), "cluster_state") == "ok"
                    && field(info.text(), "cluster_known_nodes") == all;
                if !complete || replication.text().contains("master_link_status:down") {
                    return false;
                }
            }
            self.count_replicas().await == self.masters * self.replicas
        })
        .await;
    }

    fn replicas_of(&self, master: usize) -> std::ops::Range<usize> {
        let first = self.masters + master * self.replicas;
        first..first + self.replicas
    }

    async fn count_replicas(&self) -> usize {
        let nodes = self.nodes[self.nodes.len() - 1].cli(&["CLUSTER", "NODES"]).await;
        nodes.text().lines().filter(|line| line.contains("slave")).count()
    }

    /// Whether a node lives and is a master.
    async fn serves(&self, node: usize) -> bool {
        let role = self.nodes[node].try_cli(&["ROLE"]).await;
        role.is_ok_and(|role| role.list()[0].text() == "master")
    }

    async fn give_slots(&self) {
        for master in 0..self.masters {
            let slots = master * SLOTS / self.masters..(master + 1) * SLOTS / self.masters;
            let slots: Vec<String> = slots.map(|slot| slot.to_string()).collect();
            let words: Vec<&str> =
                std::iter::once("ADDSLOTS").chain(slots.iter().map(String::as_str)).collect();
            self.command(master, &words).await;
        }
        for node in 0..self.nodes.len() {
            self.command(node, &["SET-CONFIG-EPOCH", &(node + 1).to_string()]).await;
        }
    }

    /// Tells the first node of all others, and waits until everybody knows everybody.
    async fn introduce(&self) {
        for port in &self.ports[1..] {
            self.command(0, &["MEET", "127.0.0.1", &port.to_string()]).await;
        }
        let all = self.nodes.len().to_string();
        wait::until("the nodes to know each other", || async {
            for node in &self.nodes {
                let info = node.cli(&["CLUSTER", "INFO"]).await;
                if field(info.text(), "cluster_known_nodes") != all {
                    return false;
                }
            }
            true
        })
        .await;
    }

    async fn id(&self, node: usize) -> String {
        self.nodes[node].cli(&["CLUSTER", "MYID"]).await.text().to_owned()
    }

    async fn command(&self, node: usize, words: &[&str]) {
        let reply = self.nodes[node].cli(&[&["CLUSTER"], words].concat()).await;
        assert_eq!(reply.to_string(), "OK", "{words:?}");
    }
}

/// The slot that a key without braces is in.
pub(crate) fn slot_of(key: &str) -> usize {
    let shift = |sum: u16, _| if sum & 0x8000 == 0 { sum << 1 } else { (sum << 1) ^ 0x1021 };
    let take = |sum: u16, byte: u8| (0..8).fold(sum ^ (u16::from(byte) << 8), shift);
    usize::from(key.bytes().fold(0, take)) % SLOTS
}

/// The nodes talk to each other on the port that is 10,000 higher, as Redis 6.2 has no setting for it.
const NODE_OPTIONS: [&str; 8] = [
    "--cluster-enabled",
    "yes",
    "--cluster-config-file",
    "nodes.conf",
    // Short, so that a failover takes a second or two; the default is 15 s.
    "--cluster-node-timeout",
    "1000",
    "--repl-diskless-sync-delay",
    "0",
];

/// How many slots a range such as `0-5460` or `7` has.
fn width(range: &str) -> usize {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    last.parse::<usize>().unwrap() - first.parse::<usize>().unwrap() + 1
}
