//! A histogram of how many.

use std::fmt;

use prometheus_client::encoding::MetricEncoder;

use super::cells::Cells;

/// Powers of two, up to what a call to a store carries at the most.
const BOUNDS: [u64; 10] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

const BUCKETS: usize = BOUNDS.len() + 1;

/// How many there were of something, each time.
#[derive(Debug, Default)]
pub struct CountHistogram(Cells<BUCKETS>);

impl CountHistogram {
    /// Counts one time that there were so many.
    pub fn observe(&self, many: usize) {
        let many = many as u64;
        let bucket = BOUNDS.iter().position(|&bound| many <= bound).unwrap_or(BOUNDS.len());
        self.0.add(bucket, many);
    }

    /// Writes the histogram.
    ///
    /// # Errors
    /// Where the encoder's writer fails.
    pub fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result {
        self.0.read(&BOUNDS, 1.0).encode(encoder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(many: usize, bucket: usize) {
        let histogram = CountHistogram::default();
        histogram.observe(many);
        let read = histogram.0.read(&BOUNDS, 1.0);
        assert_eq!(read.buckets.iter().position(|&(_, count)| count == 1), Some(bucket));
        assert_eq!(read.sum, many as f64);
    }

    #[test]
    fn a_power_of_two_belongs_to_its_bucket() {
        check(0, 0);
        check(1, 0);
        check(2, 1);
        check(3, 2);
        check(512, 9);
        check(513, 10);
    }
}
