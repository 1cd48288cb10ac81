//! What the shared store shows of its shards and of this replica's memory.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;

use crate::storage::shared::shard::Shard;
use crate::storage::shared::shards::Shards;
use crate::storage::shared::topology::Topology;
use crate::telemetry::samples::{Described, as_gauge};

const ANSWERED: Described =
    Described { name: "store_orders_answered", help: "Requests that a shard counted" };
const FAILED: Described =
    Described { name: "store_orders_failed", help: "Requests and probes that a shard did not answer" };
const CALLS: Described = Described { name: "store_calls", help: "Script calls to a shard" };
const FALLBACK: Described =
    Described { name: "fallback_decisions", help: "Hits decided without their shard, by what decided them" };
const FOREIGN: Described = Described {
    name: "store_foreign_values",
    help: "Hits on keys that held something that is no counter of ours",
};
const SETTLED: Described =
    Described { name: "store_settled_counters", help: "Counters settled with a shard that came back" };
const LOST: Described = Described {
    name: "store_lost_give_backs",
    help: "Hits of denied requests that perhaps were not given back (counting.denied_requests: ignore)",
};
const OPEN: Described =
    Described { name: "breaker_open", help: "1 while the shard is away and this replica decides" };
const TRIPS: Described = Described { name: "breaker_opened", help: "Times that the breaker opened" };
const REPLICAS: Described =
    Described { name: "replicas", help: "Replicas that announce themselves at the shard" };
const OFFSET: Described = Described {
    name: "shard_clock_offset_seconds",
    help: "How far the shard's clock is ahead of this replica's",
};
const RECALLED: Described =
    Described { name: "over_limit_memory_entries", help: "Counters remembered as over" };
const UNSETTLED: Described =
    Described { name: "fallback_unsettled_counters", help: "Counters with hits to settle" };
const ADMITTED: Described =
    Described { name: "fallback_admitted_hits", help: "Hits admitted without the store's knowing" };
const EVICTED: Described =
    Described { name: "fallback_evicted_unsettled", help: "Counters forgotten before they were settled" };

/// Reads the figures when somebody asks.
#[derive(Debug)]
pub struct SharedStoreMetrics(pub Arc<Shards>);

impl SharedStoreMetrics {
    fn counters(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        described: Described,
        figure: impl Fn(&Shard) -> u64,
    ) -> fmt::Result {
        let (topology, names) = self.names();
        let values = names.iter().zip(topology.shards()).map(|(name, shard)| (name.as_str(), figure(shard)));
        described.counters(encoder, "shard", values)
    }

    fn gauges(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        described: Described,
        figure: impl Fn(&Shard) -> f64,
    ) -> fmt::Result {
        let (topology, names) = self.names();
        let values = names.iter().zip(topology.shards()).map(|(name, shard)| (name.as_str(), figure(shard)));
        described.gauges(encoder, "shard", values)
    }

    fn names(&self) -> (Arc<Topology>, Vec<String>) {
        let topology = self.0.topology();
        let names = topology.shards().map(|shard| shard.address().to_string()).collect();
        (topology, names)
    }

    fn encode_fallback(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut family = FALLBACK.describe(encoder, MetricType::Counter)?;
        for shard in self.0.topology().shards() {
            let name = shard.address().to_string();
            for (by, count) in ["local", "allow", "deny"].into_iter().zip(&shard.figures.fallback) {
                let labels = [("shard", name.as_str()), ("by", by)];
                ConstCounter::new(load(count)).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

impl Collector for SharedStoreMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let encoder = &mut encoder;
        self.counters(encoder, ANSWERED, |shard| load(&shard.figures.answered))?;
        self.counters(encoder, FAILED, |shard| load(&shard.figures.failed))?;
        self.counters(encoder, CALLS, |shard| load(&shard.figures.calls))?;
        self.encode_fallback(encoder)?;
        self.counters(encoder, FOREIGN, |shard| load(&shard.figures.foreign))?;
        self.counters(encoder, SETTLED, |shard| load(&shard.figures.settled))?;
        self.counters(encoder, LOST, |shard| load(&shard.figures.lost_give_backs))?;
        self.counters(encoder, TRIPS, |shard| shard.breaker().snapshot().transitions().open)?;
        self.gauges(encoder, OPEN, |shard| f64::from(u8::from(!shard.breaker().is_closed())))?;
        self.gauges(encoder, REPLICAS, |shard| f64::from(shard.share().replicas.get()))?;
        #[expect(
            clippy::cast_precision_loss,
            reason = "a clock that is off by 285,000 years may be shown inexactly"
        )]
        self.gauges(encoder, OFFSET, |shard| shard.offset_millis() as f64 / 1_000.0)?;
        let ledger = self.0.ledger.figures();
        RECALLED.gauge(encoder, as_gauge(ledger.over))?;
        UNSETTLED.gauge(encoder, as_gauge(ledger.unsettled))?;
        ADMITTED.counter(encoder, ledger.admitted)?;
        EVICTED.counter(encoder, ledger.evicted_unsettled)
    }
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
