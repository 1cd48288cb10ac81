//! `/ring`: by which ring of servers this replica places counters, and by which others do, as JSON; `null` without a ring.

use serde::Serialize;

use crate::storage::shared::ring_watch::{RingHash, RingWatch};

/// The rings in use.
#[derive(Debug, Serialize)]
pub(super) struct RingPage {
    ring: String,
    /// Where there are any, limits may be exceeded.
    others: Vec<String>,
}

impl From<&RingWatch> for RingPage {
    fn from(rings: &RingWatch) -> Self {
        let others = rings.others().iter().map(RingHash::to_string).collect();
        Self { ring: rings.own().to_string(), others }
    }
}
