//! The registry: every layer's metrics under one prefix, and upstream's under their own.

use std::sync::Arc;

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::app::Parts;
use crate::server::metrics::{ConnectionMetrics, RequestCollector};
use crate::server::transport::ConnectionStats;
use crate::service::metrics::ServiceMetrics;
use crate::telemetry::statsd::metrics::StatsdMetrics;

/// All metrics of the process; `connections` are those of the gRPC port.
pub(super) fn registry(parts: &Parts, connections: &Arc<ConnectionStats>) -> Registry {
    let mut root = Registry::default();
    if let Some(upstream) = &parts.upstream {
        root.register_collector(Box::new(upstream.clone()));
    }
    let registry = root.sub_registry_with_prefix("ratekeeper");
    registry.register("build", "The version that runs", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
    registry.register_collector(Box::new(ServiceMetrics(Arc::clone(&parts.status))));
    registry.register_collector(Box::new(RequestCollector(Arc::clone(&parts.requests))));
    parts.counters.register(registry);
    registry.register_collector(Box::new(ConnectionMetrics(Arc::clone(connections))));
    registry.register_collector(Box::new(StatsdMetrics(Arc::clone(&parts.statsd_sendings))));
    root
}
