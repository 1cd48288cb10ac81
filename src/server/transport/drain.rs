//! How a server ends: whom it tells, and how it learns that the last connection is gone.
//!
//! Each connection holds an [`OpenConnection`] for as long as it lives and watches a [`PhaseWatch`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};

/// How long dropped connections may take to be gone; they only have to be polled once more.
const CUT_PATIENCE: Duration = Duration::from_secs(1);

/// How a drain went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrainOutcome {
    /// Connections that were open when it began and ended by themselves.
    pub finished: usize,
    /// Connections that were dropped at the deadline.
    pub cut: usize,
}

/// What a server's listeners and connections are to do. It only ever moves on:
/// `Serving` until a drain begins, `Draining` until its deadline, then `Cut`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Accept, and serve.
    Serving,
    /// Accept nothing more, finish what runs.
    Draining,
    /// Drop everything.
    Cut,
}

/// The server's end: moves the phase on. Dropping it cuts everything.
#[derive(Debug)]
pub(crate) struct Drain {
    phase: watch::Sender<Phase>,
    open: Arc<OpenConnections>,
}

/// A drain that has begun.
#[derive(Debug)]
pub(crate) struct Begun {
    ended_before: usize,
}

/// A listener's or connection's end: waits for the phase to move on.
#[derive(Debug, Clone)]
pub(crate) struct PhaseWatch(watch::Receiver<Phase>);

/// How many connections are open, and how many may be.
#[derive(Debug)]
pub(crate) struct OpenConnections {
    max: usize,
    count: AtomicUsize,
    ended: AtomicUsize,
    none_left: Notify,
}

/// One open connection; no longer one when dropped.
#[derive(Debug)]
pub(crate) struct OpenConnection(Arc<OpenConnections>);

impl Drain {
    pub(crate) fn new(max_connections: usize) -> Self {
        let open = OpenConnections::new(max_connections);
        Self { phase: watch::Sender::new(Phase::Serving), open: Arc::new(open) }
    }

    pub(crate) fn watch(&self) -> PhaseWatch {
        PhaseWatch(self.phase.subscribe())
    }

    pub(crate) fn open(&self) -> &Arc<OpenConnections> {
        &self.open
    }

    /// Tells everybody that the drain has begun.
    pub(crate) fn begin(&self) -> Begun {
        let begun = Begun { ended_before: self.open.ended.load(Ordering::Acquire) };
        self.phase.send_replace(Phase::Draining);
        begun
    }

    /// Waits until all connections are gone, and drops those that are not by the deadline.
    pub(crate) async fn finish(&self, begun: Begun, deadline: Instant) -> DrainOutcome {
        let cut = match timeout_at(deadline, self.open.wait_for_none()).await {
            Ok(()) => 0,
            Err(_) => self.cut().await,
        };
        let ended = self.open.ended.load(Ordering::Acquire) - begun.ended_before;
        DrainOutcome { finished: ended.saturating_sub(cut), cut }
    }

    async fn cut(&self) -> usize {
        let left = self.open.count();
        self.phase.send_replace(Phase::Cut);
        if timeout_at(Instant::now() + CUT_PATIENCE, self.open.wait_for_none()).await.is_err() {
            tracing::error!(
                connections = self.open.count(),
                "connections did not end when they were dropped"
            );
        }
        left
    }
}

impl PhaseWatch {
    /// Waits until the drain begins.
    pub(crate) async fn draining(&mut self) {
        self.reach(Phase::Draining).await;
    }

    /// Waits until everything is to be dropped.
    pub(crate) async fn cut(&mut self) {
        self.reach(Phase::Cut).await;
    }

    async fn reach(&mut self, phase: Phase) {
        // The server's end is gone: nobody owns us any more, which is the same as the last phase.
        let _ = self.0.wait_for(|current| *current >= phase).await;
    }
}

impl OpenConnections {
    fn new(max: usize) -> Self {
        Self { max, count: AtomicUsize::new(0), ended: AtomicUsize::new(0), none_left: Notify::new() }
    }

    /// One more, unless there are as many as may be.
    pub(crate) fn try_open(self: &Arc<Self>) -> Option<OpenConnection> {
        self.count
            .try_update(Ordering::AcqRel, Ordering::Relaxed, |count| (count < self.max).then_some(count + 1))
            .ok()?;
        Some(OpenConnection(Arc::clone(self)))
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    async fn wait_for_none(&self) {
        loop {
            // Taken before the look at the count, so that the last one's notice cannot fall between the two.
            let notified = self.none_left.notified();
            if self.count() == 0 {
                return;
            }
            notified.await;
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::AcqRel);
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.none_left.notify_waiters();
        }
    }
}
