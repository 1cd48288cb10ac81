//! The export of spans: a thread of its own with a runtime of its own, so that nothing of it is on the way of a request.

mod otlp;
mod tls;

use std::io;
use std::sync::Arc;
use std::sync::mpsc as ready;
use std::thread;
use std::time::Duration;

use opentelemetry_otlp::SpanExporter;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::batch::Batches;
use super::counts::SpanCounts;
use super::{Tracer, TracerSettings};

pub use super::batch::BatchSettings;
pub use otlp::{Collector, Protocol};

/// Where spans go, and how.
#[derive(Debug, Clone)]
pub struct ExportSettings {
    /// Who takes them.
    pub collector: Collector,
    /// What they say they come from.
    pub service_name: String,
    /// How they are gathered.
    pub batches: BatchSettings,
}

/// Why spans cannot be exported. What a collector does while we run is no reason: that is counted.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// What is said of the collector cannot be meant.
    #[error("the collector {endpoint} cannot be used: {source}")]
    Collector {
        /// As it was given.
        endpoint: String,
        /// What the exporter says.
        source: opentelemetry_otlp::ExporterBuildError,
    },
    /// The system gave no thread or no runtime.
    #[error("the thread that exports spans cannot be started")]
    Thread(#[from] io::Error),
    /// Connections to the collector cannot be made secret.
    #[error("TLS to the collector: {0}")]
    Tls(String),
    /// It began, and panicked.
    #[error("the thread that exports spans panicked at its start")]
    Panicked,
}

/// The running export.
#[derive(Debug)]
pub struct Export {
    end: oneshot::Sender<Duration>,
    ended: oneshot::Receiver<()>,
}

impl Export {
    /// Starts the thread, and gives what records. The collector need not be there.
    ///
    /// # Errors
    /// Where the collector's address cannot be one, or the system gives no thread.
    pub fn start(
        tracing: TracerSettings,
        settings: &ExportSettings,
        counts: &Arc<SpanCounts>,
    ) -> Result<(Tracer, Self), ExportError> {
        let (spans, queue) = mpsc::channel(settings.batches.max_queue);
        let (end, told_to_end) = oneshot::channel();
        let (alive, ended) = oneshot::channel();
        let (ready, started) = ready::sync_channel(1);
        let (settings, recorded) = (settings.clone(), Arc::clone(counts));
        thread::Builder::new().name("spans".into()).spawn(move || {
            // Moved in, so that its receiver is told when the thread ends in whatever way.
            let _alive: oneshot::Sender<()> = alive;
            let (runtime, exporter) = match build(&settings) {
                Ok(built) => built,
                Err(error) => return drop(ready.send(Err(error))),
            };
            // The receiver waits for this.
            let _ = ready.send(Ok(()));
            runtime.block_on(Batches::new(queue, exporter, settings.batches, recorded).run(told_to_end));
            runtime.shutdown_background();
        })?;
        started.recv().unwrap_or(Err(ExportError::Panicked))?;
        Ok((Tracer::new(tracing, spans, Arc::clone(counts)), Self { end, ended }))
    }

    /// Exports what is left, for as long as this at the most.
    pub async fn end(self, patience: Duration) {
        // Errors mean that the thread has ended, and that it is late: what it has not told by then is forgotten.
        let _ = self.end.send(patience);
        let _ = timeout(patience + Duration::from_millis(100), self.ended).await;
    }
}

/// The thread's runtime, and the exporter that works on it.
fn build(settings: &ExportSettings) -> Result<(Runtime, SpanExporter), ExportError> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    // A channel for gRPC has a task, which is to live on that runtime.
    let within = runtime.enter();
    let exporter = otlp::exporter(settings)?;
    drop(within);
    Ok((runtime, exporter))
}
