//! The Redis servers that the rendered settings name, behind those names: real ones, with the users that a page for operators says.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ratekeeper::config::settings::{Redis as Settings, RedisEndpoint, RedisUrl, Topology};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::operator::{Operator, PASSWORD, USER};
use super::services::relay;
use crate::harness::redis::{RedisSentinel, SecureRedis};
use crate::harness::{Redis, RedisCluster};

/// A store with all that belongs to it.
pub(super) struct Store {
    servers: Servers,
    /// Names and addresses for `/etc/hosts`.
    pub(super) hosts: Vec<(String, IpAddr)>,
    /// Whom it asks for a password, if it does.
    user: Option<&'static str>,
    key_prefix: String,
    /// The number of the database that has the counters.
    database: u32,
    _relays: JoinSet<()>,
}

enum Servers {
    /// Independent ones, each with the address at which we ask it.
    Independent(Vec<(Redis, SocketAddr)>),
    Cluster(RedisCluster),
    Sentinel(RedisSentinel),
}

impl Store {
    /// Starts what these settings are about; `network` tells the addresses of one store from another's.
    pub(super) async fn start(settings: &Settings, network: u8, operator: &Operator) -> Self {
        let secure = settings.urls.iter().any(|url| settings.tls.is_for(settings.topology, url));
        let servers = Servers::start(settings, secure, operator).await;
        let (mut hosts, mut relays) = (Vec::new(), JoinSet::new());
        for (url, index) in settings.urls.iter().zip(1..) {
            let (host, port) = place(url);
            let address = IpAddr::V4(Ipv4Addr::new(127, 20, network, index));
            hosts.push((host.to_owned(), address));
            let listener = TcpListener::bind((address, port)).await.unwrap();
            relays.spawn(relay(listener, servers.entrance(usize::from(index) - 1, secure)));
        }
        let credentials = &settings.credentials;
        let named = credentials.username_file.is_some() || credentials.username.is_some();
        let asks = credentials.password_file.is_some() || credentials.password.is_some();
        let user = asks.then_some(if named { USER } else { "default" });
        let (key_prefix, database) = (settings.key_prefix.clone(), settings.urls[0].database);
        let store = Self { servers, hosts, user, key_prefix, database, _relays: relays };
        store.allow(PASSWORD).await;
        store
    }

    /// All servers that have counters.
    pub(super) fn nodes(&self) -> Vec<&Redis> {
        match &self.servers {
            Servers::Independent(all) => all.iter().map(|(redis, _)| redis).collect(),
            Servers::Cluster(cluster) => cluster.nodes.iter().collect(),
            Servers::Sentinel(watched) => watched.nodes.iter().collect(),
        }
    }

    /// How many servers must have some of many keys.
    pub(super) fn spread(&self) -> usize {
        match &self.servers {
            Servers::Independent(all) => all.len(),
            Servers::Cluster(cluster) => cluster.nodes.len(),
            // Replicas have what their master has.
            Servers::Sentinel(watched) => watched.nodes.len(),
        }
    }

    /// The servers that have a counter whose key has this text in it.
    pub(super) async fn having(&self, text: &str) -> usize {
        let mut count = 0;
        for node in self.nodes() {
            count += usize::from(node.keys_in(self.database).await.iter().any(|key| key.contains(text)));
        }
        count
    }

    /// Whether it asks for a password.
    pub(super) fn has_password(&self) -> bool {
        self.user.is_some()
    }

    /// Lets our user in by this password, too, with the rights that it needs; nobody else may count.
    pub(super) async fn allow(&self, password: &str) {
        let Some(user) = self.user else { return };
        let secret = format!(">{password}");
        for node in self.nodes() {
            if user == USER {
                let permissions = permissions(&self.key_prefix);
                let permissions: Vec<&str> = permissions.iter().map(String::as_str).collect();
                let words = [&["ACL", "SETUSER", user, "on", &secret], permissions.as_slice()].concat();
                assert_eq!(node.cli(&words).await.to_string(), "OK");
                node.cli(&["ACL", "SETUSER", "default", "-eval", "-evalsha"]).await;
            } else {
                assert_eq!(node.cli(&["ACL", "SETUSER", user, &secret]).await.to_string(), "OK");
                node.present(password);
            }
        }
        if let Servers::Sentinel(watched) = &self.servers {
            watched.present(password).await;
        }
    }

    /// Knows a password no more, and closes all connections.
    pub(super) async fn forbid(&self, password: &str) {
        let Some(user) = self.user else { return };
        for node in self.nodes() {
            let reply = node.cli(&["ACL", "SETUSER", user, &format!("<{password}")]).await;
            assert_eq!(reply.to_string(), "OK");
            node.kill_connections().await;
        }
    }
}

impl Servers {
    async fn start(settings: &Settings, secure: bool, operator: &Operator) -> Self {
        let mut names = vec!["127.0.0.1", "localhost"];
        names.extend(settings.urls.iter().map(|url| place(url).0));
        names.extend(settings.tls.server_name.as_deref());
        operator.redis.issue(&names).write(&operator.redis.path("server"));
        let password = settings.urls[0].password.as_ref().map(|password| password.expose());
        let master = &settings.sentinel_master;
        match (settings.topology, secure) {
            (Topology::Cluster, false) => Self::Cluster(RedisCluster::start(3, 0).await),
            (Topology::Cluster, true) => Self::Cluster(RedisCluster::start_secure(3, &operator.redis).await),
            (Topology::Sentinel, false) => Self::Sentinel(RedisSentinel::start_as(master, password, 1).await),
            (Topology::Sentinel, true) => {
                Self::Sentinel(RedisSentinel::start_secure_as(master, password, &operator.redis).await)
            }
            (Topology::Single | Topology::Ring | Topology::Proxy, _) => {
                let mut all = Vec::new();
                for url in &settings.urls {
                    all.push(
                        independent(settings.tls.is_for(settings.topology, url), operator, settings).await,
                    );
                }
                Self::Independent(all)
            }
        }
    }

    /// Where what is asked at the URL of this index is to be found.
    fn entrance(&self, index: usize, secure: bool) -> SocketAddr {
        let found = match self {
            Self::Independent(all) => return all[index].1,
            Self::Cluster(cluster) if secure => cluster.secure_urls()[index % cluster.nodes.len()].clone(),
            Self::Cluster(cluster) => return cluster.nodes[index % cluster.nodes.len()].address,
            Self::Sentinel(watched) if secure => watched.secure_urls()[index % 3].clone(),
            Self::Sentinel(watched) => watched.urls()[index % watched.urls().len()].clone(),
        };
        found.rsplit(['/', '@']).next().unwrap().parse().unwrap()
    }
}

/// One server, and where we ask it.
async fn independent(secure: bool, operator: &Operator, settings: &Settings) -> (Redis, SocketAddr) {
    if !secure {
        let redis = Redis::start().await;
        let address = redis.address;
        return (redis, address);
    }
    // It wants a certificate where we have one to show.
    let wants: &[&str] = if settings.tls.certificate.is_some() { &[] } else { &["--tls-auth-clients", "no"] };
    let server = SecureRedis::start_with(&operator.redis, wants).await;
    (server.redis, server.address)
}

fn place(url: &RedisUrl) -> (&str, u16) {
    match &url.endpoint {
        RedisEndpoint::Tcp { host, port } => (host, *port),
        RedisEndpoint::Unix(path) => panic!("a socket that no pod has: {path:?}"),
    }
}

/// What the page for operators says that our user needs.
fn permissions(prefix: &str) -> Vec<String> {
    let page = include_str!("../../../docs/operations.md");
    let block =
        page.split("ACL SETUSER ratekeeper on >PASSWORD").nth(1).unwrap().split("```").next().unwrap();
    let words = block.lines().flat_map(|line| line.split('#').next().unwrap().split_whitespace());
    words.map(|word| word.replace("rk:", prefix)).collect()
}
