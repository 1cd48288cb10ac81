//! The forms in which metrics are shown: Prometheus's text format and OpenMetrics for scrapers, and `name: value` lines for
//! people.

mod format;
mod plain;

use std::fmt;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::registry::Registry;

pub use self::format::Format;
use self::plain::PlainText;

/// Every metric of the process.
#[derive(Debug)]
pub struct Exposition {
    registry: Registry,
    sections: Vec<Box<dyn Section>>,
}

/// Metrics that write themselves, because prometheus-client lets nobody else make exemplars.
pub trait Section: fmt::Debug + Send + Sync {
    /// Writes whole families as OpenMetrics.
    ///
    /// # Errors
    /// Where the page takes no more.
    fn write(&self, page: &mut dyn fmt::Write) -> fmt::Result;
}

impl Exposition {
    /// The metrics of a registry, and those that write themselves.
    #[must_use]
    pub fn new(registry: Registry, sections: Vec<Box<dyn Section>>) -> Self {
        Self { registry, sections }
    }

    /// Every metric in this form.
    ///
    /// # Errors
    /// Where a metric cannot be written.
    pub fn page(&self, format: Format) -> Result<String, fmt::Error> {
        if format == Format::Text {
            let mut page = PlainText::default();
            self.write(&mut page)?;
            return Ok(page.into_text());
        }
        let mut page = String::new();
        self.write(&mut page)?;
        Ok(page)
    }

    /// Every sample as a line `name{labels}: value`, without comments.
    ///
    /// # Errors
    /// Where a metric cannot be written.
    pub fn lines(&self) -> Result<String, fmt::Error> {
        let page = self.page(Format::Text)?;
        let samples = page.lines().filter(|line| !line.starts_with('#'));
        Ok(samples
            .filter_map(|line| line.rsplit_once(' '))
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect())
    }

    fn write(&self, mut page: &mut dyn fmt::Write) -> fmt::Result {
        encode_registry(&mut page, &self.registry)?;
        self.sections.iter().try_for_each(|section| section.write(page))?;
        encode_eof(&mut page)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use prometheus_client::metrics::gauge::Gauge;

    use super::*;
    use crate::telemetry::histogram::{LatencyHistogram, TraceId};
    use crate::telemetry::samples::Described;

    #[derive(Debug, Default)]
    struct Took(LatencyHistogram);

    impl Section for Took {
        fn write(&self, page: &mut dyn fmt::Write) -> fmt::Result {
            self.0.write(page, Described { name: "took", help: "Time" })
        }
    }

    fn exposition() -> Exposition {
        let (mut registry, took) = (Registry::with_prefix("rk"), Took::default());
        registry.register("open", "Open", Gauge::<i64>::default());
        took.0.observe_with(Duration::from_millis(2), TraceId::new(0xab));
        Exposition::new(registry, vec![Box::new(took)])
    }

    #[test]
    fn exemplars_are_for_openmetrics_alone() {
        let page = exposition().page(Format::OpenMetrics).unwrap();
        let bucket = "took_bucket{le=\"0.002\"} 1";
        assert!(page.contains(&format!("{bucket} # {{trace_id=\"{:032x}\"}} 0.002\n", 0xab)), "{page}");
        assert!(page.starts_with("# HELP rk_open Open.\n") && page.ends_with("\n# EOF\n"), "{page}");
        let page = exposition().page(Format::Text).unwrap();
        assert!(page.contains(&format!("{bucket}\n")) && !page.contains("trace_id"), "{page}");
    }

    #[test]
    fn people_get_samples_alone() {
        let lines = exposition().lines().unwrap();
        assert!(lines.starts_with("rk_open: 0\ntook_sum: 0.002\ntook_count: 1\n"), "{lines}");
        assert!(lines.contains("took_bucket{le=\"0.002\"}: 1\n"), "{lines}");
    }
}
