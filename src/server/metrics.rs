//! What the edge shows: requests here, the connections that carry them in a file of their own.

pub mod connections;
pub mod tls;
pub mod upstream;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use crate::server::unanswered::Unanswered;
use crate::telemetry::exposition::Section;
use crate::telemetry::histogram::LatencyHistogram;
use crate::telemetry::samples::Described;
use crate::telemetry::trace::context::TraceId;

/// Named whole, as it writes itself.
const DURATION: Described = Described {
    name: "ratekeeper_request_duration_seconds",
    help: "Time from a decoded request to its answer, for requests that were answered",
};

const DEADLINE_LEFT: Described = Described {
    name: "request_deadline_left_seconds",
    help: "What was left of the time that the caller allowed (grpc-timeout) when a request was answered; 0 where it was over",
};

const UNANSWERED: Described = Described {
    name: "requests_unanswered",
    help: "Requests that got an error instead of an answer, by reason",
};

/// Counts requests of both gRPC and JSON.
#[derive(Debug, Default)]
pub struct RequestMetrics {
    duration: LatencyHistogram,
    deadline_left: LatencyHistogram,
    unanswered: [AtomicU64; Unanswered::NAMES.len()],
}

impl RequestMetrics {
    /// Counts an answered request.
    pub fn answered(&self, request: Answered) {
        self.duration.observe_with(request.took, request.trace);
        if let Some(left) = request.left {
            self.deadline_left.observe(left);
        }
    }

    /// Counts a request without an answer.
    pub fn unanswered(&self, why: Unanswered) {
        self.unanswered[why.index()].fetch_add(1, Ordering::Relaxed);
    }

    /// How long the answered ones took.
    #[must_use]
    pub fn duration(&self) -> &LatencyHistogram {
        &self.duration
    }

    /// Requests without an answer.
    #[must_use]
    pub fn total_unanswered(&self) -> u64 {
        self.unanswered.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Requests.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total_unanswered() + self.duration.counts().map(|(_, count)| count).sum::<u64>()
    }
}

/// A request that was answered.
#[derive(Debug, Clone, Copy)]
pub struct Answered {
    /// From the decoded request to its answer.
    pub took: Duration,
    /// What was left of the caller's time, where the caller had said how long it waits.
    pub left: Option<Duration>,
    /// The trace that tells of the request, where it was sampled.
    pub trace: Option<TraceId>,
}

/// Shows a server's requests when somebody asks.
#[derive(Debug)]
pub struct RequestCollector(pub Arc<RequestMetrics>);

impl Collector for RequestCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let counts = self.0.unanswered.iter().map(|count| count.load(Ordering::Relaxed));
        UNANSWERED.counters(&mut encoder, "reason", Unanswered::NAMES.into_iter().zip(counts))?;
        self.0.deadline_left.encode(DEADLINE_LEFT.describe(&mut encoder, MetricType::Histogram)?)
    }
}

/// Shows how long a server's requests took, with exemplars.
#[derive(Debug)]
pub struct DurationSection(pub Arc<RequestMetrics>);

impl Section for DurationSection {
    fn write(&self, page: &mut dyn fmt::Write) -> fmt::Result {
        self.0.duration.write(page, DURATION)
    }
}
