//! How script calls to a shard went.

use std::fmt;
use std::sync::atomic::Ordering;

use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::MetricType;

use super::{Named, each};
use crate::storage::redis::observer::{CallEnd, CallReport};
use crate::telemetry::histogram::{CountHistogram, LatencyHistogram};
use crate::telemetry::samples::{Described, as_gauge};

const DURATION: Described = Described {
    name: "store_call_duration_seconds",
    help: "Time from sending a script call to its end, by shard and what became of it",
};
const ORDERS: Described =
    Described { name: "store_call_orders", help: "Requests that one script call carried" };
const FLIGHTS: Described = Described {
    name: "store_flights",
    help: "Writes of one script call or several that are under way to a shard",
};

/// How script calls to one shard went.
#[derive(Debug, Default)]
pub struct CallHistograms {
    durations: [LatencyHistogram; CallEnd::NAMES.len()],
    orders: CountHistogram,
}

impl CallHistograms {
    /// Counts a call that is over.
    pub fn note(&self, call: CallReport) {
        self.durations[call.end.index()].observe(call.duration);
        if call.orders > 0 {
            self.orders.observe(call.orders);
        }
    }

    /// Those that went well, and beside these what occurred: most shards know no other end.
    fn durations(&self) -> impl Iterator<Item = (&'static str, &LatencyHistogram)> {
        let well = CallEnd::Answered.index();
        let named = CallEnd::NAMES.into_iter().zip(&self.durations).enumerate();
        named
            .filter(move |(end, (_, durations))| *end == well || !durations.is_empty())
            .map(|(_, named)| named)
    }
}

pub(super) fn encode(encoder: &mut DescriptorEncoder<'_>, shards: &[Named]) -> fmt::Result {
    let mut family = DURATION.describe(encoder, MetricType::Histogram)?;
    for (name, shard) in shards {
        for (outcome, durations) in shard.figures.calls_made.durations() {
            let labels = [("shard", name.as_str()), ("outcome", outcome)];
            durations.encode(family.encode_family(&labels)?)?;
        }
    }
    let mut family = ORDERS.describe(encoder, MetricType::Histogram)?;
    for (name, shard) in shards {
        shard.figures.calls_made.orders.encode(family.encode_family(&[("shard", name.as_str())])?)?;
    }
    let flights = each(shards, |shard| as_gauge(shard.figures.flights.load(Ordering::Relaxed)));
    FLIGHTS.gauges(encoder, "shard", flights)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_what_occurred_is_shown_beside_what_went_well() {
        let calls = CallHistograms::default();
        let names = || calls.durations().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(), ["ok"]);
        calls.note(CallReport { orders: 1, end: CallEnd::Lost, duration: Duration::ZERO });
        calls.note(CallReport { orders: 1, end: CallEnd::Late, duration: Duration::ZERO });
        assert_eq!(names(), ["ok", "timeout", "lost"]);
    }
}
