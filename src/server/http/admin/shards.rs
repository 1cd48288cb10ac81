//! `/shards`: how this replica gets on with each shard of the store, as JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::storage::breaker::Breaker;
use crate::storage::shared::overview::ShardOverview;

/// One shard.
#[derive(Debug, Serialize)]
pub(super) struct ShardPage {
    shard: String,
    /// Of a Redis Cluster's nodes only.
    #[serde(skip_serializing_if = "Option::is_none")]
    slots: Option<usize>,
    breaker: BreakerPage,
    /// Replicas that share its limits.
    replicas: u32,
    /// How far its clock is ahead of this replica's.
    clock_offset_ms: i64,
    requests: Requests,
    script_calls: u64,
    /// Hits, by what decided them.
    fallback_decisions: BTreeMap<&'static str, u64>,
    settlement: Settlement,
    foreign_values: u64,
    eviction_policy: Option<String>,
}

#[derive(Debug, Serialize)]
struct BreakerPage {
    state: &'static str,
    /// How long the shard has been asked (closed), or has not been (open, half-open).
    for_seconds: f64,
    last_failure: Option<&'static str>,
    failures: BTreeMap<&'static str, u64>,
    transitions: BTreeMap<&'static str, u64>,
}

#[derive(Debug, Serialize)]
struct Requests {
    answered: u64,
    failed: u64,
}

#[derive(Debug, Serialize)]
struct Settlement {
    settled_counters: u64,
    unsettled_counters: usize,
    lost_give_backs: u64,
}

impl From<ShardOverview> for ShardPage {
    fn from(shard: ShardOverview) -> Self {
        Self {
            breaker: BreakerPage::of(&shard.breaker, shard.unchanged_for.as_secs_f64()),
            shard: shard.address,
            slots: shard.slots,
            replicas: shard.replicas.get(),
            clock_offset_ms: shard.clock_offset_millis,
            requests: Requests { answered: shard.answered, failed: shard.failed },
            script_calls: shard.calls,
            fallback_decisions: shard.fallback.into(),
            settlement: Settlement {
                settled_counters: shard.settled,
                unsettled_counters: shard.unsettled,
                lost_give_backs: shard.lost_give_backs,
            },
            foreign_values: shard.foreign,
            eviction_policy: shard.eviction_policy.map(|policy| policy.to_string()),
        }
    }
}

impl BreakerPage {
    fn of(breaker: &Breaker, for_seconds: f64) -> Self {
        // A reason that never occurred would only be in the way of the others.
        let failures = breaker.failures().iter().filter(|(_, count)| *count > 0);
        Self {
            state: breaker.state().name(),
            for_seconds,
            last_failure: breaker.last_failure().map(|reason| reason.name()),
            failures: failures.map(|(reason, count)| (reason.name(), count)).collect(),
            transitions: breaker.transitions().by_state().into(),
        }
    }
}
