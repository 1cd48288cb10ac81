//! Chance, given as a parameter like time.

use std::time::Duration;

/// A random number from 0 to 1 that keeps replicas from probing in step: an open breaker waits between half its backoff (0)
/// and the whole (1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jitter(f64);

impl Jitter {
    /// Waits for the whole backoff.
    #[cfg(test)]
    pub(super) const WHOLE: Jitter = Jitter(1.0);

    /// The jitter of a random number; what lies outside of 0 to 1 becomes the nearest bound.
    #[must_use]
    pub fn new(random: f64) -> Self {
        Self(if random.is_nan() { 1.0 } else { random.clamp(0.0, 1.0) })
    }

    pub(super) fn of(self, backoff: Duration) -> Duration {
        backoff.mul_f64(0.5 + self.0 / 2.0)
    }
}
