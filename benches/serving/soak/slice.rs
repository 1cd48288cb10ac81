//! What a few seconds of a soak showed, and the table of all of them.

use crate::process::Holdings;
use crate::spread::figure;
use crate::table::Table;

/// Some seconds.
#[derive(Debug, Clone)]
pub(crate) struct Slice {
    /// When it ended, in seconds since the first one began.
    pub(crate) second: u64,
    pub(crate) phase: Phase,
    /// What the server holds at its end, when the slice's own connections are closed again.
    pub(crate) holdings: Holdings,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    /// Hits that were decided without Redis.
    pub(crate) fallback: f64,
    /// Counters in the server's own memory: all of them, or those that are to be settled with Redis.
    pub(crate) counters: f64,
    /// Requests without a decision, and what befell them.
    pub(crate) failed: u64,
    pub(crate) failures: String,
    pub(crate) denied: u64,
}

/// Where a slice lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// All connections are new.
    Start,
    /// Redis answers.
    Usual,
    /// Redis is gone, or has just come back.
    Outage,
}

/// One row for each slice.
pub(crate) fn table(slices: &[Slice]) -> Table {
    let mut table = Table::new([
        "second",
        "phase",
        "MB",
        "descriptors",
        "threads",
        "counters",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "fallback",
        "failed",
    ]);
    for slice in slices {
        let Holdings { megabytes, descriptors, threads } = slice.holdings;
        let phase = match slice.phase {
            Phase::Start => "start",
            Phase::Usual => "",
            Phase::Outage => "outage",
        };
        let figures = [slice.p50, slice.p99, slice.p999].map(figure);
        let counts = [slice.fallback, slice.counters].map(|count| format!("{count:.0}"));
        let [p50, p99, p999] = figures;
        let [fallback, counters] = counts;
        table.row([
            slice.second.to_string(),
            phase.to_owned(),
            figure(megabytes),
            descriptors.to_string(),
            threads.to_string(),
            counters,
            p50,
            p99,
            p999,
            fallback,
            slice.failures.clone(),
        ]);
    }
    table
}
