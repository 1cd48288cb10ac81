//! `redis.tls`: which servers are asked by TLS, whom we trust, and who we are by certificate.

use std::path::PathBuf;

use serde::Serialize;

use super::contradiction::Contradiction;
use super::redis_credentials::{optional_path, optional_text, serialize_optional, serialize_path};
use super::redis_url::{RedisEndpoint, RedisUrl};
use super::section::{Known, Section, put};
use super::topology::Topology;
use crate::config::decode::{Decoder, Field};

/// TLS to servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RedisTls {
    /// Every server is asked by TLS, also where its URL does not say so.
    pub enabled: bool,
    /// The certificates of the authorities that are trusted; none: the system's.
    #[serde(serialize_with = "serialize_path")]
    pub ca: Option<PathBuf>,
    /// Our certificate and those between it and its authority.
    #[serde(serialize_with = "serialize_path")]
    pub certificate: Option<PathBuf>,
    /// The private key of our certificate.
    #[serde(serialize_with = "serialize_path")]
    pub key: Option<PathBuf>,
    /// The name that servers' certificates must have; none: the host that is connected to.
    #[serde(serialize_with = "serialize_optional")]
    pub server_name: Option<String>,
    /// Whether that name is looked at.
    pub verify_host_name: bool,
}

impl Default for RedisTls {
    fn default() -> Self {
        Self {
            enabled: false,
            ca: None,
            certificate: None,
            key: None,
            server_name: None,
            verify_host_name: true,
        }
    }
}

impl RedisTls {
    /// Whether this server is asked by TLS. Sentinels are asked as their own URLs say.
    #[must_use]
    pub fn is_for(&self, topology: Topology, url: &RedisUrl) -> bool {
        let enabled = self.enabled && topology != Topology::Sentinel;
        matches!(url.endpoint, RedisEndpoint::Tcp { .. }) && (enabled || url.tls)
    }

    /// What these say against each other and against the URLs, and under which setting.
    pub(super) fn contradiction(
        &self,
        topology: Topology,
        urls: &[RedisUrl],
    ) -> Option<(&'static str, Contradiction)> {
        let used = self.enabled || urls.iter().any(|url| url.tls);
        let is_default = *self == Self { enabled: self.enabled, ..Self::default() };
        let (path, message, help) = if self.certificate.is_some() != self.key.is_some() {
            let help = "write both `certificate` and `key`, or neither";
            ("tls.certificate", "a certificate and its key go together, and one of them is missing", help)
        } else if !is_default && !used {
            let help = "write `redis.tls.enabled: true`, or `rediss://` URLs";
            ("tls", "TLS is set up, but no server is asked by it", help)
        } else if self.enabled && urls.iter().any(|url| matches!(url.endpoint, RedisEndpoint::Unix(_))) {
            let help = "leave `redis.tls.enabled` out and write `rediss://` for the other servers";
            ("tls.enabled", "a socket in the file system is not asked by TLS", help)
        } else if topology == Topology::Cluster
            && !self.enabled
            && urls.iter().any(|url| url.tls != urls[0].tls)
        {
            let help = "write `rediss://` for all of them, or `redis.tls.enabled: true`";
            ("urls", "some nodes of the Redis Cluster are named with TLS, and some without", help)
        } else {
            return None;
        };
        Some((path, Contradiction { message: message.into(), help }))
    }
}

impl Section for RedisTls {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        match field.name {
            "enabled" => put(&mut self.enabled, decoder.truth(field)),
            "ca" => put(&mut self.ca, optional_path(decoder, field)),
            "certificate" => put(&mut self.certificate, optional_path(decoder, field)),
            "key" => put(&mut self.key, optional_path(decoder, field)),
            "server_name" => put(&mut self.server_name, optional_text(decoder, field)),
            "verify_host_name" => put(&mut self.verify_host_name, decoder.truth(field)),
            _ => Known::No,
        }
    }
}
