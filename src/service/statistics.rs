//! Statistics as envoyproxy/ratelimit keeps them: hits by the dotted name of the rule that decided them.
//!
//! Kept only where settings want them. Counts of rules whose name is fixed lie beside the rules, like outcomes do; names with
//! values of requests in them are bounded ([`by_value`]). All go on through reloads, for rules that are still there.

mod by_value;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ahash::RandomState;

use crate::decision::hit::Source;
use crate::decision::hit_shares::HitShares;
use crate::decision::request::Request;
use crate::decision::rules::statistic_name::{self, StatisticName, ValuedName};
use crate::decision::rules::{Rule, RuleSet};
use crate::decision::verdict::Verdict;

use by_value::CountsByValue;

/// Hits under one name, in the order of [`HitShares::NAMES`].
#[derive(Debug, Default)]
pub struct HitCounts([AtomicU64; HitShares::NAMES.len()]);

/// What is counted of a whole process, whichever rules are in force.
#[derive(Debug)]
pub struct Statistics {
    by_value: CountsByValue,
    store_errors: AtomicU64,
    spared: AtomicU64,
}

/// The statistics of one rule set.
#[derive(Debug)]
pub struct RuleStatistics {
    process: Arc<Statistics>,
    by_rule: Vec<Option<RuleCounts>>,
    /// Every name that is known when the rules are, those of folded values included.
    named: HashMap<Arc<str>, Arc<HitCounts>, RandomState>,
    /// For each domain the name of limits that requests brought along, where they are not told apart.
    overrides: HashMap<Box<str>, Folded, RandomState>,
}

/// Where the hits of one rule are counted.
#[derive(Debug)]
enum RuleCounts {
    Fixed(Arc<HitCounts>),
    ByValue(ValuedName, Folded),
}

/// Where hits are counted that are not told apart.
#[derive(Debug, Clone)]
struct Folded {
    name: Arc<str>,
    counts: Arc<HitCounts>,
}

impl HitCounts {
    fn add(&self, shares: HitShares) {
        for (count, more) in self.0.iter().zip(shares.values()) {
            // Most shares of most hits are none, and an addition of nothing costs as much as any.
            if more > 0 {
                count.fetch_add(more, Ordering::Relaxed);
            }
        }
    }

    /// The hits by their kind.
    #[must_use]
    pub fn values(&self) -> [u64; HitShares::NAMES.len()] {
        self.0.each_ref().map(|count| count.load(Ordering::Relaxed))
    }
}

impl Statistics {
    /// Statistics with at most so many names that requests chose.
    #[must_use]
    pub fn new(max_names_by_value: usize) -> Self {
        Self {
            by_value: CountsByValue::new(max_names_by_value),
            store_errors: AtomicU64::new(0),
            spared: AtomicU64::new(0),
        }
    }

    /// Descriptors that were counted under a name without their values, because there were too many names.
    #[must_use]
    pub fn folded(&self) -> u64 {
        self.by_value.folded()
    }

    /// Requests with a limit that the store did not count.
    #[must_use]
    pub fn store_errors(&self) -> u64 {
        self.store_errors.load(Ordering::Relaxed)
    }

    /// Requests that passed only because the whole service is in shadow mode.
    #[must_use]
    pub fn spared(&self) -> u64 {
        self.spared.load(Ordering::Relaxed)
    }
}

impl RuleStatistics {
    /// Statistics for these rules; names that `previous` ones have in common with them go on.
    #[must_use]
    pub fn new(process: &Arc<Statistics>, rules: &RuleSet, previous: Option<&Self>) -> Self {
        let mut named = Named { known: previous.map(|previous| &previous.named), counts: HashMap::default() };
        let by_rule = rules.rules().iter().map(|rule| named.rule(rule)).collect();
        let overrides = rules.domains().map(|domain| {
            let folded = named.folded(StatisticName::of_overrides(domain));
            (domain.into(), folded)
        });
        let overrides = overrides.collect();
        let statistics = Self { process: Arc::clone(process), by_rule, named: named.counts, overrides };
        process.by_value.retain(|folded_as| statistics.named.contains_key(folded_as));
        statistics
    }

    /// Counts the hits of every descriptor that met a limit.
    pub fn count(&self, request: &Request<'_>, verdict: &Verdict<'_>, near_ratio: f32) {
        let mut is_store_error = false;
        for (descriptor, status) in request.descriptors.iter().zip(&verdict.statuses) {
            let Some(limited) = status.limited else { continue };
            is_store_error |= limited.source == Source::Fallback;
            let shares = HitShares::new(status.outcome, &limited, near_ratio);
            match status.rule.map(|rule| self.by_rule[rule.id.index()].as_ref()) {
                Some(Some(RuleCounts::Fixed(counts))) => counts.add(shares),
                Some(Some(RuleCounts::ByValue(name, folded))) => {
                    self.process.by_value.add(name.of(&descriptor.entries), folded, shares);
                }
                Some(None) => {}
                None => {
                    if let Some(folded) = self.overrides.get(request.domain) {
                        let name = statistic_name::of_override(request.domain, &descriptor.entries);
                        self.process.by_value.add(name, folded, shares);
                    }
                }
            }
        }
        if is_store_error {
            self.process.store_errors.fetch_add(1, Ordering::Relaxed);
        }
        if verdict.spared {
            self.process.spared.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Shows every name that something was counted under, in no order; a name may come more than once.
    pub fn each(&self, mut show: impl FnMut(&str, [u64; HitShares::NAMES.len()])) {
        let mut show = |name: &str, counts: &HitCounts| {
            let values = counts.values();
            if values.iter().any(|&count| count > 0) {
                show(name, values);
            }
        };
        self.named.iter().for_each(|(name, counts)| show(name, counts));
        self.process.by_value.each(|name, counts| show(&String::from_utf8_lossy(name), counts));
    }
}

/// Gives out counts by name: those that were there before, or new ones.
struct Named<'p> {
    known: Option<&'p HashMap<Arc<str>, Arc<HitCounts>, RandomState>>,
    counts: HashMap<Arc<str>, Arc<HitCounts>, RandomState>,
}

impl Named<'_> {
    /// A rule without a limit counts nothing.
    fn rule(&mut self, rule: &Rule) -> Option<RuleCounts> {
        rule.limits()?;
        Some(match StatisticName::of(rule) {
            StatisticName::Fixed(name) => RuleCounts::Fixed(self.folded(name).counts),
            StatisticName::ByValue(name) => {
                let folded = self.folded(name.folded());
                RuleCounts::ByValue(name, folded)
            }
        })
    }

    fn folded(&mut self, name: String) -> Folded {
        let (name, counts) = match self.counts.get_key_value(name.as_str()) {
            Some((name, counts)) => (Arc::clone(name), Arc::clone(counts)),
            None => {
                let known = self.known.and_then(|known| known.get_key_value(name.as_str()));
                let known = known.map(|(name, counts)| (Arc::clone(name), Arc::clone(counts)));
                let (name, counts) = known.unwrap_or_else(|| (name.into(), Arc::default()));
                self.counts.insert(Arc::clone(&name), Arc::clone(&counts));
                (name, counts)
            }
        };
        Folded { name, counts }
    }
}
