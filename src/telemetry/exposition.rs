//! The two forms in which metrics are shown: OpenMetrics text for Prometheus, and `name: value` lines for people.

use std::fmt;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

/// The content type of [`openmetrics`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Every metric as OpenMetrics text.
///
/// # Errors
/// Where a metric cannot be written.
pub fn openmetrics(registry: &Registry) -> Result<String, fmt::Error> {
    let mut text = String::new();
    encode(&mut text, registry)?;
    Ok(text)
}

/// Every sample as a line `name{labels}: value`, without comments.
///
/// # Errors
/// Where a metric cannot be written.
pub fn lines(registry: &Registry) -> Result<String, fmt::Error> {
    let text = openmetrics(registry)?;
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    Ok(samples
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, value)| format!("{name}: {value}\n"))
        .collect())
}
