//! Changes a server's rules, once or every second, and sees when the change is in force.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{bail, ensure};
use tokio::time::Instant;

use crate::program::pause;
use crate::rule_set::RuleSet;
use crate::server::Server;
use crate::spread::as_f64;

/// How often rules change.
const INTERVAL: Duration = Duration::from_secs(1);

/// How often it is looked whether a change is in force.
const LOOK: Duration = Duration::from_millis(5);

/// How long a change may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the server logs when rules are in force.
const IN_FORCE: &str = "rules are in force";

/// So that no change is the same as one before, whoever made it.
static GENERATION: AtomicU32 = AtomicU32::new(1);

/// Rewrites one server's rules.
pub(crate) struct Rewriter<'a> {
    server: &'a Server,
    rules: RuleSet,
    folder: PathBuf,
}

impl<'a> Rewriter<'a> {
    pub(crate) fn new(server: &'a Server, rules: RuleSet) -> anyhow::Result<Self> {
        Ok(Self { server, rules, folder: server.rules()? })
    }

    /// How long one change takes from being written to being in force.
    pub(crate) fn time_one(&self) -> anyhow::Result<Duration> {
        let before = self.server.logged(IN_FORCE)?;
        self.change()?;
        let begin = Instant::now();
        while self.server.logged(IN_FORCE)? == before {
            ensure!(begin.elapsed() < PATIENCE, "{} does not come into force", self.rules);
            pause(LOOK)?;
        }
        Ok(begin.elapsed())
    }

    /// Does something while rules change every second; what it gave, and how much of the changes came into force meanwhile.
    pub(crate) fn during<T>(&self, act: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(T, f64)> {
        let (before, over) = (self.server.logged(IN_FORCE)?, AtomicBool::new(false));
        std::thread::scope(|scope| {
            let changes = scope.spawn(|| self.change_until(&over));
            let outcome = act();
            over.store(true, Ordering::Relaxed);
            let Ok(changes) = changes.join() else { bail!("the thread that changes rules panicked") };
            let in_force = self.server.logged(IN_FORCE)? - before;
            Ok((outcome?, as_f64(in_force as u64) / as_f64(changes?)))
        })
    }

    fn change_until(&self, over: &AtomicBool) -> anyhow::Result<u64> {
        let mut changes = 0;
        let mut next = Instant::now();
        while !over.load(Ordering::Relaxed) {
            if Instant::now() >= next {
                self.change()?;
                changes += 1;
                next += INTERVAL;
            }
            pause(LOOK)?;
        }
        Ok(changes)
    }

    /// Puts the next generation of the rules in place.
    pub(crate) fn change(&self) -> anyhow::Result<()> {
        self.rules.rewrite(&self.folder, GENERATION.fetch_add(1, Ordering::Relaxed))
    }
}
