//! What the local store shows of itself.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use crate::storage::local::LocalStore;
use crate::telemetry::samples::{Described, as_gauge};

const ENTRIES: Described =
    Described { name: "store_entries", help: "Counters held in this process's memory" };

const MAX_ENTRIES: Described = Described {
    name: "store_max_entries",
    help: "Counters that this process's memory may hold (local.max_entries)",
};

const EVICTIONS: Described = Described {
    name: "store_evictions",
    help: "Counters given up while their window still ran, because the store was full; their hits are forgotten",
};

/// Reads the store's figures when somebody asks.
#[derive(Debug)]
pub struct LocalStoreMetrics(pub Arc<LocalStore>);

impl Collector for LocalStoreMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        ENTRIES.gauge(&mut encoder, as_gauge(self.0.entries()))?;
        MAX_ENTRIES.gauge(&mut encoder, as_gauge(self.0.max_entries()))?;
        EVICTIONS.counter(&mut encoder, self.0.live_evictions())
    }
}
