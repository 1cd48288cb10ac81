//! The rules in force, published whole: a request sees one set from start to end.

use std::sync::Arc;

use arc_swap::{ArcSwapOption, Guard};

use crate::decision::rules::RuleSet;
use crate::decision::time::Timestamp;
use crate::service::outcomes::Outcomes;
use crate::service::statistics::{RuleStatistics, Statistics};

/// One set of rules and what belongs to it.
#[derive(Debug)]
pub struct Snapshot {
    /// The rules.
    pub rules: RuleSet,
    /// How often each decided what.
    pub outcomes: Outcomes,
    /// The same as upstream counts it, where that is wanted.
    pub statistics: Option<RuleStatistics>,
    /// When they came into force.
    pub loaded_at: Timestamp,
    /// Tells one content from another: hexadecimal, the same for the same files on every replica.
    pub fingerprint: Box<str>,
}

/// The place where rules are published and read.
#[derive(Debug, Default)]
pub struct Rulebook {
    current: ArcSwapOption<Snapshot>,
    statistics: Option<Arc<Statistics>>,
}

impl Rulebook {
    /// A book without rules.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A book without rules that keeps upstream's statistics of those to come.
    #[must_use]
    pub fn with_statistics(statistics: Arc<Statistics>) -> Self {
        Self { statistics: Some(statistics), ..Self::default() }
    }

    /// What upstream counts of a whole process, where that is wanted.
    #[must_use]
    pub fn statistics(&self) -> Option<&Statistics> {
        self.statistics.as_deref()
    }

    /// Puts rules in force and gives back the ones that were: the caller drops them, off the path of requests, once the
    /// last request that uses them has ended.
    ///
    /// There is one publisher; two at once could lose counts of outcomes, though never rules.
    pub fn publish(&self, rules: RuleSet, fingerprint: &str, now: Timestamp) -> Option<Arc<Snapshot>> {
        let previous = self.current.load_full();
        let continued = previous.as_deref().map(|snapshot| (&snapshot.rules, &snapshot.outcomes));
        let outcomes = Outcomes::new(&rules, continued);
        let continued = previous.as_deref().and_then(|snapshot| snapshot.statistics.as_ref());
        let process = self.statistics.as_ref();
        let statistics = process.map(|process| RuleStatistics::new(process, &rules, continued));
        let snapshot =
            Snapshot { rules, outcomes, statistics, loaded_at: now, fingerprint: fingerprint.into() };
        self.current.swap(Some(Arc::new(snapshot)))
    }

    /// The rules in force, if there are any yet.
    #[must_use]
    pub fn current(&self) -> Guard<Option<Arc<Snapshot>>> {
        self.current.load()
    }

    /// Whether rules are in force.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.current.load().is_some()
    }
}
