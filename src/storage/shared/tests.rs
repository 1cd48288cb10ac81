//! What the shared store does without any server.

use std::num::NonZeroU32;
use std::time::Duration;

use super::SharedSettings;
use crate::storage::breaker::BreakerSettings;
use crate::storage::ledger::{LedgerSettings, OverMemorySettings};
use crate::storage::redis::link::LinkSettings;

/// Settings as they are by default, in small.
pub(super) fn settings() -> SharedSettings {
    let (backoff, max_backoff) = (Duration::from_millis(250), Duration::from_secs(1));
    SharedSettings {
        timeout: Duration::from_millis(10),
        link: LinkSettings::default(),
        breaker: BreakerSettings { failures: NonZeroU32::MIN, backoff, max_backoff },
        ledger: LedgerSettings {
            max_entries: 100,
            over: OverMemorySettings { max_entries: 100, max_age: Duration::from_secs(1) },
        },
        replicas: None,
    }
}
