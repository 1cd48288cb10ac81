//! News of the rule files: says when what the configured paths resolve to has changed, and hands over the new texts.
//!
//! Any event of the file system is only a hint to look; the content decides whether something changed. A slow
//! second look works where no events come. Parsing, keeping the old rules and publishing the new ones are the caller's.

mod events;
mod mounts;
mod points;
mod signals;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep, timeout_at};

use crate::config::files::{Fingerprint, Problem, RuleFiles, RuleSources};
use events::Events;
use mounts::LoneMounts;
pub use signals::ForceRead;
use signals::{Count, Signals};

/// Under events without pause, a look is taken at least this often.
const MAX_SETTLING: Duration = Duration::from_secs(1);

/// How many more looks a suspicious reading gets, one debounce apart, until two in a row agree.
const MAX_CONFIRMATIONS: u32 = 10;

/// Keeps a wrong setting from turning the second look into a busy loop.
const MIN_RESCAN_INTERVAL: Duration = Duration::from_millis(10);

/// How to watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchOptions {
    /// How often to look without any event (`rules.rescan_interval`).
    pub rescan_interval: Duration,
    /// How long events must be quiet before the files are read.
    pub debounce: Duration,
    /// Whether to ask the system for events at all.
    pub events: bool,
}

/// A state of the rule files that the caller has not seen yet.
#[derive(Debug)]
pub struct RuleChange {
    /// All rule files, and what is wrong with those that cannot be read.
    pub sources: RuleSources,
    /// Why it is told.
    pub cause: ChangeCause,
}

/// Why a state of the rule files is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeCause {
    /// The first look.
    Start,
    /// Names or contents differ from the state before, or a fault came, changed or went.
    Content,
    /// [`ForceRead`] asked; the content may be the same.
    Force,
}

/// Watches the rule files.
#[derive(Debug)]
pub struct RuleWatch {
    files: RuleFiles,
    options: WatchOptions,
    signals: Signals,
    looker: Arc<Mutex<Looker>>,
    /// The signals that the last look answered.
    answered: Count,
    next_rescan: Instant,
    last: Option<Fingerprint>,
}

/// What wakes a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trigger {
    Start,
    Hint,
    Rescan,
    Force,
}

/// The blocking half: follows the paths and reads them.
#[derive(Debug)]
struct Looker {
    files: RuleFiles,
    events: Events,
    mounts: LoneMounts,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self { rescan_interval: Duration::from_secs(30), debounce: Duration::from_millis(100), events: true }
    }
}

impl RuleWatch {
    /// Names what to watch; neither reads nor watches yet.
    pub fn new(paths: Vec<PathBuf>, options: WatchOptions) -> Self {
        let signals = Signals::new();
        let files = RuleFiles::new(paths);
        let looker = Looker {
            files: files.clone(),
            events: Events::new(options.events, signals.clone()),
            mounts: LoneMounts::default(),
        };
        Self {
            files,
            options,
            answered: signals.count(),
            signals,
            looker: Arc::new(Mutex::new(looker)),
            next_rescan: Instant::now(),
            last: None,
        }
    }

    /// A handle that makes [`RuleWatch::changed`] read and return at once (SIGHUP).
    pub fn force_handle(&self) -> ForceRead {
        self.signals.force_handle()
    }

    /// Waits for the next state that differs from the last one returned; the first call returns the first state at once.
    ///
    /// Losing interest (dropping the future) loses nothing: the next call finds what this one would have. Reading happens on tokio's threads
    /// for blocking work, so a file system that hangs holds up such a thread, and reloads, but nothing else.
    pub async fn changed(&mut self) -> RuleChange {
        loop {
            let trigger = self.wait().await;
            if trigger == Trigger::Hint {
                self.settle().await;
            }
            let heard = self.signals.count();
            let forced = heard.forces != self.answered.forces;
            let mut sources = self.look().await;
            if !forced && self.is_suspicious(trigger, &sources) {
                sources = self.confirm(sources).await;
            }
            // Nothing is awaited from here to the return, so that a dropped future leaves no half-told news.
            self.answered = heard;
            self.next_rescan = Instant::now() + self.options.rescan_interval.max(MIN_RESCAN_INTERVAL);
            let cause = match &self.last {
                None => ChangeCause::Start,
                Some(_) if forced => ChangeCause::Force,
                Some(last) if *last != sources.fingerprint => ChangeCause::Content,
                Some(_) => continue,
            };
            self.last = Some(sources.fingerprint);
            return RuleChange { sources, cause };
        }
    }

    async fn wait(&mut self) -> Trigger {
        if self.last.is_none() {
            return Trigger::Start;
        }
        match timeout_at(self.next_rescan, self.signals.heard_since(self.answered)).await {
            Err(_) => Trigger::Rescan,
            Ok(heard) if heard.forces != self.answered.forces => Trigger::Force,
            Ok(_) => Trigger::Hint,
        }
    }

    /// Returns when the hints have been quiet for the debounce, when they have gone on for too long, or when a look is forced.
    async fn settle(&mut self) {
        let latest = Instant::now() + MAX_SETTLING;
        let mut heard = self.signals.count();
        while heard.forces == self.answered.forces {
            let quiet = (Instant::now() + self.options.debounce).min(latest);
            match timeout_at(quiet, self.signals.heard_since(heard)).await {
                Ok(more) if Instant::now() < latest => heard = more,
                _ => return,
            }
        }
    }

    /// Without a hint to say that a writer has finished, a difference may be a file half written. And a fault after good
    /// rules may be a folder on its way out and in again.
    fn is_suspicious(&self, trigger: Trigger, sources: &RuleSources) -> bool {
        let Some(last) = &self.last else { return false };
        (trigger == Trigger::Rescan || sources.has_faults()) && *last != sources.fingerprint
    }

    /// Looks again until two looks agree.
    async fn confirm(&mut self, mut sources: RuleSources) -> RuleSources {
        for _ in 0..MAX_CONFIRMATIONS {
            let before = sources.fingerprint;
            sleep(self.options.debounce).await;
            sources = self.look().await;
            if sources.fingerprint == before {
                break;
            }
        }
        sources
    }

    async fn look(&self) -> RuleSources {
        let looker = Arc::clone(&self.looker);
        tokio::task::spawn_blocking(move || looker.lock().look())
            .await
            .unwrap_or_else(|error| self.files.fault(Problem::Interrupted(error.to_string())))
    }
}

impl Looker {
    /// Watches first and reads then: what changes in between makes a hint.
    fn look(&mut self) -> RuleSources {
        self.events.follow(self.files.paths());
        let sources = self.files.read();
        self.mounts.tell(sources.readable());
        sources
    }
}
