//! Connections that have been used once and then only lie there, as most of a mesh's do.

use anyhow::Context;
use ratekeeper::cli::bench::target::Target;
use ratekeeper_proto::rate_limit_descriptor::Entry;
use ratekeeper_proto::rate_limit_service_client::RateLimitServiceClient;
use ratekeeper_proto::{RateLimitDescriptor, RateLimitRequest};
use tokio::runtime::Runtime;
use tonic::transport::{Channel, Endpoint};

/// Open connections; closed when dropped.
pub(crate) struct Idle {
    _connections: Vec<Channel>,
    _runtime: Runtime,
}

impl Idle {
    /// Opens so many connections, one after the other, and asks for a decision on each.
    pub(crate) fn open(target: &Target, count: usize) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let endpoint = Endpoint::from_shared(format!("http://{}", target.authority()))?;
        let connections = runtime.block_on(async {
            let mut connections = Vec::with_capacity(count);
            for _ in 0..count {
                let connection = endpoint.connect().await?;
                let mut client = RateLimitServiceClient::new(connection.clone());
                client.should_rate_limit(question()).await.context("no decision on an idle connection")?;
                connections.push(connection);
            }
            anyhow::Ok(connections)
        })?;
        Ok(Self { _connections: connections, _runtime: runtime })
    }
}

fn question() -> RateLimitRequest {
    let entry = Entry { key: "key".into(), value: "idle".into() };
    let descriptor = RateLimitDescriptor { entries: vec![entry], ..RateLimitDescriptor::default() };
    RateLimitRequest { domain: "bench".into(), descriptors: vec![descriptor], hits_addend: 1 }
}
