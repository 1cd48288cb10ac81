//! What the edge shows: requests, and the connections that carry them.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use crate::server::responder::Unanswered;
use crate::telemetry::histogram::LatencyHistogram;
use crate::telemetry::samples::Described;

const DURATION: Described = Described {
    name: "request_duration_seconds",
    help: "Time from a decoded request to its answer, for requests that were answered",
};

const UNANSWERED: Described = Described {
    name: "requests_unanswered",
    help: "Requests that got an error instead of an answer, by reason",
};

/// Counts requests of both gRPC and JSON.
#[derive(Debug, Default)]
pub struct RequestMetrics {
    duration: LatencyHistogram,
    unanswered: [AtomicU64; REASONS.len()],
}

/// Every reason for no answer; a request is counted under its name.
const REASONS: [&str; 6] = [
    "empty_domain",
    "no_descriptors",
    "too_many_descriptors",
    "too_many_entries",
    "unknown_unit",
    "no_rules",
];

impl RequestMetrics {
    /// Counts an answered request.
    pub fn answered(&self, took: Duration) {
        self.duration.observe(took);
    }

    /// Counts a request without an answer.
    pub fn unanswered(&self, why: Unanswered) {
        let name = match why {
            Unanswered::Refused(refusal) => refusal.name(),
            Unanswered::NoRules(_) => "no_rules",
        };
        if let Some(reason) = REASONS.iter().position(|reason| *reason == name) {
            self.unanswered[reason].fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Shows a server's requests when somebody asks.
#[derive(Debug)]
pub struct RequestCollector(pub std::sync::Arc<RequestMetrics>);

impl Collector for RequestCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let counts = self.0.unanswered.iter().map(|count| count.load(Ordering::Relaxed));
        UNANSWERED.counters(&mut encoder, "reason", REASONS.into_iter().zip(counts))?;
        self.0.duration.encode(DURATION.describe(&mut encoder, MetricType::Histogram)?)
    }
}
