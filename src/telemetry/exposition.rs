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
