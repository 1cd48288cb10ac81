//! From changed files to rules in force: read, check, compile, publish; all or nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::app::service_manager::ServiceManager;
use crate::config::diagnostic::Diagnostics;
use crate::config::files::RuleSources;
use crate::config::rules::{self, RuleOptions, Rules};
use crate::config::watch::{RuleChange, RuleWatch};
use crate::decision::rules::RuleSet;
use crate::server::health::Health;
use crate::service::{Clock, Rulebook, ServiceStatus, Snapshot, SystemClock};
use crate::telemetry::trace::Tracer;
use crate::telemetry::trace::span::{Attributes, Span};

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
    pub(super) tracer: Tracer,
    pub(super) service_manager: ServiceManager,
}

/// Rules that have come into force, and the ones that they replaced.
struct Published {
    previous: Option<Arc<Snapshot>>,
    rules: usize,
    domains: usize,
    files: usize,
    fingerprint: String,
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

    /// The work is done on a thread of its own up to the publication, which carries over the counts of every rule: probes are
    /// answered on this one.
    async fn apply(&self, change: RuleChange) {
        let (options, rulebook) = (self.options, Arc::clone(&self.rulebook));
        let span = self.tracer.root("reload rules", Instant::now());
        let published =
            tokio::task::spawn_blocking(move || publish(change.sources, options, &rulebook)).await;
        let published =
            published.unwrap_or_else(|error| Err(format!("the rules could not be compiled: {error}")));
        if let Some(span) = span {
            self.record(span, &published);
        }
        match published {
            Ok(published) => self.tell(published).await,
            Err(fault) => self.refuse(&fault),
        }
    }

    fn record(&self, mut span: Span, published: &Result<Published, String>) {
        match published {
            Ok(Published { rules, domains, files, fingerprint, .. }) => {
                let count = |count: &usize| i64::try_from(*count).unwrap_or(i64::MAX);
                span.set(
                    Attributes::default()
                        .with("ratekeeper.reload.rules", count(rules))
                        .with("ratekeeper.reload.domains", count(domains))
                        .with("ratekeeper.reload.files", count(files))
                        .with("ratekeeper.reload.fingerprint", fingerprint.clone()),
                );
            }
            // The first fault; the log has all of them.
            Err(fault) => span.fail(fault.lines().next().unwrap_or_default()),
        }
        self.tracer.finish(span);
    }

    async fn tell(&self, published: Published) {
        let Published { previous, rules, domains, files, fingerprint, warnings } = published;
        self.status.reload_succeeded();
        self.health.set_serving(self.status.is_serving()).await;
        self.service_manager.ready(rules, domains);
        tracing::info!(rules, domains, files, fingerprint, "rules are in force");
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
        self.service_manager.faulty(kept);
        tracing::error!("the rule files have faults; {kept}; mend them and they are read again\n{fault}");
    }
}

/// What is no longer needed goes at each step, not at the end: texts, rules as they were read and rules as they are matched are
/// of much the same size.
fn publish(sources: RuleSources, options: RuleOptions, rulebook: &Rulebook) -> Result<Published, String> {
    let Rules { domains: specs, warnings } =
        rules::read(&sources, options).map_err(|faults| faults.to_string())?;
    let (fingerprint, files) = (sources.fingerprint.to_string(), sources.files.len());
    drop(sources);
    let compiled = RuleSet::compile(&specs).map_err(|fault| fault.to_string())?;
    drop(specs);
    let (rules, domains) = (compiled.rules().len(), compiled.domains().count());
    let previous = rulebook.publish(compiled, &fingerprint, SystemClock.now());
    Ok(Published { previous, rules, domains, files, fingerprint, warnings })
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
