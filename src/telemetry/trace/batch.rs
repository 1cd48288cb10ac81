//! Takes spans from the queue and exports them, many at a time; whatever becomes of them, nobody waits for it.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::counts::{Lost, SpanCounts};

/// How often it is said that spans are lost, at the most.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// How spans are gathered and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchSettings {
    /// Spans that may wait.
    pub max_queue: usize,
    /// Spans that are exported together.
    pub max_batch: usize,
    /// How long a span waits for others, and how long the collector is left alone after a failure.
    pub delay: Duration,
    /// How long an export may take.
    pub export_timeout: Duration,
}

impl Default for BatchSettings {
    /// What the specification of OpenTelemetry's SDKs has.
    fn default() -> Self {
        Self {
            max_queue: 2_048,
            max_batch: 512,
            delay: Duration::from_secs(5),
            export_timeout: Duration::from_secs(30),
        }
    }
}

/// The exporting end of the queue.
pub(super) struct Batches<E> {
    queue: mpsc::Receiver<Box<SpanData>>,
    exporter: E,
    settings: BatchSettings,
    counts: Arc<SpanCounts>,
    told: Told,
}

/// When the process ends, once that is known.
struct Ending {
    told: oneshot::Receiver<Duration>,
    /// By when everything must be exported.
    by: Option<Instant>,
}

/// What was told of lost spans.
#[derive(Debug, Default)]
struct Told {
    at: Option<Instant>,
    /// How many had been lost then.
    lost: u64,
}

impl<E: SpanExporter> Batches<E> {
    pub(super) fn new(
        queue: mpsc::Receiver<Box<SpanData>>,
        exporter: E,
        settings: BatchSettings,
        counts: Arc<SpanCounts>,
    ) -> Self {
        Self { queue, exporter, settings, counts, told: Told::default() }
    }

    /// Exports until it is told to end, and then what is left, within the time that it is told.
    pub(super) async fn run(mut self, told_to_end: oneshot::Receiver<Duration>) {
        let mut ending = Ending { told: told_to_end, by: None };
        let mut batch = Vec::new();
        loop {
            match ending.by {
                None => tokio::select! {
                    biased;
                    () = ending.comes() => {}
                    () = self.gather(&mut batch) => {}
                },
                Some(by) => {
                    // It may have been told during an export, too.
                    self.queue.close();
                    self.take_rest(&mut batch);
                    if batch.is_empty() || by <= Instant::now() {
                        return self.forget(batch.len());
                    }
                }
            }
            if ending.by.is_none() || !batch.is_empty() {
                self.export(&mut batch, &mut ending).await;
            }
        }
    }

    /// Waits for a span, and then a while for others. May be dropped at any point: nothing is lost.
    async fn gather(&mut self, batch: &mut Vec<SpanData>) {
        let mut due = None;
        while batch.len() < self.settings.max_batch {
            let by = *due.get_or_insert_with(|| Instant::now() + self.settings.delay);
            let span = match batch.is_empty() {
                true => {
                    due = None;
                    self.queue.recv().await
                }
                false => match timeout_at(by, self.queue.recv()).await {
                    Ok(span) => span,
                    Err(_) => return,
                },
            };
            match span {
                Some(span) => batch.push(*span),
                // Nobody makes spans any more; the end will be told.
                None => std::future::pending().await,
            }
        }
    }

    fn take_rest(&mut self, batch: &mut Vec<SpanData>) {
        while batch.len() < self.settings.max_batch
            && let Ok(span) = self.queue.try_recv()
        {
            batch.push(*span);
        }
    }

    async fn export(&mut self, batch: &mut Vec<SpanData>, ending: &mut Ending) {
        let spans = batch.len();
        let limit = Instant::now() + self.settings.export_timeout;
        let done = ending.bound(limit, self.exporter.export(std::mem::take(batch))).await;
        match done {
            Some(Ok(())) => return self.counts.export(spans),
            Some(Err(error)) => self.lose(Lost::ExportFailed, spans, &error.to_string()),
            None => self.lose(Lost::ExportTimeout, spans, "no answer in time"),
        }
        // A collector that fails is not asked again at once: what is made meanwhile waits, as far as there is room.
        let pause = Instant::now() + self.settings.delay;
        if ending.by.is_none() {
            let _ = timeout_at(pause, ending.comes()).await;
        }
    }

    fn lose(&mut self, why: Lost, spans: usize, error: &str) {
        self.counts.lose(why, spans);
        let (now, lost) = (Instant::now(), self.counts.lost());
        if self.told.at.is_none_or(|at| now.duration_since(at) >= WARN_EVERY) {
            let dropped = lost - self.told.lost;
            tracing::warn!(dropped, error, "spans reach no collector; requests are answered all the same");
            self.told = Told { at: Some(now), lost };
        }
    }

    fn forget(mut self, taken: usize) {
        let waiting = std::iter::from_fn(|| self.queue.try_recv().ok()).count();
        self.counts.lose(Lost::Shutdown, taken + waiting);
    }
}

impl Ending {
    /// Waits until the end is told.
    async fn comes(&mut self) {
        // An error means that whoever could have told has gone, and so that nobody waits.
        let patience = (&mut self.told).await.unwrap_or(Duration::ZERO);
        self.by = Some(Instant::now() + patience);
    }

    /// Waits for something until this limit, or that of the end where it comes before; nothing where time is over.
    async fn bound<F: Future>(&mut self, limit: Instant, work: F) -> Option<F::Output> {
        let mut work = pin!(work);
        loop {
            let (ends, limit) = (self.by.is_some(), self.by.map_or(limit, |by| by.min(limit)));
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                () = sleep_until(limit) => return None,
                () = self.comes(), if !ends => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
