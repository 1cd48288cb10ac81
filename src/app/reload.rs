//! From changed files to rules in force: read, check, compile, publish; all or nothing.

use std::sync::Arc;
use std::time::Duration;

use crate::config::diagnostic::Diagnostics;
use crate::config::rules::{self, RuleOptions, Rules};
use crate::config::watch::{RuleChange, RuleWatch};
use crate::decision::rules::RuleSet;
use crate::server::health::Health;
use crate::service::{Clock, Rulebook, ServiceStatus, Snapshot, SystemClock};

/// How long the last requests on old rules may take to end before the rules are dropped anyway, by whoever holds them last.
const RETIREMENT: Duration = Duration::from_secs(1);

/// How often it is looked whether they have ended.
const RETIREMENT_STEP: Duration = Duration::from_millis(10);

/// Puts rules in force as files change.
pub(super) struct Reloader {
    pub(super) rulebook: Arc<Rulebook>,
    pub(super) status: Arc<ServiceStatus>,
    pub(super) health: Health,
    pub(super) options: RuleOptions,
}

/// Rules that are ready to be published.
struct Compiled {
    rules: RuleSet,
    fingerprint: String,
    files: usize,
    warnings: Diagnostics,
}

impl Reloader {
    /// Reloads for ever.
    pub(super) async fn run(self, mut watch: RuleWatch) {
        loop {
            let change = watch.changed().await;
            self.apply(change).await;
        }
    }

    async fn apply(&self, change: RuleChange) {
        let options = self.options;
        let compiled = tokio::task::spawn_blocking(move || compile(change, options)).await;
        match compiled.unwrap_or_else(|error| Err(format!("the rules could not be compiled: {error}"))) {
            Ok(compiled) => self.publish(compiled).await,
            Err(fault) => self.refuse(&fault),
        }
    }

    async fn publish(&self, compiled: Compiled) {
        let Compiled { rules, fingerprint, files, warnings } = compiled;
        let (count, domains) = (rules.rules().len(), rules.domains().count());
        let previous = self.rulebook.publish(rules, &fingerprint, SystemClock.now());
        self.status.reload_succeeded();
        self.health.set_serving(self.status.is_serving()).await;
        tracing::info!(rules = count, domains, files, fingerprint, "rules are in force");
        if !warnings.is_empty() {
            tracing::warn!("the rules in force hardly mean all that they say\n{warnings}");
        }
        if let Some(previous) = previous {
            retire(previous).await;
        }
    }

    fn refuse(&self, fault: &str) {
        self.status.reload_failed(fault);
        let kept = if self.rulebook.is_loaded() {
            "the rules before stay in force"
        } else {
            "there are none in force"
        };
        tracing::error!("the rule files have faults; {kept}; mend them and they are read again\n{fault}");
    }
}

fn compile(change: RuleChange, options: RuleOptions) -> Result<Compiled, String> {
    let RuleChange { sources, .. } = change;
    let Rules { domains, warnings } = rules::read(&sources, options).map_err(|faults| faults.to_string())?;
    let rules = RuleSet::compile(&domains).map_err(|fault| fault.to_string())?;
    let (fingerprint, files) = (sources.fingerprint.to_string(), sources.files.len());
    Ok(Compiled { rules, fingerprint, files, warnings })
}

/// Drops old rules away from the path of requests: freeing a hundred thousand of them would stall the request that happens to
/// hold them last.
async fn retire(previous: Arc<Snapshot>) {
    let steps = RETIREMENT.as_millis() / RETIREMENT_STEP.as_millis();
    for _ in 0..steps {
        if Arc::strong_count(&previous) == 1 {
            break;
        }
        tokio::time::sleep(RETIREMENT_STEP).await;
    }
    // Nobody waits for it: an error here means that the process ends.
    let _ = tokio::task::spawn_blocking(move || drop(previous)).await;
}
