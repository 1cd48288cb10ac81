//! The decision log: a line of JSON for each request that was denied, or that had another outcome that is asked for.
//!
//! On the way of a decision stands one look at its outcomes. Only what is wanted, drawn and within the rate is written down, and then
//! given to a thread that writes: an output that is slow, full or gone costs lines, each counted, and never a decision.

pub mod metrics;
pub mod settings;
pub mod writer;

mod line;
mod pace;
mod redact;
mod rfc3339;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use arc_swap::ArcSwap;

use crate::decision::request::Request;
use crate::decision::verdict::Verdict;
use crate::service::clock::Clock;
use crate::storage::trace::TraceId;

use line::Line;
use pace::{Draw, Pace};
use redact::Redaction;
use writer::{Lost, Queue};

pub use redact::Salt;
pub use settings::{Change, ChangeFault, DecisionLogSettings};

/// Writes decisions down.
pub struct DecisionLog {
    clock: Arc<dyn Clock>,
    current: ArcSwap<Current>,
    /// What [`Current`] wants, to be looked at without it.
    wanted: AtomicU16,
    draw: Draw,
    pace: Pace,
    salt: Salt,
    queue: Queue,
}

/// How a request is known elsewhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct CallerIds<'a> {
    /// The id that the proxy gave its user's request.
    pub request_id: Option<&'a str>,
    /// The trace that it belongs to.
    pub trace_id: Option<TraceId>,
}

#[derive(Debug)]
struct Current {
    settings: DecisionLogSettings,
    redaction: Redaction,
}

impl DecisionLog {
    /// A log that goes to this queue.
    #[must_use]
    pub fn new(settings: DecisionLogSettings, salt: Salt, queue: Queue, clock: Arc<dyn Clock>) -> Self {
        let wanted = AtomicU16::new(settings.outcomes.bits());
        let current = ArcSwap::from_pointee(Current::of(settings));
        Self { clock, current, wanted, draw: Draw::default(), pace: Pace::start(), salt, queue }
    }

    /// Writes a decision down, where it is wanted.
    pub fn note<'c>(
        &self,
        ids: impl FnOnce() -> CallerIds<'c>,
        request: &Request<'_>,
        verdict: &Verdict<'_>,
    ) {
        let wanted = self.wanted.load(Ordering::Relaxed);
        if verdict.statuses.iter().any(|status| wanted & settings::bit(status.outcome) != 0) {
            self.write(ids(), request, verdict);
        }
    }

    #[cold]
    fn write(&self, ids: CallerIds<'_>, request: &Request<'_>, verdict: &Verdict<'_>) {
        let current = self.current.load();
        let settings = &current.settings;
        if !self.draw.hits(settings.sample_ratio) {
            return;
        }
        if !self.pace.allows(settings.max_per_second) {
            self.queue.lose(Lost::Rate);
            return;
        }
        let line = Line {
            now: self.clock.now(),
            ids,
            request,
            verdict,
            outcomes: settings.outcomes,
            redaction: &current.redaction,
            salt: &self.salt,
        };
        self.queue.push(line.written());
    }

    /// What it is told to do now.
    #[must_use]
    pub fn settings(&self) -> DecisionLogSettings {
        self.current.load().settings.clone()
    }

    /// Has it do otherwise from now on.
    ///
    /// # Errors
    /// Where what is wanted makes no sense; then nothing is changed.
    pub fn change(&self, change: &Change) -> Result<DecisionLogSettings, ChangeFault> {
        change.check()?;
        self.current.rcu(|current| Current::of(change.applied_to(&current.settings)));
        let settings = self.settings();
        self.wanted.store(settings.outcomes.bits(), Ordering::Relaxed);
        Ok(settings)
    }
}

impl Current {
    fn of(settings: DecisionLogSettings) -> Self {
        Self { redaction: Redaction::new(&settings.hash, &settings.drop), settings }
    }
}

impl std::fmt::Debug for DecisionLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DecisionLog").field("current", &self.current).finish_non_exhaustive()
    }
}
