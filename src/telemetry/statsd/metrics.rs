//! What became of the datagrams.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::{Sending, Sendings};
use crate::telemetry::samples::Described;

const DATAGRAMS: Described = Described {
    name: "statsd_datagrams",
    help: "Datagrams for the StatsD receiver, by what became of them: sent (UDP does not tell whether they arrived), \
           refused by its machine, failed here, or unresolved, once for each flush that had to wait",
};

/// Shows them when somebody asks.
#[derive(Debug)]
pub struct StatsdMetrics(pub Arc<Sendings>);

impl Collector for StatsdMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let counts = Sending::ALL.map(|sending| (sending.name(), self.0.get(sending)));
        DATAGRAMS.counters(&mut encoder, "result", counts)
    }
}
