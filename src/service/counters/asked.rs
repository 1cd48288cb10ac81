//! Which counters an operator means.

use crate::decision::key::CounterKey;
use crate::decision::key::name::{CounterName, EntriesFault, OwnedEntry, read_entries, write_entries};
use crate::decision::key::pattern::KeyPattern;
use crate::decision::period::Period;
use crate::decision::request::Entry;
use crate::decision::rules::named::HashedValues;
use crate::decision::rules::spec::Location;
use crate::decision::rules::{Limits, Rule};
use crate::service::counters::found::{FoundCounter, FoundRule};
use crate::service::rulebook::Snapshot;
use crate::storage::inspect::{StoredCounter, Unread};

/// Some counters, by what is known of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this domain.
    pub domain: Option<String>,
    /// Of the rule with this path, and of no other.
    pub rule: Option<String>,
    /// Whose entries, as they are shown, or whose key begins so.
    pub prefix: String,
}

/// One counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The one that a request with these entries is counted in.
    OfEntries {
        /// The domain.
        domain: String,
        /// The entries as people write them.
        entries: String,
        /// The unit, where a request brings its own limit along or the rule has several limits; the rule's otherwise.
        period: Option<Period>,
    },
    /// The one that has this key, without the store's prefix.
    OfKey(String),
}

/// Why there is no counter to tell of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CounterFault {
    /// The text names no entries.
    #[error(transparent)]
    Entries(#[from] EntriesFault),
    /// The text is no key.
    #[error("this is no counter's key; it begins like 1|f60|domain|, without the store's prefix")]
    NoKey,
    /// Nothing can be found by rules.
    #[error("no rules are loaded yet; GET /readyz on the HTTP port says why")]
    NoRules,
    /// No such rule.
    #[error("no rule with a limit has the path `{0}`{in_domain}; /rlconfig on the admin port lists all of them", in_domain = of_domain(.1.as_deref()))]
    NoSuchRule(String, Option<String>),
    /// No such domain.
    #[error("there are no rules of the domain `{0}`; /rlconfig on the admin port lists all of them")]
    NoSuchDomain(String),
    /// A request like this is not limited.
    #[error(
        "no rule of the domain `{domain}` matches {entries}, so nothing is counted; for requests that bring their own limit \
         along, name its unit"
    )]
    NoRule {
        /// The domain.
        domain: String,
        /// The entries.
        entries: String,
    },
    /// A request like this is let pass without counting.
    #[error("the rule {0} has no limit, so nothing is counted")]
    NoLimit(String),
    /// A request like this is counted in several counters.
    #[error(
        "the rule {rule} has several limits, each with a counter of its own; name the unit of one: {units}"
    )]
    SeveralLimits {
        /// Its path and place.
        rule: String,
        /// The units of its limits.
        units: String,
    },
    /// Its shard does not answer.
    #[error("the shard does not answer: {0}")]
    Unread(#[from] Unread),
}

/// A counter that was asked for: its key, and what is known from the question.
#[derive(Debug)]
pub struct Asked {
    pub(super) key: CounterKey,
    rule: Option<FoundRule>,
    entries: Option<String>,
}

impl Filter {
    /// Whether all counters are meant.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// What the keys look like.
    pub(super) fn pattern(&self, snapshot: Option<&Snapshot>) -> Result<KeyPattern, CounterFault> {
        let Some(path) = &self.rule else {
            return Ok(KeyPattern::new(None, self.domain.as_deref(), &self.prefix));
        };
        let rules = snapshot.ok_or(CounterFault::NoRules)?.rules.rules().iter();
        let is_meant = |rule: &&Rule| {
            *rule.path == **path && self.domain.as_deref().is_none_or(|domain| domain == &*rule.domain)
        };
        let limits: Vec<(&Rule, &Limits)> =
            rules.filter(is_meant).filter_map(|rule| Some((rule, rule.limits()?))).collect();
        match limits.as_slice() {
            [] => Err(CounterFault::NoSuchRule(path.clone(), self.domain.clone())),
            [(rule, limits)] => Ok(KeyPattern::new(only_period(limits), Some(&rule.domain), &self.prefix)),
            _ => Ok(KeyPattern::new(None, self.domain.as_deref(), &self.prefix)),
        }
    }

    /// Whether a counter is meant, as far as its key has not told: its rule must be certain.
    pub(super) fn means(&self, counter: &FoundCounter) -> bool {
        self.rule.is_none() || counter.rule().is_some_and(|rule| Some(&*rule.path) == self.rule.as_deref())
    }
}

impl Which {
    /// The counter that this names.
    pub(super) fn find(&self, snapshot: Option<&Snapshot>) -> Result<Asked, CounterFault> {
        let mut found = self.find_all(snapshot)?;
        match (found.pop(), found.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(last), false) => {
                let units: Vec<String> = found.iter().chain([&last]).filter_map(Asked::unit).collect();
                let rule = last.rule.map(|rule| in_place(&rule.path, &rule.location)).unwrap_or_default();
                Err(CounterFault::SeveralLimits { rule, units: units.join(", ") })
            }
            (None, _) => Err(CounterFault::NoKey),
        }
    }

    /// The counters that this names: several where a rule has several limits, and no unit says which.
    pub(super) fn find_all(&self, snapshot: Option<&Snapshot>) -> Result<Vec<Asked>, CounterFault> {
        match self {
            Which::OfKey(key) => {
                CounterName::read(key.as_bytes()).ok_or(CounterFault::NoKey)?;
                let key = CounterKey::from_stored(key.as_bytes()).ok_or(CounterFault::NoKey)?;
                Ok(vec![Asked { key, rule: None, entries: None }])
            }
            Which::OfEntries { domain, entries, period } => {
                let entries = read_entries(entries)?;
                let entries: Vec<Entry<'_>> = entries.iter().map(OwnedEntry::as_entry).collect();
                let snapshot = snapshot.ok_or(CounterFault::NoRules)?;
                if !snapshot.rules.has_domain(domain) {
                    return Err(CounterFault::NoSuchDomain(domain.clone()));
                }
                let rule = snapshot.rules.find(domain, &entries);
                match (rule, period) {
                    (Some(rule), None) => Asked::of_rule(rule, &entries),
                    (None, None) => Err(CounterFault::NoRule {
                        domain: domain.clone(),
                        entries: write_entries(entries.iter().copied()),
                    }),
                    (Some(rule), Some(period)) if has_several(rule, *period) => {
                        Ok(Asked::of_limit(rule, *period, &entries).into_iter().collect())
                    }
                    // As a request with a limit of its own is counted, whatever rule there is.
                    (_, Some(period)) => Ok(vec![Asked {
                        key: CounterKey::new(domain, *period, entries.iter().copied()),
                        rule: None,
                        entries: Some(write_entries(entries.iter().copied())),
                    }]),
                }
            }
        }
    }
}

impl Asked {
    fn of_rule(rule: &Rule, entries: &[Entry<'_>]) -> Result<Vec<Self>, CounterFault> {
        let limits =
            rule.limits().ok_or_else(|| CounterFault::NoLimit(in_place(&rule.path, &rule.location)))?;
        Ok(limits.iter().filter_map(|one| Self::of_limit(rule, one.limit.period, entries)).collect())
    }

    /// The counter of the rule's limit for windows of this length.
    fn of_limit(rule: &Rule, period: Period, entries: &[Entry<'_>]) -> Option<Self> {
        let counted = || rule.counter_entries(entries);
        let found = FoundRule::new(rule, period)?;
        let key = CounterKey::of_limit(found.limit, &rule.domain, counted());
        Some(Self { key, rule: Some(found), entries: Some(write_entries(counted())) })
    }

    fn unit(&self) -> Option<String> {
        self.key.period().map(|period| period.to_string())
    }

    /// What there is to tell of it: the rule that the question led to, and else the one that the key leads to.
    pub(super) fn found(self, stored: StoredCounter, snapshot: Option<&Snapshot>) -> Option<FoundCounter> {
        let mut found = FoundCounter::new(stored, snapshot, &mut HashedValues::default())?;
        if let Some(rule) = self.rule {
            found.rules = vec![rule];
        }
        if let Some(entries) = self.entries {
            found.entries = entries;
        }
        Some(found)
    }
}

/// The length of the windows of a rule that has one limit.
fn only_period(limits: &Limits) -> Option<Period> {
    limits.further().is_empty().then_some(limits.first().limit.period)
}

/// Whether a rule has several limits, and one of them for windows of this length.
fn has_several(rule: &Rule, period: Period) -> bool {
    rule.limits().is_some_and(|limits| !limits.further().is_empty() && limits.of_period(period).is_some())
}

fn in_place(path: &str, location: &Location) -> String {
    format!("{path} ({location})")
}

fn of_domain(domain: Option<&str>) -> String {
    domain.map_or_else(String::new, |domain| format!(" in the domain `{domain}`"))
}
