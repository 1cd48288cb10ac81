//! Logs: one line per event on standard error, as text or JSON, whose levels can be changed while the process runs.
//!
//! What the fields of a line mean is told in docs/logging.md, which a test holds to the code.

pub mod in_force;
pub mod levels;

use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry, reload};

use self::in_force::LogControl;
use self::levels::{Levels, LevelsFault};

/// What is logged, and how.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// A level, or levels by module: `info,ratekeeper::server=debug`.
    pub filter: String,
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

/// Why logging did not start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error("log.level: {0}")]
    Filter(#[from] LevelsFault),
    /// Something else in this process logs already.
    #[error("logging was started before: {0}")]
    Started(#[from] tracing_subscriber::util::TryInitError),
}

/// Starts logging for the whole process; what is given changes the levels later.
///
/// # Errors
/// Where the filter cannot be read, or logging was started before.
pub fn start(settings: &LogSettings) -> Result<LogControl, LogError> {
    let levels: Levels = settings.filter.parse()?;
    let (filter, handle) = reload::Layer::new(levels.filter()?);
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let lines = match settings.format {
        LogFormat::Text => lines.boxed(),
        // All fields at the top: of spans there are only those of libraries.
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed()
        }
    };
    // The filter belongs to the lines alone, so that what else listens has levels of its own.
    registry().with(lines.with_filter(filter)).try_init()?;
    Ok(LogControl::new(levels, handle))
}
