//! A histogram of how long.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::MetricEncoder;

use super::cells::{Cells, Reading};
use super::exemplars::{Exemplar, Exemplars, TraceId};
use crate::telemetry::samples::Described;

/// Upper bounds in nanoseconds: from what a local decision takes to what a caller no longer waits for.
const BOUNDS: [u64; 14] = [
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
    500_000_000,
    1_000_000_000,
];

const BUCKETS: usize = BOUNDS.len() + 1;

const NANOS: f64 = 1e9;

/// How long things took.
#[derive(Debug, Default)]
pub struct LatencyHistogram {
    cells: Cells<BUCKETS>,
    exemplars: Exemplars<BUCKETS>,
}

impl LatencyHistogram {
    /// Counts one that took so long.
    pub fn observe(&self, took: Duration) {
        self.observe_with(took, None);
    }

    /// The same, with the trace in which it is told of, where there is one.
    pub fn observe_with(&self, took: Duration, trace: Option<TraceId>) {
        let amount = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|&bound| bound < amount);
        self.cells.add(bucket, amount);
        if let Some(trace) = trace {
            self.exemplars.note(bucket, Exemplar { trace, amount });
        }
    }

    /// Whether nothing was ever counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// How many took so long at most, and longer than the bound before. Those above all bounds come under the last one.
    pub fn counts(&self) -> impl Iterator<Item = (Duration, u64)> {
        let counts = self.read().buckets.map(|(_, count)| count);
        BOUNDS.into_iter().enumerate().map(move |(index, bound)| {
            let above = if index + 1 == BOUNDS.len() { counts[index + 1] } else { 0 };
            (Duration::from_nanos(bound), counts[index] + above)
        })
    }

    /// Writes the histogram in seconds, without its exemplars.
    ///
    /// # Errors
    /// Where the encoder's writer fails.
    pub fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result {
        self.read().encode(encoder)
    }

    /// Writes the family in seconds as OpenMetrics, with its exemplars. The name is given whole.
    ///
    /// # Errors
    /// Where the page takes no more.
    pub fn write(&self, page: &mut dyn fmt::Write, family: Described) -> fmt::Result {
        let (Described { name, help }, reading) = (family, self.read());
        writeln!(page, "# HELP {name} {help}\n# TYPE {name} histogram")?;
        writeln!(page, "{name}_sum {:?}\n{name}_count {}", reading.sum, reading.count())?;
        let mut below = 0;
        for ((bound, count), exemplar) in reading.buckets.into_iter().zip(self.exemplars.read()) {
            below += count;
            write!(page, "{name}_bucket{{le=\"{}\"}} {below}", Bound(bound))?;
            writeln!(page, "{}", Mark(exemplar))?;
        }
        Ok(())
    }

    fn read(&self) -> Reading<BUCKETS> {
        self.cells.read(&BOUNDS, NANOS)
    }
}

/// A bound as prometheus-client writes it, since it is a label: written otherwise it would be another series.
struct Bound(f64);

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bound if bound.is_infinite() => f.write_str("+Inf"),
            bound if bound.fract() == 0.0 => write!(f, "{bound:.1}"),
            bound => write!(f, "{bound}"),
        }
    }
}

/// What stands behind a bucket's sample.
struct Mark(Option<Exemplar>);

impl fmt::Display for Mark {
    #[expect(clippy::cast_precision_loss, reason = "a double holds nanoseconds as exactly as seconds need")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |Exemplar { trace, amount }| {
            write!(f, " # {{trace_id=\"{trace:032x}\"}} {:?}", amount as f64 / NANOS)
        })
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::collector::Collector;
    use prometheus_client::encoding::DescriptorEncoder;
    use prometheus_client::encoding::text::encode_registry;
    use prometheus_client::metrics::MetricType;
    use prometheus_client::registry::Registry;

    use super::*;

    const TOOK: Described = Described { name: "took", help: "Time" };

    #[derive(Debug)]
    struct Shown(LatencyHistogram);

    impl Collector for Shown {
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
            self.0.encode(TOOK.describe(&mut encoder, MetricType::Histogram)?)
        }
    }

    fn written(histogram: &LatencyHistogram) -> String {
        let mut page = String::new();
        histogram.write(&mut page, TOOK).unwrap();
        page
    }

    #[track_caller]
    fn check(micros: u64, bucket: usize) {
        let histogram = LatencyHistogram::default();
        assert!(histogram.is_empty());
        histogram.observe(Duration::from_micros(micros));
        assert!(!histogram.is_empty());
        let counts = histogram.read().buckets.map(|(_, count)| count);
        assert_eq!(counts.iter().position(|&count| count == 1), Some(bucket));
    }

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        check(0, 0);
        check(25, 0);
        check(26, 1);
        check(1_000_000, BOUNDS.len() - 1);
        check(1_000_001, BOUNDS.len());
        check(u64::MAX, BOUNDS.len());
    }

    #[test]
    fn both_ways_to_write_it_agree() {
        let histogram = LatencyHistogram::default();
        for micros in [3, 30, 70, 9_000_000] {
            histogram.observe(Duration::from_micros(micros));
        }
        let page = written(&histogram);
        assert!(page.ends_with("took_bucket{le=\"1.0\"} 3\ntook_bucket{le=\"+Inf\"} 4\n"), "{page}");
        let (mut registry, mut by_library) = (Registry::default(), String::new());
        registry.register_collector(Box::new(Shown(histogram)));
        encode_registry(&mut by_library, &registry).unwrap();
        assert_eq!(page, by_library);
    }

    #[test]
    fn the_last_traced_one_of_a_bucket_is_its_exemplar() {
        let histogram = LatencyHistogram::default();
        for (micros, trace) in [(3, 0xab), (30, 1), (40, 0xf << 120), (45, 0)] {
            histogram.observe_with(Duration::from_micros(micros), TraceId::new(trace));
        }
        let page = written(&histogram);
        let exemplars: Vec<_> = page.lines().filter(|line| line.contains(" # ")).collect();
        assert_eq!(
            exemplars,
            [
                "took_bucket{le=\"0.000025\"} 1 # {trace_id=\"000000000000000000000000000000ab\"} 3e-6",
                "took_bucket{le=\"0.00005\"} 4 # {trace_id=\"0f000000000000000000000000000000\"} 4e-5",
            ]
        );
    }
}
