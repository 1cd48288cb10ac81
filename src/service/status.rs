//! Whether the service can decide, and what stands in its way: what probes and people ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::service::rulebook::Rulebook;
use crate::storage::shared::overview::ShardOverview;
use crate::storage::shared::ring_watch::RingWatch;
use crate::storage::shared::shards::Shards;

/// What is known of the service beside its rules.
#[derive(Debug)]
pub struct ServiceStatus {
    rulebook: Arc<Rulebook>,
    shards: Option<Arc<Shards>>,
    draining: AtomicBool,
    succeeded: AtomicU64,
    failed: AtomicU64,
    fault: Mutex<Option<Arc<str>>>,
    lost_tasks: Mutex<Vec<&'static str>>,
}

/// How often rules were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reloads {
    /// They came into force.
    pub succeeded: u64,
    /// They had faults, and what was in force stayed.
    pub failed: u64,
}

/// Whether requests should be sent here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// Yes.
    Ready,
    /// Yes, though not all is as it should be; why.
    Degraded(String),
    /// No; why.
    NotReady(String),
}

impl ServiceStatus {
    /// The status of a service that decides by `rulebook` and counts in these shards, if in any.
    #[must_use]
    pub fn new(rulebook: Arc<Rulebook>, shards: Option<Arc<Shards>>) -> Self {
        Self {
            rulebook,
            shards,
            draining: AtomicBool::new(false),
            succeeded: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            fault: Mutex::new(None),
            lost_tasks: Mutex::new(Vec::new()),
        }
    }

    /// The rules in force.
    #[must_use]
    pub fn rulebook(&self) -> &Rulebook {
        &self.rulebook
    }

    /// Notes that what the files say is in force.
    pub fn reload_succeeded(&self) {
        self.succeeded.fetch_add(1, Ordering::Relaxed);
        *self.fault.lock() = None;
    }

    /// Notes why what the files say is not in force.
    pub fn reload_failed(&self, fault: &str) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        *self.fault.lock() = Some(fault.into());
    }

    /// Notes that a task ended that should run as long as the process serves.
    pub fn lost_task(&self, name: &'static str) {
        self.lost_tasks.lock().push(name);
    }

    /// Notes that the process is about to end.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether decisions can be made and are meant to be made here.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.rulebook.is_loaded() && !self.draining.load(Ordering::Relaxed)
    }

    /// How often rules were read.
    #[must_use]
    pub fn reloads(&self) -> Reloads {
        Reloads {
            succeeded: self.succeeded.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }

    /// What keeps the rule files from being in force.
    #[must_use]
    pub fn fault(&self) -> Option<Arc<str>> {
        self.fault.lock().clone()
    }

    /// The shards of the store, none where it is this process's own memory.
    #[must_use]
    pub fn shards(&self) -> Vec<ShardOverview> {
        self.shards.as_ref().map_or_else(Vec::new, |shards| shards.overview())
    }

    /// The rings of servers that replicas place counters by, where the store is a ring.
    #[must_use]
    pub fn rings(&self) -> Option<&RingWatch> {
        self.shards.as_ref()?.rings()
    }

    /// Whether requests should be sent here.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        if self.draining.load(Ordering::Relaxed) {
            return Readiness::NotReady("draining: this process is about to end".into());
        }
        match (self.rulebook.is_loaded(), self.fault()) {
            (true, fault) => match self.troubles(fault.as_deref()).join("\n") {
                none if none.is_empty() => Readiness::Ready,
                troubles => Readiness::Degraded(troubles),
            },
            (false, Some(fault)) => Readiness::NotReady(format!("no rules are loaded\n{fault}")),
            (false, None) => Readiness::NotReady("no rules are loaded yet".into()),
        }
    }

    /// What is not as it should be while decisions go on.
    fn troubles(&self, fault: Option<&str>) -> Vec<String> {
        let lost = self.lost_tasks.lock().join(", ");
        let away = self.shards.as_ref().map_or_else(Vec::new, |shards| shards.away()).join(", ");
        let lost =
            (!lost.is_empty()).then(|| format!("these tasks have ended: {lost}; restart this process"));
        let away = (!away.is_empty())
            .then(|| format!("the store is away, and its counters are decided by this replica: {away}; the log says why, in words"));
        let fault = fault
            .map(|fault| format!("the rule files have faults; the rules before them stay in force\n{fault}"));
        lost.into_iter().chain(away).chain(fault).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::rules::RuleSet;
    use crate::decision::time::Timestamp;

    #[test]
    fn tells_the_truth_at_each_step_of_a_life() {
        let rulebook = Arc::new(Rulebook::new());
        let status = ServiceStatus::new(Arc::clone(&rulebook), None);
        assert_eq!(status.readiness(), Readiness::NotReady("no rules are loaded yet".into()));
        status.reload_failed("a.yaml:1:1: bad");
        assert!(matches!(status.readiness(), Readiness::NotReady(why) if why.contains("a.yaml:1:1")));
        rulebook.publish(RuleSet::default(), "f", Timestamp::from_secs(1));
        status.reload_succeeded();
        assert_eq!(status.readiness(), Readiness::Ready);
        status.reload_failed("b.yaml:2:2: bad");
        assert!(matches!(status.readiness(), Readiness::Degraded(why) if why.contains("b.yaml:2:2")));
        status.reload_succeeded();
        status.lost_task("sweep");
        assert!(matches!(status.readiness(), Readiness::Degraded(why) if why.contains("sweep")));
        status.start_draining();
        assert!(matches!(status.readiness(), Readiness::NotReady(why) if why.contains("draining")));
        assert_eq!(status.reloads(), Reloads { succeeded: 2, failed: 2 });
    }
}
