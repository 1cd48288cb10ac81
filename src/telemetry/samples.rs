//! Writing single samples, for collectors that read figures where they are kept.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// A metric's name, without prefix and suffix, and what it means.
#[derive(Debug, Clone, Copy)]
pub struct Described {
    /// In snake case; a counter's `_total` is added.
    pub name: &'static str,
    /// One sentence, without a full stop.
    pub help: &'static str,
}

impl Described {
    /// Writes a counter without labels.
    ///
    /// # Errors
    /// Where the encoder's writer fails.
    pub fn counter(self, encoder: &mut DescriptorEncoder<'_>, value: u64) -> fmt::Result {
        ConstCounter::new(value).encode(self.describe(encoder, MetricType::Counter)?)
    }

    /// Writes a counter with one label, once for each value of the label.
    ///
    /// # Errors
    /// Where the encoder's writer fails.
    pub fn counters<'l>(
        self,
        encoder: &mut DescriptorEncoder<'_>,
        label: &str,
        values: impl IntoIterator<Item = (&'l str, u64)>,
    ) -> fmt::Result {
        let mut family = self.describe(encoder, MetricType::Counter)?;
        for (value, count) in values {
            ConstCounter::new(count).encode(family.encode_family(&[(label, value)])?)?;
        }
        Ok(())
    }

    /// Writes a gauge without labels.
    ///
    /// # Errors
    /// Where the encoder's writer fails.
    pub fn gauge(self, encoder: &mut DescriptorEncoder<'_>, value: f64) -> fmt::Result {
        ConstGauge::new(value).encode(self.describe(encoder, MetricType::Gauge)?)
    }

    /// Writes the description and gives what writes the samples.
    ///
    /// # Errors
    /// Where the encoder's writer fails.
    pub fn describe<'e>(
        self,
        encoder: &'e mut DescriptorEncoder<'_>,
        kind: MetricType,
    ) -> Result<MetricEncoder<'e>, fmt::Error> {
        encoder.encode_descriptor(self.name, self.help, None, kind)
    }
}

/// A count as a gauge's value.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge is a double; counts beyond 2^53 do not occur in one process"
)]
pub fn as_gauge(count: usize) -> f64 {
    count as f64
}
