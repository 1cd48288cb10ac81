//! The levels in force: changed by an operator, for good or for a while, after which those of the settings hold again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tracing_subscriber::reload::Handle;
use tracing_subscriber::{EnvFilter, Registry};

use crate::telemetry::logs::levels::{Levels, LevelsFault};

/// What is logged at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// The levels.
    pub levels: Levels,
    /// When those of the settings hold again; nothing: not before somebody says so.
    pub until: Option<Instant>,
}

/// Why the levels stay as they are.
#[derive(Debug, thiserror::Error)]
pub enum ChangeFault {
    /// They cannot be read.
    #[error(transparent)]
    Levels(#[from] LevelsFault),
    /// Nothing is logged any more.
    #[error("the levels cannot be changed: {0}")]
    Gone(#[from] tracing_subscriber::reload::Error),
}

/// Shows and changes the levels. Clones are the same.
#[derive(Debug, Clone)]
pub struct LogControl(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    configured: Levels,
    filter: Handle<EnvFilter, Registry>,
    in_force: watch::Sender<InForce>,
}

impl LogControl {
    /// Controls this filter, which has the levels of the settings.
    #[must_use]
    pub fn new(configured: Levels, filter: Handle<EnvFilter, Registry>) -> Self {
        let in_force = watch::Sender::new(InForce { levels: configured.clone(), until: None });
        Self(Arc::new(Shared { configured, filter, in_force }))
    }

    /// The levels of the settings.
    #[must_use]
    pub fn configured(&self) -> &Levels {
        &self.0.configured
    }

    /// What is logged at the moment.
    #[must_use]
    pub fn in_force(&self) -> InForce {
        self.0.in_force.borrow().clone()
    }

    /// Logs by these levels from now on, or for so long.
    ///
    /// # Errors
    /// Where they cannot be read; the levels before stay in force.
    pub fn change(&self, levels: &Levels, period: Option<Duration>) -> Result<(), ChangeFault> {
        let until = period.and_then(|period| Instant::now().checked_add(period));
        self.put(InForce { levels: levels.clone(), until }, |_| true).map(drop)
    }

    /// Logs by the levels of the settings again.
    ///
    /// # Errors
    /// Where nothing is logged any more.
    pub fn go_back(&self) -> Result<(), ChangeFault> {
        self.put(InForce { levels: self.0.configured.clone(), until: None }, |_| true).map(drop)
    }

    /// Ends each change when its time is over. Runs as long as the process serves.
    pub async fn keep(self) {
        let mut changes = self.0.in_force.subscribe();
        loop {
            let until = changes.borrow_and_update().until;
            let over = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // The sender is ours, so this is no error.
                _ = changes.changed() => {}
                () = over => self.end(until),
            }
        }
    }

    /// Goes back, unless somebody has changed the levels anew.
    fn end(&self, until: Option<Instant>) {
        let settings = InForce { levels: self.0.configured.clone(), until: None };
        match self.put(settings, |in_force| in_force.until == until) {
            Ok(false) => {}
            Ok(true) => {
                tracing::info!(levels = %self.0.configured, "the log levels of the settings hold again");
            }
            Err(fault) => tracing::error!(%fault, "the log levels cannot be set back"),
        }
    }

    /// Puts levels in force where they `still` should be, and says whether they are. Filter and figure are changed under one
    /// lock, so that one always tells of the other.
    fn put(&self, next: InForce, still: impl FnOnce(&InForce) -> bool) -> Result<bool, ChangeFault> {
        let filter = next.levels.filter()?;
        let mut outcome = Ok(());
        let changed = self.0.in_force.send_if_modified(|in_force| {
            if !still(in_force) {
                return false;
            }
            outcome = self.0.filter.reload(filter);
            if outcome.is_ok() {
                *in_force = next;
            }
            outcome.is_ok()
        });
        outcome?;
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::reload;

    use super::*;

    /// What is in force by the figure and by the filter itself, which must be the same.
    fn told(control: &LogControl) -> String {
        let in_force = control.in_force();
        let filter = control.0.filter.with_current(ToString::to_string).unwrap();
        assert_eq!(filter, in_force.levels.filter().unwrap().to_string());
        in_force.levels.to_string()
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_for_a_while_ends_by_itself() {
        let levels = |text: &str| text.parse::<Levels>().unwrap();
        let (_layer, handle) = reload::Layer::new(levels("info").filter().unwrap());
        let control = LogControl::new(levels("info"), handle);
        let keeper = tokio::spawn(control.clone().keep());
        let minutes = |count: u64| Duration::from_secs(60 * count);

        control.change(&levels("debug"), Some(minutes(10))).unwrap();
        tokio::time::sleep(minutes(9)).await;
        assert_eq!(told(&control), "debug");
        control.change(&levels("trace"), Some(minutes(10))).unwrap();
        tokio::time::sleep(minutes(9)).await;
        assert_eq!(told(&control), "trace", "the first change's end is not the second's");
        tokio::time::sleep(minutes(2)).await;
        assert_eq!(told(&control), "info");

        control.change(&levels("warn,h2=error"), None).unwrap();
        tokio::time::sleep(minutes(10_000)).await;
        assert_eq!(told(&control), "warn,h2=error");
        control.go_back().unwrap();
        assert_eq!((told(&control), control.in_force().until), ("info".into(), None));
        assert!(!keeper.is_finished());
        keeper.abort();
    }
}
