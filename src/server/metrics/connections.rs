//! What became of connections: those of the gRPC port by core, those of the HTTP ports by listener.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;

use crate::server::transport::ConnectionStats;
use crate::telemetry::samples::{Described, as_gauge};

const OPEN: Described =
    Described { name: "connections_open", help: "Open gRPC connections, by the core that serves them" };

const CALLS: Described =
    Described { name: "grpc_calls", help: "gRPC calls begun, by the core that serves them" };

const PANICS: Described = Described {
    name: "panics",
    help: "Tasks of gRPC connections and calls that panicked, by core; each is a fault of this program",
};

const EVENTS: Described = Described {
    name: "connections",
    help: "gRPC connections, and calls that were cut while they came in, by what became of them",
};

const PAGE_EVENTS: Described = Described {
    name: "http_connections",
    help: "Connections of the HTTP ports, by listener and what became of them, and requests on them without an answer in time",
};

/// Shows the connections of the gRPC port when somebody asks.
#[derive(Debug)]
pub struct ConnectionMetrics(pub Arc<ConnectionStats>);

impl Collector for ConnectionMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Self(stats) = self;
        let cores: Vec<String> = (0..stats.cores.len()).map(|core| core.to_string()).collect();
        let by_core = || cores.iter().map(String::as_str).zip(&stats.cores);
        CALLS.counters(&mut encoder, "core", by_core().map(|(core, load)| (core, load.requests.get())))?;
        OPEN.gauges(&mut encoder, "core", by_core().map(|(core, load)| (core, as_gauge(load.open()))))?;
        PANICS.counters(&mut encoder, "core", by_core().map(|(core, load)| (core, load.panics.get())))?;
        EVENTS.counters(&mut encoder, "event", events(stats))
    }
}

fn events(stats: &ConnectionStats) -> [(&'static str, u64); 13] {
    [
        ("accepted", stats.accepted.get()),
        ("refused", stats.refused.get()),
        ("accept_failed", stats.accept_failures.get()),
        ("handshake_timeout", stats.handshake_timeouts.get()),
        ("handshake_http1", stats.handshake_http1.get()),
        ("handshake_garbage", stats.handshake_garbage.get()),
        ("handshake_closed", stats.handshake_closed.get()),
        ("failed", stats.failed.get()),
        ("aged", stats.aged.get()),
        ("cut_by_age", stats.cut_by_age.get()),
        ("cut_by_drain", stats.cut_by_drain.get()),
        ("over_budget", stats.over_budget.get()),
        ("receive_timeout", stats.receive_timeouts.get()),
    ]
}

/// Shows the connections of the HTTP ports, each with its listener's name in the settings.
#[derive(Debug)]
pub struct PageConnectionMetrics(pub Vec<(&'static str, Arc<ConnectionStats>)>);

impl Collector for PageConnectionMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut family = PAGE_EVENTS.describe(&mut encoder, MetricType::Counter)?;
        for (listener, stats) in &self.0 {
            for (event, count) in page_events(stats) {
                let labels = [("listener", *listener), ("event", event)];
                ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

/// Those that can happen to HTTP/1, and that somebody is left to read.
fn page_events(stats: &ConnectionStats) -> [(&'static str, u64); 7] {
    [
        ("accepted", stats.accepted.get()),
        ("refused", stats.refused.get()),
        ("accept_failed", stats.accept_failures.get()),
        ("failed", stats.failed.get()),
        ("aged", stats.aged.get()),
        ("cut_by_age", stats.cut_by_age.get()),
        ("request_timeout", stats.request_timeouts.get()),
    ]
}
