//! How long answers took: a histogram that keeps three digits between a microsecond and a minute.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::report::micros;

/// What lies outside these counts as the nearest of them.
pub const LOWEST_NANOS: u64 = 1_000;
/// See [`LOWEST_NANOS`].
pub const HIGHEST_NANOS: u64 = 60_000_000_000;
const DIGITS: u8 = 3;

/// Latencies of answers.
#[derive(Debug, Clone)]
pub struct Latencies(Histogram<u64>);

impl Latencies {
    /// No answer yet.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "the bounds are constants that the histogram accepts")]
    pub fn new() -> Self {
        let histogram = Histogram::new_with_bounds(LOWEST_NANOS, HIGHEST_NANOS, DIGITS)
            .expect("a low bound of at least 1, a high one of twice that, and up to 5 digits are accepted");
        Self(histogram)
    }

    /// An answer took so long.
    pub fn record(&mut self, nanos: u64) {
        self.0.saturating_record(nanos);
    }

    /// Adds what was recorded elsewhere.
    pub fn merge(&mut self, other: &Self) {
        // Both have the same bounds, so nothing can fall outside.
        let _ = self.0.add(&other.0);
    }

    /// How many answers were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that this share of the answers stayed within.
    #[must_use]
    pub fn within(&self, quantile: f64) -> Duration {
        Duration::from_nanos(self.0.value_at_quantile(quantile))
    }

    /// The same in microseconds.
    #[must_use]
    pub fn micros_within(&self, quantile: f64) -> f64 {
        micros(self.0.value_at_quantile(quantile))
    }

    /// The latencies that occurred, in microseconds, as far as three digits tell them apart, and how often each did.
    pub fn counts_by_micros(&self) -> impl Iterator<Item = (f64, u64)> {
        let steps = self.0.iter_recorded();
        steps.map(|step| (micros(step.value_iterated_to()), step.count_since_last_iteration()))
    }
}

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_is_in_the_counts_once() {
        let mut latencies = Latencies::new();
        for nanos in [2_000_000, 2_000_000, 5_000_000, u64::MAX] {
            latencies.record(nanos);
        }
        let counts: Vec<(f64, u64)> = latencies.counts_by_micros().collect();
        for ((micros, count), (expected_micros, expected)) in
            counts.iter().zip([(2e3, 2), (5e3, 1), (6e7, 1)])
        {
            assert!((micros / expected_micros - 1.0).abs() < 0.002 && *count == expected, "{counts:?}");
        }
        assert_eq!(counts.iter().map(|(_, count)| count).sum::<u64>(), latencies.count());
    }
}
