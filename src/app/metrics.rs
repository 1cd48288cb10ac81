//! The registry: every layer's metrics under one prefix.

use std::sync::Arc;

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::app::Parts;
use crate::server::metrics::{ConnectionMetrics, RequestCollector};
use crate::server::transport::ConnectionStats;
use crate::service::metrics::ServiceMetrics;
use crate::telemetry::trace::metrics::SpanMetrics;

/// All metrics of the process; `connections` are those of the gRPC port.
pub(super) fn registry(parts: &Parts, connections: &Arc<ConnectionStats>) -> Registry {
    let mut registry = Registry::with_prefix("ratekeeper");
    registry.register("build", "The version that runs", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
    registry.register_collector(Box::new(ServiceMetrics(Arc::clone(&parts.status))));
    registry.register_collector(Box::new(RequestCollector(Arc::clone(&parts.requests))));
    parts.counters.register(&mut registry);
    registry.register_collector(Box::new(ConnectionMetrics(Arc::clone(connections))));
    registry.register_collector(Box::new(SpanMetrics(Arc::clone(&parts.traces.counts))));
    registry
}
