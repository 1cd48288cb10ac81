//! What the decision log shows of itself.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::writer::{Lost, Tally};
use crate::telemetry::samples::Described;

const LINES: Described =
    Described { name: "decision_log_lines", help: "Lines that the decision log has written" };

const DROPPED: Described = Described {
    name: "decision_log_dropped",
    help: "Lines that the decision log should have written and has not: above its rate, with too many waiting, or as the output \
           failed",
};

/// Reads the figures where they are kept.
#[derive(Debug)]
pub struct DecisionLogMetrics(pub Arc<Tally>);

impl Collector for DecisionLogMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        LINES.counter(&mut encoder, self.0.lines())?;
        let dropped = Lost::ALL.map(|why| (why.name(), self.0.lost(why)));
        DROPPED.counters(&mut encoder, "reason", dropped)
    }
}
