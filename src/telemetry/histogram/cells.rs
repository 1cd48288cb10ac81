//! What a histogram is made of, whatever it measures.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::MetricEncoder;

/// One cell for each bucket, the last of which holds what lies above all bounds, and the sum.
#[derive(Debug)]
pub(super) struct Cells<const BUCKETS: usize> {
    buckets: [AtomicU64; BUCKETS],
    sum: AtomicU64,
}

/// A histogram at one moment.
#[derive(Debug)]
pub(super) struct Reading<const BUCKETS: usize> {
    /// Upper bounds and how many lie below each and above the one before.
    pub(super) buckets: [(f64, u64); BUCKETS],
    pub(super) sum: f64,
}

impl<const BUCKETS: usize> Default for Cells<BUCKETS> {
    fn default() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; BUCKETS], sum: AtomicU64::new(0) }
    }
}

impl<const BUCKETS: usize> Cells<BUCKETS> {
    /// Adds one of this amount.
    #[inline]
    pub(super) fn add(&self, bucket: usize, amount: u64) {
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(amount, Ordering::Relaxed);
    }

    /// Whether there was ever any.
    pub(super) fn is_empty(&self) -> bool {
        self.buckets.iter().all(|bucket| bucket.load(Ordering::Relaxed) == 0)
    }

    /// What was counted, with bounds and amounts as so many parts of the unit in which they are shown.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a double holds years of nanoseconds as exactly as seconds need"
    )]
    pub(super) fn read(&self, bounds: &[u64], parts: f64) -> Reading<BUCKETS> {
        let buckets = std::array::from_fn(|bucket| {
            let bound = bounds.get(bucket).map_or(f64::INFINITY, |&bound| bound as f64 / parts);
            (bound, self.buckets[bucket].load(Ordering::Relaxed))
        });
        Reading { buckets, sum: self.sum.load(Ordering::Relaxed) as f64 / parts }
    }
}

impl<const BUCKETS: usize> Reading<BUCKETS> {
    /// All that were counted.
    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().map(|&(_, count)| count).sum()
    }

    pub(super) fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_histogram::<[(&str, &str); 0]>(self.sum, self.count(), &self.buckets, None)
    }
}
