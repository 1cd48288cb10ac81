//! The time of day of spans. Nothing is decided by it.

use std::time::SystemTime;

use tokio::time::Instant;

/// What time of day it was at that instant.
#[expect(
    clippy::disallowed_methods,
    reason = "spans carry the system's time with nanoseconds; decisions go by service/clock.rs alone"
)]
pub(super) fn time_at(instant: Instant) -> SystemTime {
    let now = SystemTime::now();
    now.checked_sub(instant.elapsed()).unwrap_or(now)
}
