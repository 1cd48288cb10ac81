//! The export of spans: a thread of its own with a runtime of its own, so that nothing of it is on the way of a request.

mod otlp;

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
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
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let exporter = {
            // A channel for gRPC has a task, which is to live on that runtime.
            let _within = runtime.enter();
            otlp::exporter(settings)?
        };
        let (spans, queue) = mpsc::channel(settings.batches.max_queue);
        let (end, told_to_end) = oneshot::channel();
        let (alive, ended) = oneshot::channel();
        let batches = Batches::new(queue, exporter, settings.batches, Arc::clone(counts));
        thread::Builder::new().name("spans".into()).spawn(move || {
            runtime.block_on(batches.run(told_to_end));
            runtime.shutdown_background();
            // An error means that nobody waits for the end.
            let _ = alive.send(());
        })?;
        Ok((Tracer::new(tracing, spans, Arc::clone(counts)), Self { end, ended }))
    }

    /// Exports what is left, for as long as this at the most.
    pub async fn end(self, patience: Duration) {
        // Errors mean that the thread has ended, and that it is late: what it has not told by then is forgotten.
        let _ = self.end.send(patience);
        let _ = timeout(patience + Duration::from_millis(100), self.ended).await;
    }
}
