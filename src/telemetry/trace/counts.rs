//! How many spans reached a collector, and what became of the others.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why a span reached no collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// More were made than can be exported.
    QueueFull,
    /// The collector refused them, or there is none.
    ExportFailed,
    /// The collector did not answer in time.
    ExportTimeout,
    /// The process ended before.
    Shutdown,
}

impl Lost {
    const NAMES: [&'static str; 4] = ["queue_full", "export_failed", "export_timeout", "shutdown"];
}

/// Spans, counted.
#[derive(Debug, Default)]
pub struct SpanCounts {
    exported: AtomicU64,
    lost: [AtomicU64; Lost::NAMES.len()],
}

impl SpanCounts {
    /// Spans that a collector took.
    #[must_use]
    pub fn exported(&self) -> u64 {
        self.exported.load(Ordering::Relaxed)
    }

    /// Spans that reached no collector, by reason.
    pub fn dropped(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Lost::NAMES.into_iter().zip(self.lost.each_ref().map(|count| count.load(Ordering::Relaxed)))
    }

    pub(super) fn export(&self, spans: usize) {
        self.exported.fetch_add(spans as u64, Ordering::Relaxed);
    }

    pub(super) fn lose(&self, why: Lost, spans: usize) {
        self.lost[why as usize].fetch_add(spans as u64, Ordering::Relaxed);
    }

    pub(super) fn lost(&self) -> u64 {
        self.dropped().map(|(_, count)| count).sum()
    }
}
