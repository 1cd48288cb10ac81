//! Every layer's metrics, under one prefix but for those of the process, which are called the same everywhere, and upstream's.

use std::sync::Arc;

use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::app::Parts;
use crate::server::metrics::connections::{ConnectionMetrics, PageConnectionMetrics};
use crate::server::metrics::tls::TlsMetrics;
use crate::server::metrics::{DurationSection, RequestCollector};
use crate::server::transport::{ConnectionStats, Tls};
use crate::service::metrics::ServiceMetrics;
use crate::telemetry::exposition::Exposition;
use crate::telemetry::process::ProcessMetrics;
use crate::telemetry::statsd::metrics::StatsdMetrics;
use crate::telemetry::trace::metrics::SpanMetrics;

/// What the ports did so far, for whoever looks.
pub(super) struct Ports<'a> {
    pub(super) grpc: &'a Arc<ConnectionStats>,
    /// Where the gRPC port has it.
    pub(super) tls: Option<&'a Tls>,
    /// The HTTP ports, each with its listener's name.
    pub(super) pages: Vec<(&'static str, Arc<ConnectionStats>)>,
}

/// All metrics of the process.
pub(super) fn exposition(parts: &Parts, ports: Ports<'_>) -> Exposition {
    let mut root = Registry::default();
    root.register_collector(Box::new(ProcessMetrics));
    if let Some(upstream) = &parts.upstream {
        root.register_collector(Box::new(upstream.clone()));
    }
    let registry = root.sub_registry_with_prefix("ratekeeper");
    registry.register("build", "The version that runs", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
    registry.register_collector(Box::new(ServiceMetrics(Arc::clone(&parts.status))));
    registry.register_collector(Box::new(RequestCollector(Arc::clone(&parts.requests))));
    parts.counters.register(registry);
    parts.decisions.register(registry);
    registry.register_collector(Box::new(ConnectionMetrics(Arc::clone(ports.grpc))));
    registry.register_collector(Box::new(PageConnectionMetrics(ports.pages)));
    if let Some(tls) = ports.tls {
        registry.register_collector(Box::new(TlsMetrics(Arc::clone(tls.stats()))));
    }
    registry.register_collector(Box::new(StatsdMetrics(Arc::clone(&parts.statsd_sendings))));
    registry.register_collector(Box::new(SpanMetrics(Arc::clone(&parts.traces.counts))));
    Exposition::new(root, vec![Box::new(DurationSection(Arc::clone(&parts.requests)))])
}
