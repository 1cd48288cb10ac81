//! Every shard as this replica sees it at one moment: for the admin page, and for whoever asks whether all is well.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::storage::breaker::Breaker;
use crate::storage::shared::shard::Shard;
use crate::storage::shared::shards::Shards;

/// One shard.
#[derive(Debug, Clone)]
pub struct ShardOverview {
    /// Its address, without credentials.
    pub address: String,
    /// How many hash slots it has, where it is a node of a Redis Cluster.
    pub slots: Option<usize>,
    /// The breaker, with its reasons and counts.
    pub breaker: Breaker,
    /// How long the shard has been asked, or has not been.
    pub unchanged_for: Duration,
    /// How far its clock is ahead of this replica's, in milliseconds.
    pub clock_offset_millis: i64,
    /// Replicas that share its limits.
    pub replicas: NonZeroU32,
    /// Requests that it answered.
    pub answered: u64,
    /// Requests and probes that it did not.
    pub failed: u64,
    /// Script calls.
    pub calls: u64,
    /// Hits that were decided without it, by what decided them.
    pub fallback: [(&'static str, u64); 3],
    /// Hits on keys that held what is not ours.
    pub foreign: u64,
    /// Counters that were settled.
    pub settled: u64,
    /// Counters with hits to settle.
    pub unsettled: usize,
    /// Hits that should have been given back and perhaps were not.
    pub lost_give_backs: u64,
    /// Its `maxmemory-policy`, once it has told.
    pub eviction_policy: Option<Arc<String>>,
}

impl Shards {
    /// All of them.
    #[must_use]
    pub fn overview(&self) -> Vec<ShardOverview> {
        let topology = self.topology();
        let slots = topology.slot_counts();
        let mut unsettled = vec![0; slots.len()];
        for (slot, counters) in self.ledger().unsettled_by_slot() {
            unsettled[topology.owner(slot)] += counters as usize;
        }
        let counts = slots.into_iter().zip(unsettled);
        let overview = topology.shards().zip(counts);
        overview.map(|(shard, (slots, unsettled))| ShardOverview::of(shard, slots, unsettled)).collect()
    }

    /// Those that have counters and are away, each with why it failed last.
    #[must_use]
    pub fn away(&self) -> Vec<String> {
        let topology = self.topology();
        let away = topology.owners().into_iter().filter(|shard| !shard.breaker().is_closed());
        away.map(|shard| {
            let reason = shard.breaker().snapshot().last_failure();
            format!("{} ({})", shard.name(), reason.map_or("unknown", |reason| reason.name()))
        })
        .collect()
    }
}

impl ShardOverview {
    fn of(shard: &Shard, slots: usize, unsettled: usize) -> Self {
        let (breaker, figures) = (shard.breaker().snapshot(), &shard.figures);
        let load = |figure: &AtomicU64| figure.load(Ordering::Relaxed);
        Self {
            address: shard.name(),
            slots: shard.group().redirects().then_some(slots),
            breaker,
            unchanged_for: shard.uptime().saturating_sub(breaker.since()),
            clock_offset_millis: shard.offset_millis(),
            replicas: shard.share().replicas,
            answered: load(&figures.answered),
            failed: load(&figures.failed),
            calls: load(&figures.calls),
            fallback: figures.fallback_by_policy(),
            foreign: load(&figures.foreign),
            settled: load(&figures.settled),
            unsettled,
            lost_give_backs: load(&figures.lost_give_backs),
            eviction_policy: shard.eviction_policy(),
        }
    }
}
