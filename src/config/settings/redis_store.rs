//! `redis` and `redis_per_second`: which servers hold the shared counts, and how long we wait for them.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Serialize;

use super::contradiction::Contradiction;
use super::quantity::serialize_duration;
use super::redis_credentials::RedisCredentials;
use super::redis_tls::RedisTls;
use super::redis_url::{RedisEndpoint, RedisUrl};
use super::section::{Known, Section, put, read_section};
use super::topology::Topology;
use crate::config::decode::{Decoder, Field, Optional, Path};
use crate::config::yaml::Value;

/// Callers give up long before a second.
const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_millis(999);

/// How long connecting may take.
const CONNECT: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_mins(1);

/// More servers than anybody lists.
const MAX_URLS: usize = 1000;

/// Every key in Redis begins with it, so that each byte is paid for by the million.
const MAX_PREFIX: usize = 64;

/// The shared store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Redis {
    /// How the servers belong together.
    pub topology: Topology,
    /// The servers: the one, each of a ring, some of a cluster to begin with; or the Sentinels.
    pub urls: Vec<RedisUrl>,
    /// What Sentinels call the master.
    pub sentinel_master: String,
    /// What every key begins with.
    pub key_prefix: String,
    /// How long one operation may take.
    #[serde(serialize_with = "serialize_duration")]
    pub timeout: Duration,
    /// How long connecting may take.
    #[serde(serialize_with = "serialize_duration")]
    pub connect_timeout: Duration,
    /// Who we are to servers whose URL does not say.
    #[serde(flatten)]
    pub credentials: RedisCredentials,
    /// TLS to servers.
    pub tls: RedisTls,
}

/// The store that counts limits per second by itself; none where it has no URLs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PerSecond(Redis);

impl Default for Redis {
    fn default() -> Self {
        Self {
            topology: Topology::Single,
            urls: vec![RedisUrl::default()],
            sentinel_master: String::new(),
            key_prefix: "rk:".into(),
            timeout: Duration::from_millis(10),
            connect_timeout: Duration::from_secs(1),
            credentials: RedisCredentials::default(),
            tls: RedisTls::default(),
        }
    }
}

impl Default for PerSecond {
    fn default() -> Self {
        Self(Redis { urls: Vec::new(), ..Redis::default() })
    }
}

impl PerSecond {
    /// The store, where there is one.
    #[must_use]
    pub fn store(&self) -> Option<&Redis> {
        Some(&self.0).filter(|redis| !redis.urls.is_empty())
    }

    pub(super) fn contradiction(&self) -> Option<Contradiction> {
        self.store()?.contradiction()
    }
}

impl Section for PerSecond {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        match (field.name, &field.node.value) {
            // There is none.
            ("urls", Value::Sequence(urls)) if urls.is_empty() => put(&mut self.0.urls, Ok(Some(Vec::new()))),
            _ => self.0.set(decoder, field),
        }
    }
}

impl Redis {
    /// What the list of servers and the topology say against each other, once all layers are read.
    pub(super) fn contradiction(&self) -> Option<Contradiction> {
        let (message, help) = match (self.topology, self.urls.as_slice()) {
            (_, []) => return None,
            (Topology::Sentinel, _) if self.sentinel_master.is_empty() => (
                "`topology: sentinel` needs the name of the master".into(),
                "write `sentinel_master: NAME`, as the Sentinels' `sentinel monitor NAME …` has it",
            ),
            (topology, _) if topology != Topology::Sentinel && !self.sentinel_master.is_empty() => (
                "there is a `sentinel_master`, but no Sentinels".into(),
                "write `topology: sentinel`, and the Sentinels' URLs",
            ),
            (Topology::Single, urls) if urls.len() != 1 => (
                format!("`topology: single` is one server, but there are {} URLs", urls.len()),
                "keep one URL, or write another `topology`: sentinel, cluster or ring",
            ),
            (Topology::Proxy, urls) if urls.len() != 1 => (
                format!("`topology: proxy` is one address, but there are {} URLs", urls.len()),
                "keep the proxy's URL, or write `topology: ring` for servers without a proxy",
            ),
            (Topology::Cluster, urls) => no_cluster(urls)?,
            _ => return None,
        };
        Some(Contradiction { message, help })
    }
}

impl Redis {
    /// What credentials and TLS say against each other and against the URLs, and under which setting.
    pub(super) fn access_contradiction(&self) -> Option<(&'static str, Contradiction)> {
        self.credentials
            .contradiction(self.topology, &self.urls)
            .or_else(|| self.tls.contradiction(self.topology, &self.urls))
    }
}

impl Section for Redis {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        match field.name {
            "topology" => put(&mut self.topology, topology(decoder, field)),
            "urls" => put(&mut self.urls, urls(decoder, field)),
            "sentinel_master" => put(&mut self.sentinel_master, sentinel_master(decoder, field)),
            "key_prefix" => put(&mut self.key_prefix, key_prefix(decoder, field)),
            "timeout" => put(&mut self.timeout, decoder.duration(field, TIMEOUT)),
            "connect_timeout" => put(&mut self.connect_timeout, decoder.duration(field, CONNECT)),
            "tls" => read_section(decoder, field, &mut self.tls),
            _ => self.credentials.set(decoder, field),
        }
    }
}

/// Why these URLs cannot be nodes of one Redis Cluster.
fn no_cluster(urls: &[RedisUrl]) -> Option<(String, &'static str)> {
    if urls.iter().any(|url| url.database != 0) {
        let help = "leave the database out of `urls`";
        return Some(("a Redis Cluster has only the database 0".into(), help));
    }
    if urls.iter().any(|url| matches!(url.endpoint, RedisEndpoint::Unix(_))) {
        let help = "write `redis://host:6379` for each node that is named";
        return Some(("a Redis Cluster cannot be reached by a socket in the file system".into(), help));
    }
    let credentials = |url: &RedisUrl| (url.username.clone(), url.password.clone());
    let first = urls.first().map(credentials);
    if urls.iter().any(|url| Some(credentials(url)) != first) {
        let help = "write the same user and password into every URL";
        return Some(("the nodes of a Redis Cluster have different users or passwords".into(), help));
    }
    None
}

fn topology(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<Topology> {
    let choices = [
        ("single", Topology::Single),
        ("sentinel", Topology::Sentinel),
        ("proxy", Topology::Proxy),
        ("cluster", Topology::Cluster),
        ("ring", Topology::Ring),
    ];
    decoder.choice(field, &choices)
}

/// Reads the list; each fault names the item and repeats nothing of it.
fn urls(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<Vec<RedisUrl>> {
    let Some(texts) = decoder.texts(field)? else { return Ok(None) };
    if texts.is_empty() || texts.len() > MAX_URLS {
        let message = format!("`urls` needs from 1 to {MAX_URLS} URLs");
        return Err(decoder.refuse(field, message, "write `urls: [\"redis://127.0.0.1:6379\"]`"));
    }
    let mut urls: Vec<RedisUrl> = Vec::with_capacity(texts.len());
    let mut faulty = None;
    for (index, text) in texts.iter().enumerate() {
        let found = RedisUrl::parse(text).map_err(|bad| (format!("a Redis URL {}", bad.message), bad.help));
        let found = found.and_then(|url| match urls.iter().position(|other| same_server(other, &url)) {
            Some(first) => Err((
                format!("a Redis URL that stands twice, first as `urls[{first}]`"),
                "name every server and database once",
            )),
            None => Ok(url),
        });
        match found {
            Ok(url) => urls.push(url),
            Err((message, help)) => {
                let path = Path::Item(&field.path, index);
                faulty = Some(decoder.report(field.item_span(index), &path, message, help));
            }
        }
    }
    faulty.map_or(Ok(Some(urls)), Err)
}

/// Whether two URLs mean the same keys, whoever asks for them.
fn same_server(one: &RedisUrl, other: &RedisUrl) -> bool {
    (&one.endpoint, one.database) == (&other.endpoint, other.database)
}

/// Sentinels take letters, digits and a few signs.
fn sentinel_master(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<String> {
    let Some(text) = decoder.text(field)? else { return Ok(None) };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if text.len() <= MAX_PREFIX && text.bytes().all(fits) {
        return Ok(Some(text));
    }
    let help = "write the name that stands in the Sentinels' `sentinel monitor NAME …`";
    Err(decoder.refuse(field, "`sentinel_master` is no name of a master", help))
}

/// Braces would put all keys into one slot of a Cluster, and so on one server.
fn key_prefix(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<String> {
    let Some(text) = decoder.text(field)? else { return Ok(None) };
    let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'{' | b'}');
    if text.len() <= MAX_PREFIX && text.bytes().all(fits) {
        return Ok(Some(text));
    }
    let help = "write up to 64 letters, digits and signs, without spaces and braces, such as `rk:`";
    Err(decoder.refuse(field, "`key_prefix` cannot stand before keys", help))
}
