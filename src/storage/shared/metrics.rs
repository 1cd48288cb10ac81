//! What the shared store shows of its shards and of this replica's memory.

pub mod calls;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;

use crate::storage::shared::ring_watch::RingWatch;
use crate::storage::shared::shard::Shard;
use crate::storage::shared::shards::Shards;
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
const TRANSITIONS: Described = Described {
    name: "breaker_transitions",
    help: "Changes of the breaker's state, by the state that it became",
};
const FAILURES: Described = Described {
    name: "breaker_failures",
    help: "Failures that the breaker counted, by reason; those while it is open are failed probes",
};
const REPLICAS: Described =
    Described { name: "replicas", help: "Replicas that announce themselves at the shard" };
const OFFSET: Described = Described {
    name: "shard_clock_offset_seconds",
    help: "How far the shard's clock is ahead of this replica's",
};
const RING: Described = Described {
    name: "ring_info",
    help: "1, with the hash of the ring of servers that this replica places by",
};
const RINGS_SEEN: Described = Described {
    name: "rings_seen",
    help: "Rings of servers that the replicas sharing the store place by; more than 1 lets limits be exceeded",
};
const RECALLED: Described =
    Described { name: "over_limit_memory_entries", help: "Counters remembered as over" };
const MAX_RECALLED: Described = Described {
    name: "over_limit_memory_max_entries",
    help: "Counters that may be remembered as over (over_limit_memory.max_entries)",
};
const UNSETTLED: Described =
    Described { name: "fallback_unsettled_counters", help: "Counters with hits to settle" };
const ADMITTED: Described =
    Described { name: "fallback_admitted_hits", help: "Hits admitted without the store's knowing" };
const EVICTED: Described =
    Described { name: "fallback_evicted_unsettled", help: "Counters forgotten before they were settled" };

/// Reads the figures when somebody asks.
#[derive(Debug)]
pub struct SharedStoreMetrics(pub Arc<Shards>);

/// A shard and its name in labels.
type Named = (String, Arc<Shard>);

/// One figure of every shard.
fn each<'s, T>(
    shards: &'s [Named],
    figure: impl Fn(&Shard) -> T + 's,
) -> impl Iterator<Item = (&'s str, T)> + 's {
    shards.iter().map(move |(name, shard)| (name.as_str(), figure(shard)))
}

/// Several counters of every shard, told apart by one more label.
fn by_label<I>(
    encoder: &mut DescriptorEncoder<'_>,
    described: Described,
    label: &str,
    shards: &[Named],
    figures: impl Fn(&Shard) -> I,
) -> fmt::Result
where
    I: IntoIterator<Item = (&'static str, u64)>,
{
    let mut family = described.describe(encoder, MetricType::Counter)?;
    for (shard, figures) in each(shards, figures) {
        for (value, count) in figures {
            let labels = [("shard", shard), (label, value)];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

impl Collector for SharedStoreMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let encoder = &mut encoder;
        let named = |shard: &Arc<Shard>| (shard.name(), Arc::clone(shard));
        let shards: Vec<Named> = self.0.topology().shards().map(named).collect();
        encode_work(encoder, &shards)?;
        encode_breakers(encoder, &shards)?;
        REPLICAS.gauges(encoder, "shard", each(&shards, |shard| f64::from(shard.share().replicas.get())))?;
        #[expect(
            clippy::cast_precision_loss,
            reason = "a clock that is off by 285,000 years may be shown inexactly"
        )]
        OFFSET.gauges(encoder, "shard", each(&shards, |shard| shard.offset_millis() as f64 / 1_000.0))?;
        let ledger = self.0.ledger().figures();
        RECALLED.gauge(encoder, as_gauge(ledger.over))?;
        MAX_RECALLED.gauge(encoder, as_gauge(self.0.ledger().over_memory_max_entries()))?;
        UNSETTLED.gauge(encoder, as_gauge(ledger.unsettled))?;
        ADMITTED.counter(encoder, ledger.admitted)?;
        EVICTED.counter(encoder, ledger.evicted_unsettled)?;
        self.0.rings().map_or(Ok(()), |rings| encode_rings(encoder, rings))
    }
}

fn encode_work(encoder: &mut DescriptorEncoder<'_>, shards: &[Named]) -> fmt::Result {
    ANSWERED.counters(encoder, "shard", each(shards, |shard| load(&shard.figures.answered)))?;
    FAILED.counters(encoder, "shard", each(shards, |shard| load(&shard.figures.failed)))?;
    CALLS.counters(encoder, "shard", each(shards, |shard| load(&shard.figures.calls)))?;
    calls::encode(encoder, shards)?;
    by_label(encoder, FALLBACK, "by", shards, |shard| shard.figures.fallback_by_policy())?;
    FOREIGN.counters(encoder, "shard", each(shards, |shard| load(&shard.figures.foreign)))?;
    SETTLED.counters(encoder, "shard", each(shards, |shard| load(&shard.figures.settled)))?;
    LOST.counters(encoder, "shard", each(shards, |shard| load(&shard.figures.lost_give_backs)))
}

fn encode_breakers(encoder: &mut DescriptorEncoder<'_>, shards: &[Named]) -> fmt::Result {
    let is_open = |shard: &Shard| f64::from(u8::from(!shard.breaker().is_closed()));
    OPEN.gauges(encoder, "shard", each(shards, is_open))?;
    let transitions = |shard: &Shard| shard.breaker().snapshot().transitions().by_state();
    by_label(encoder, TRANSITIONS, "to", shards, transitions)?;
    by_label(encoder, FAILURES, "reason", shards, |shard| {
        shard.breaker().snapshot().failures().iter().map(|(reason, count)| (reason.name(), count))
    })
}

fn encode_rings(encoder: &mut DescriptorEncoder<'_>, rings: &RingWatch) -> fmt::Result {
    RING.gauges(encoder, "ring", [(rings.own().to_string().as_str(), 1.0)])?;
    RINGS_SEEN.gauge(encoder, as_gauge(1 + rings.others().len()))
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
