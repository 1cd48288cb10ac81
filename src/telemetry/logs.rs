//! Logs: one line per event on standard error, as text or JSON.

use tracing::Level;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// What is logged, and how.
#[derive(Debug, Clone, Copy)]
pub struct LogSettings {
    /// Events less important than this are dropped.
    pub level: Level,
    /// The form of a line.
    pub format: LogFormat,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line, for collectors.
    Json,
}

/// Starts logging for the whole process.
///
/// # Errors
/// Where logging was started before.
pub fn start(settings: LogSettings) -> Result<(), TryInitError> {
    let lines = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::from_level(settings.level))
        .with_writer(std::io::stderr)
        .with_ansi(false);
    match settings.format {
        LogFormat::Text => lines.finish().try_init(),
        LogFormat::Json => lines.json().flatten_event(true).finish().try_init(),
    }
}
