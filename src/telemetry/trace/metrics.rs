//! What the export of spans shows of itself.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::counts::SpanCounts;
use crate::telemetry::samples::Described;

const EXPORTED: Described = Described { name: "spans_exported", help: "Spans that the collector took" };

const DROPPED: Described =
    Described { name: "spans_dropped", help: "Spans that reached no collector, by reason" };

/// Shows the counts when somebody asks.
#[derive(Debug)]
pub struct SpanMetrics(pub Arc<SpanCounts>);

impl Collector for SpanMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        EXPORTED.counter(&mut encoder, self.0.exported())?;
        DROPPED.counters(&mut encoder, "reason", self.0.dropped())
    }
}
