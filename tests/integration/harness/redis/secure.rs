//! A Redis that speaks TLS on a port of its own; the tests' own connections use the other one.

use std::net::SocketAddr;

use super::super::ports;
use super::Redis;
use crate::harness::Authority;

/// A server for clients of TLS.
pub(crate) struct SecureRedis {
    pub(crate) redis: Redis,
    /// Where clients connect to by TLS.
    pub(crate) address: SocketAddr,
}

impl SecureRedis {
    /// Starts one whose certificate is for 127.0.0.1 and localhost, and that wants no certificate of clients.
    pub(crate) async fn start(authority: &Authority) -> Self {
        Self::start_with(authority, &["--tls-auth-clients", "no"]).await
    }

    /// The same with these options of Redis; without them it wants clients to have a certificate of the authority.
    pub(crate) async fn start_with(authority: &Authority, options: &[&str]) -> Self {
        let address = ports::free();
        let (port, ca) = (address.port().to_string(), authority.file("ca.pem"));
        let (certificate, key) = (authority.file("server/cert.pem"), authority.file("server/key.pem"));
        let mut all = vec!["--tls-port", &port, "--tls-ca-cert-file", &ca];
        all.extend(["--tls-cert-file", &certificate, "--tls-key-file", &key]);
        all.extend(options);
        Self { redis: Redis::start_with(&all).await, address }
    }

    /// Where clients connect to.
    pub(crate) fn url(&self) -> String {
        format!("rediss://{}", self.address)
    }

    /// The same by name.
    pub(crate) fn named_url(&self) -> String {
        format!("rediss://localhost:{}", self.address.port())
    }
}
