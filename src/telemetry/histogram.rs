//! A histogram of latencies that many threads fill without a lock.
//!
//! prometheus-client's own histogram takes a lock for each observation, which all threads would share.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::MetricEncoder;

/// Upper bounds in microseconds: from what a local decision takes to what a caller no longer waits for.
const BOUNDS: [u64; 14] =
    [25, 50, 100, 250, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 500_000, 1_000_000];

/// How long things took.
#[derive(Debug, Default)]
pub struct LatencyHistogram {
    /// One for each bound, and one for what lies above all.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    sum_nanos: AtomicU64,
}

impl LatencyHistogram {
    /// Counts one that took so long.
    pub fn observe(&self, took: Duration) {
        let micros = took.as_micros();
        let bucket = BOUNDS.partition_point(|&bound| u128::from(bound) < micros);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How many took so long at most, and longer than the bound before. Those above all bounds come under the last one.
    pub fn counts(&self) -> impl Iterator<Item = (Duration, u64)> {
        let counts = self.buckets.each_ref().map(|bucket| bucket.load(Ordering::Relaxed));
        BOUNDS.into_iter().enumerate().map(move |(index, bound)| {
            let above = if index + 1 == BOUNDS.len() { counts[index + 1] } else { 0 };
            (Duration::from_micros(bound), counts[index] + above)
        })
    }

    /// Writes the histogram in seconds.
    ///
    /// # Errors
    /// Where the encoder's writer fails.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a double holds years of nanoseconds as exactly as seconds need"
    )]
    pub fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        let counts = self.buckets.each_ref().map(|bucket| bucket.load(Ordering::Relaxed));
        let bounds = BOUNDS.iter().map(|&bound| bound as f64 / 1e6).chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let sum = self.sum_nanos.load(Ordering::Relaxed) as f64 / 1e9;
        encoder.encode_histogram::<[(&str, &str); 0]>(sum, counts.iter().sum(), &buckets, None)
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::collector::Collector;
    use prometheus_client::encoding::DescriptorEncoder;
    use prometheus_client::encoding::text::encode;
    use prometheus_client::metrics::MetricType;
    use prometheus_client::registry::Registry;

    use super::*;

    #[track_caller]
    fn check(micros: u64, bucket: usize) {
        let histogram = LatencyHistogram::default();
        histogram.observe(Duration::from_micros(micros));
        let found = histogram.buckets.iter().position(|bucket| bucket.load(Ordering::Relaxed) == 1);
        assert_eq!(found, Some(bucket));
    }

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        check(0, 0);
        check(25, 0);
        check(26, 1);
        check(1_000_000, BOUNDS.len() - 1);
        check(1_000_001, BOUNDS.len());
    }

    #[test]
    fn the_last_bucket_holds_everything() {
        let histogram = LatencyHistogram::default();
        histogram.observe(Duration::from_secs(9));
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Shown(histogram)));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        assert!(text.contains("took_bucket{le=\"1.0\"} 0\ntook_bucket{le=\"+Inf\"} 1\n"), "{text}");
    }

    #[derive(Debug)]
    struct Shown(LatencyHistogram);

    impl Collector for Shown {
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
            self.0.encode(encoder.encode_descriptor("took", "Time", None, MetricType::Histogram)?)
        }
    }
}
