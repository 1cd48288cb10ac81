//! Traces for OpenTelemetry: whether a request is recorded, what its spans are, and their way to a collector.
//!
//! Whether a request is recorded is decided before anything is made for it, because what is made costs more than what is
//! decided by: a request that is not recorded costs a look at its headers and a random number
//! (docs/decisions/0016-spans-without-a-layer.md). Spans are handed over on a bounded queue and exported by a thread of
//! their own; where the queue is full or the collector gone they are counted and forgotten.

pub mod caller;
pub mod context;
pub mod export;
pub mod metrics;
pub mod sampling;
pub mod span;

mod batch;
mod counts;
mod hex;
mod random;
mod wall;

use std::sync::Arc;

use opentelemetry_sdk::trace::SpanData;
use tokio::sync::mpsc;
use tokio::time::Instant;

use caller::{CallerTrace, Formats};
use context::TraceContext;
use counts::Lost;
use sampling::Sampling;
use span::Span;

pub use counts::SpanCounts;
pub use span::Kind;

/// Makes spans and hands them over. The default is off, and makes none.
#[derive(Debug, Clone, Default)]
pub struct Tracer(Option<Arc<Recorder>>);

/// What is recorded, and how the caller's context is read.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TracerSettings {
    /// Which requests are recorded.
    pub sampling: Sampling,
    /// The forms in which callers may tell their context.
    pub formats: Formats,
    /// Whether spans carry the values of descriptors.
    pub record_values: bool,
}

#[derive(Debug)]
struct Recorder {
    settings: TracerSettings,
    queue: mpsc::Sender<Box<SpanData>>,
    counts: Arc<SpanCounts>,
}

impl Tracer {
    fn new(settings: TracerSettings, queue: mpsc::Sender<Box<SpanData>>, counts: Arc<SpanCounts>) -> Self {
        Self(Some(Arc::new(Recorder { settings, queue, counts })))
    }

    /// Whether anything is recorded.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The forms in which callers may tell their context; nothing where nothing is recorded anyway.
    #[must_use]
    pub fn formats(&self) -> Option<Formats> {
        self.0.as_ref().map(|recorder| recorder.settings.formats)
    }

    /// Whether spans carry the values of descriptors.
    #[must_use]
    pub fn records_values(&self) -> bool {
        self.0.as_ref().is_some_and(|recorder| recorder.settings.record_values)
    }

    /// The place in its trace of a request that is recorded; nothing for any other one.
    #[must_use]
    pub fn sample(&self, caller: &CallerTrace) -> Option<TraceContext> {
        self.0.as_ref()?.settings.sampling.sample(caller)
    }

    /// Begins the span of what is no request and belongs to no trace of a caller; nothing where nothing is recorded.
    #[must_use]
    pub fn root(&self, name: &'static str, began: Instant) -> Option<Span> {
        let recorder = self.0.as_ref()?;
        let records = recorder.settings.sampling.records_own();
        records.then(|| Span::begin(name, Kind::Internal, TraceContext::root(), None, began))
    }

    /// Ends a span and hands it over. Never waits: a span that finds the queue full is counted and forgotten.
    pub fn finish(&self, span: Span) {
        let Some(recorder) = &self.0 else { return };
        match recorder.queue.try_send(span.end(Instant::now())) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => recorder.counts.lose(Lost::QueueFull, 1),
            Err(mpsc::error::TrySendError::Closed(_)) => recorder.counts.lose(Lost::Shutdown, 1),
        }
    }
}
