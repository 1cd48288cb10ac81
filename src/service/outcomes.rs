//! How often each rule led to which outcome.
//!
//! The counts live beside the rules, so that counting a decision is one addition and no look-up by labels; and they
//! outlive a reload for every rule that is still there under its domain and path, so that a metric never jumps back.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ahash::RandomState;

use crate::decision::hit::Source;
use crate::decision::rules::{Rule, RuleSet};
use crate::decision::verdict::{Outcome, Status, Verdict};

/// Outcomes below this one have no counter behind them, so that nothing but the rules decided.
const COUNTED: usize = Outcome::Ok as usize;

const CELLS: usize = COUNTED + (Outcome::ALL.len() - COUNTED) * Source::ALL.len();

/// Counts by outcome, and where there is a counter behind it by what decided.
#[derive(Debug, Default)]
pub struct OutcomeCounts([AtomicU64; CELLS]);

/// The counts of all rules of one rule set, and of what no rule decided.
#[derive(Debug, Default)]
pub struct Outcomes {
    by_rule: Vec<Arc<OutcomeCounts>>,
    without_rule: HashMap<Box<str>, Arc<OutcomeCounts>, RandomState>,
    unknown_domain: Arc<OutcomeCounts>,
}

impl OutcomeCounts {
    fn add(&self, status: &Status<'_>) {
        let cell = cell(status.outcome, status.limited.map(|limited| limited.source));
        self.0[cell].fetch_add(1, Ordering::Relaxed);
    }

    /// The outcomes that occurred, what decided where there is a counter behind them, and how often.
    pub fn occurred(&self) -> impl Iterator<Item = (Outcome, Option<Source>, u64)> {
        let kinds = Outcome::ALL.into_iter().flat_map(|outcome| {
            let sources = Source::ALL.into_iter().map(Some);
            let uncounted = (outcome as usize) < COUNTED;
            sources.filter(move |_| !uncounted).chain(uncounted.then_some(None)).map(move |by| (outcome, by))
        });
        let count = |(outcome, by)| (outcome, by, self.0[cell(outcome, by)].load(Ordering::Relaxed));
        kinds.map(count).filter(|(_, _, count)| *count > 0)
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
            counts.add(status);
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

fn cell(outcome: Outcome, source: Option<Source>) -> usize {
    match source {
        Some(source) => {
            COUNTED + (outcome as usize).saturating_sub(COUNTED) * Source::ALL.len() + source as usize
        }
        None => outcome as usize,
    }
}

fn identity(rule: &Rule) -> (&str, &str) {
    (&rule.domain, &rule.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_a_cell_of_its_own() {
        let kinds = |outcome: Outcome| {
            let counted = (outcome as usize) >= COUNTED;
            let sources = Source::ALL.map(Some).into_iter().filter(move |_| counted);
            sources.chain((!counted).then_some(None)).map(move |source| cell(outcome, source))
        };
        let mut cells: Vec<usize> = Outcome::ALL.into_iter().flat_map(kinds).collect();
        cells.sort_unstable();
        assert_eq!(cells, (0..CELLS).collect::<Vec<_>>());
    }
}
