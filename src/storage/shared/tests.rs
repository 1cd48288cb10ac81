//! What the shared store does without any server.

mod keeping;
mod rescuing;
mod surveying;

use std::num::NonZeroU32;
use std::time::Duration;

use super::SharedSettings;
use super::group::GroupSettings;
use super::placement::Placement;
use super::shards::Members;
use crate::storage::breaker::BreakerSettings;
use crate::storage::ledger::{LedgerSettings, OverMemorySettings};
use crate::storage::redis::link::LinkSettings;
use crate::storage::redis::node::NodeAddress;

/// A Redis Cluster that begins with these nodes.
pub(super) fn cluster(addresses: Vec<NodeAddress>) -> Members {
    let link = LinkSettings::default();
    let settings = GroupSettings { name: "", timeout: Duration::from_millis(10), link };
    Members { settings, placement: Placement::cluster("rk:"), addresses }
}

/// Settings as they are by default, in small.
pub(super) fn settings() -> SharedSettings {
    let (backoff, max_backoff) = (Duration::from_millis(250), Duration::from_secs(1));
    SharedSettings {
        breaker: BreakerSettings { failures: NonZeroU32::MIN, backoff, max_backoff },
        ledger: LedgerSettings {
            max_entries: 100,
            over: OverMemorySettings { max_entries: 100, max_age: Duration::from_secs(1) },
        },
        replicas: None,
    }
}
