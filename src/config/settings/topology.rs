//! How the servers of a shared store belong together.

use serde::Serialize;

/// How servers belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Topology {
    /// One server.
    Single,
    /// A master and its replicas, watched by Sentinels.
    Sentinel,
    /// A proxy that spreads keys over servers of its own.
    Proxy,
    /// The nodes of a Redis Cluster.
    Cluster,
    /// Independent servers, among which keys are spread by consistent hashing.
    Ring,
}
