//! How often each rule led to which outcome.
//!
//! The counts live beside the rules, so that counting a decision is one addition and no look-up by labels; and they
//! outlive a reload for every rule that is still there under its domain and path, so that a metric never jumps back.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ahash::RandomState;

use crate::decision::rules::{Rule, RuleSet};
use crate::decision::verdict::{Outcome, Verdict};

/// Counts by outcome.
#[derive(Debug, Default)]
pub struct OutcomeCounts([AtomicU64; Outcome::ALL.len()]);

/// The counts of all rules of one rule set, and of what no rule decided.
#[derive(Debug, Default)]
pub struct Outcomes {
    by_rule: Vec<Arc<OutcomeCounts>>,
    without_rule: HashMap<Box<str>, Arc<OutcomeCounts>, RandomState>,
    unknown_domain: Arc<OutcomeCounts>,
}

impl OutcomeCounts {
    fn add(&self, outcome: Outcome) {
        self.0[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The outcomes that occurred, and how often.
    pub fn occurred(&self) -> impl Iterator<Item = (Outcome, u64)> {
        let count = |outcome| (outcome, self.0[outcome as usize].load(Ordering::Relaxed));
        Outcome::ALL.into_iter().map(count).filter(|(_, count)| *count > 0)
    }
}

impl Outcomes {
    /// Counts for these rules; those that `previous` rules have in common with them go on.
    #[must_use]
    pub fn new(rules: &RuleSet, previous: Option<(&RuleSet, &Outcomes)>) -> Self {
        let known: HashMap<(&str, &str), &Arc<OutcomeCounts>, RandomState> = previous
            .into_iter()
            .flat_map(|(rules, outcomes)| rules.rules().iter().map(identity).zip(&outcomes.by_rule))
            .collect();
        let outcomes = previous.map(|(_, outcomes)| outcomes);
        let of_domain = |domain: &str| {
            let known = outcomes.and_then(|outcomes| outcomes.without_rule.get(domain).cloned());
            (domain.into(), known.unwrap_or_default())
        };
        Self {
            by_rule: rules
                .rules()
                .iter()
                .map(|rule| known.get(&identity(rule)).copied().cloned().unwrap_or_default())
                .collect(),
            without_rule: rules.domains().map(of_domain).collect(),
            unknown_domain: outcomes.map(|outcomes| Arc::clone(&outcomes.unknown_domain)).unwrap_or_default(),
        }
    }

    /// Counts every status of a verdict.
    pub fn count(&self, domain: &str, verdict: &Verdict<'_>) {
        for status in &verdict.statuses {
            let counts = match status.rule {
                Some(rule) => &self.by_rule[rule.id.index()],
                None => self.without_rule.get(domain).unwrap_or(&self.unknown_domain),
            };
            counts.add(status.outcome);
        }
    }

    /// The counts of one rule of the set that these were made for.
    #[must_use]
    pub fn of(&self, rule: &Rule) -> &OutcomeCounts {
        &self.by_rule[rule.id.index()]
    }

    /// For each domain, the counts of descriptors that no rule decided: unmatched ones and those with a limit of their
    /// own; those of domains without rules last, under an empty name, because callers could name any number of them.
    pub fn without_rule(&self) -> impl Iterator<Item = (&str, &OutcomeCounts)> {
        let known = self.without_rule.iter().map(|(domain, counts)| (&**domain, &**counts));
        known.chain(std::iter::once(("", &*self.unknown_domain)))
    }
}

fn identity(rule: &Rule) -> (&str, &str) {
    (&rule.domain, &rule.path)
}
