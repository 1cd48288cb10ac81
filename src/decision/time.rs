//! A point in time as every algorithm takes it: a parameter, never a clock that is read.

use std::time::Duration;

/// How far ahead of `now` a stored window may start and still be the one to count in, in seconds.
///
/// The clocks of replicas that share counters differ by less, and small corrections set a clock back by less. A window further
/// ahead comes from a clock that was wrong: counting in it would fill it up long before it runs, and never empty it.
pub const MAX_AHEAD: u64 = 2;

/// Milliseconds since the Unix epoch, UTC, leap seconds not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    millis: u64,
}

impl Timestamp {
    /// The point so many milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self { millis }
    }

    /// The point so many seconds after the epoch.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self { millis: secs.saturating_mul(1_000) }
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.millis
    }

    /// Whole seconds since the epoch.
    #[must_use]
    pub const fn secs(self) -> u64 {
        self.millis / 1_000
    }

    /// The point `duration` later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self { millis: self.millis.saturating_add(millis) }
    }
}
