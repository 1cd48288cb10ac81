//! Which counters an operator means.

use crate::decision::algorithm::Algorithm;
use crate::decision::key::CounterKey;
use crate::decision::key::kind::Kind;
use crate::decision::key::name::{CounterName, EntriesFault, OwnedEntry, read_entries, write_entries};
use crate::decision::key::pattern::KeyPattern;
use crate::decision::limit::Limit;
use crate::decision::limit_share::LimitShare;
use crate::decision::period::Period;
use crate::decision::request::Entry;
use crate::decision::rules::named::HashedValues;
use crate::decision::rules::spec::Location;
use crate::decision::rules::{Limits, Rule};
use crate::service::counters::found::{FoundCounter, FoundRule};
use crate::service::limiter::NoRules;
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
    /// Whose limit is held so.
    pub algorithm: Option<Algorithm>,
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
        /// How its limit is held, where the unit does not say which one is meant.
        algorithm: Option<Algorithm>,
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
    #[error("{}", NoRules)]
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
        "the rule {rule} has several limits, each with a counter of its own; name the unit of one{and_algorithm}: {units}"
    )]
    SeveralLimits {
        /// Its path and place.
        rule: String,
        /// The units of its limits.
        units: String,
        /// What to name beside the unit, where two limits have the same.
        and_algorithm: &'static str,
    },
    /// A request like this is counted by other algorithms.
    #[error("the rule {rule} has no limit that is held by {algorithm}; it has: {units}")]
    OtherAlgorithms {
        /// Its path and place.
        rule: String,
        /// The algorithm that was named.
        algorithm: &'static str,
        /// The units and algorithms of its limits.
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
    /// What the keys look like.
    pub(super) fn pattern(&self, snapshot: Option<&Snapshot>) -> Result<KeyPattern, CounterFault> {
        let Some(path) = &self.rule else {
            let pattern = KeyPattern::new(None, self.domain.as_deref(), &self.prefix);
            return Ok(pattern.held_by(self.algorithm));
        };
        let rules = snapshot.ok_or(CounterFault::NoRules)?.rules.rules().iter();
        let is_meant = |rule: &&Rule| {
            *rule.path == **path && self.domain.as_deref().is_none_or(|domain| domain == &*rule.domain)
        };
        let limits: Vec<(&Rule, &Limits)> =
            rules.filter(is_meant).filter_map(|rule| Some((rule, rule.limits()?))).collect();
        let (limit, domain) = match limits.as_slice() {
            [] => return Err(CounterFault::NoSuchRule(path.clone(), self.domain.clone())),
            [(rule, limits)] => (only_limit(limits), Some(&*rule.domain)),
            _ => (None, self.domain.as_deref()),
        };
        let pattern = KeyPattern::new(limit.map(|limit| limit.period), domain, &self.prefix);
        Ok(pattern.held_by(self.algorithm.or(limit.map(|limit| limit.algorithm))))
    }

    /// Whether a counter is meant, as far as its key has not told: its rule must be certain.
    pub(super) fn means(&self, counter: &FoundCounter) -> bool {
        self.rule.is_none() || counter.rule().is_some_and(|rule| Some(&*rule.path) == self.rule.as_deref())
    }
}

impl Which {
    /// The counter that this names.
    pub(super) fn find(&self, snapshot: Option<&Snapshot>, share: LimitShare) -> Result<Asked, CounterFault> {
        let mut found = self.find_all(snapshot, share)?;
        match found.len() {
            0 | 1 => found.pop().ok_or(CounterFault::NoKey),
            _ => Err(several_limits(&found)),
        }
    }

    /// The counters that this names: several where a rule has several limits, and no unit says which.
    pub(super) fn find_all(
        &self,
        snapshot: Option<&Snapshot>,
        share: LimitShare,
    ) -> Result<Vec<Asked>, CounterFault> {
        match self {
            Which::OfKey(key) => {
                CounterName::read(key.as_bytes()).ok_or(CounterFault::NoKey)?;
                let key = CounterKey::from_stored(key.as_bytes()).ok_or(CounterFault::NoKey)?;
                Ok(vec![Asked { key, rule: None, entries: None }])
            }
            Which::OfEntries { domain, entries, period, algorithm } => {
                let entries = read_entries(entries)?;
                let entries: Vec<Entry<'_>> = entries.iter().map(OwnedEntry::as_entry).collect();
                let snapshot = snapshot.ok_or(CounterFault::NoRules)?;
                if !snapshot.rules.has_domain(domain) {
                    return Err(CounterFault::NoSuchDomain(domain.clone()));
                }
                let rule = snapshot.rules.find(domain, &entries);
                match (rule, period) {
                    (Some(rule), None) => Asked::of_rule(rule, *algorithm, &entries, share),
                    (None, None) => Err(CounterFault::NoRule {
                        domain: domain.clone(),
                        entries: write_entries(entries.iter().copied()),
                    }),
                    (rule, Some(period)) => {
                        let several = rule.filter(|rule| has_several(rule)).into_iter();
                        let found: Vec<Asked> = several
                            .flat_map(|rule| {
                                Asked::of_limits(rule, Some(*period), *algorithm, &entries, share)
                            })
                            .collect();
                        if !found.is_empty() {
                            return Ok(found);
                        }
                        // As a request with a limit of its own is counted.
                        let own = algorithm.unwrap_or_else(|| rule.map(Rule::algorithm).unwrap_or_default());
                        let limit = Limit::new(0, *period).held_by(own);
                        Ok(vec![Asked {
                            key: CounterKey::of_limit(limit, domain, entries.iter().copied()),
                            rule: None,
                            entries: Some(write_entries(entries.iter().copied())),
                        }])
                    }
                }
            }
        }
    }
}

impl Asked {
    fn of_rule(
        rule: &Rule,
        algorithm: Option<Algorithm>,
        entries: &[Entry<'_>],
        share: LimitShare,
    ) -> Result<Vec<Self>, CounterFault> {
        let Some(limits) = rule.limits() else {
            return Err(CounterFault::NoLimit(in_place(&rule.path, &rule.location)));
        };
        let found = Self::of_limits(rule, None, algorithm, entries, share);
        match algorithm {
            Some(algorithm) if found.is_empty() => Err(CounterFault::OtherAlgorithms {
                rule: in_place(&rule.path, &rule.location),
                algorithm: algorithm.name(),
                units: limits
                    .iter()
                    .map(|one| kind(one.limit.algorithm, one.limit.period))
                    .collect::<Vec<_>>()
                    .join(", "),
            }),
            _ => Ok(found),
        }
    }

    /// The counters of the rule's limits: those for windows of this length and of this algorithm, where they are given.
    fn of_limits(
        rule: &Rule,
        period: Option<Period>,
        algorithm: Option<Algorithm>,
        entries: &[Entry<'_>],
        share: LimitShare,
    ) -> Vec<Self> {
        let counted = || rule.counter_entries(entries);
        let limits = rule.limits().into_iter().flat_map(Limits::iter).map(|one| one.limit);
        let meant = limits.filter(|limit| {
            period.is_none_or(|period| period == limit.period)
                && algorithm.is_none_or(|algorithm| algorithm == limit.algorithm)
        });
        let asked = |limit: Limit| {
            let limit = share.of(limit);
            let found = FoundRule::new(rule, Kind::of(limit), share)?;
            let key = CounterKey::of_limit(limit, &rule.domain, counted());
            Some(Self { key, rule: Some(found), entries: Some(write_entries(counted())) })
        };
        meant.filter_map(asked).collect()
    }

    /// What there is to tell of it: the rule that the question led to, and else the one that the key leads to.
    pub(super) fn found(
        self,
        stored: StoredCounter,
        snapshot: Option<&Snapshot>,
        share: LimitShare,
    ) -> Option<FoundCounter> {
        let mut found = FoundCounter::new(stored, self.rule, snapshot, share, &mut HashedValues::default())?;
        if let Some(entries) = self.entries {
            found.entries = entries;
        }
        Some(found)
    }
}

/// What to say of several counters where one is to be named.
fn several_limits(found: &[Asked]) -> CounterFault {
    let kinds: Vec<Kind> = found.iter().filter_map(|one| one.key.kind()).collect();
    let is_shared = |period: Period| kinds.iter().filter(|other| other.period == period).count() > 1;
    let unit = |&Kind { algorithm, period, .. }: &Kind| match is_shared(period) {
        true => kind(algorithm, period),
        false => period.to_string(),
    };
    let units: Vec<String> = kinds.iter().map(unit).collect();
    let any_shared = kinds.iter().any(|kind| is_shared(kind.period));
    let rule = found.iter().find_map(|one| one.rule.as_ref());
    CounterFault::SeveralLimits {
        rule: rule.map(|rule| in_place(&rule.path, &rule.location)).unwrap_or_default(),
        units: units.join(", "),
        and_algorithm: if any_shared { " and the algorithm" } else { "" },
    }
}

fn kind(algorithm: Algorithm, period: Period) -> String {
    format!("{period} ({})", algorithm.name())
}

/// The limit of a rule that has one.
fn only_limit(limits: &Limits) -> Option<Limit> {
    limits.further().is_empty().then_some(limits.first().limit)
}

fn has_several(rule: &Rule) -> bool {
    rule.limits().is_some_and(|limits| !limits.further().is_empty())
}

fn in_place(path: &str, location: &Location) -> String {
    format!("{path} ({location})")
}

fn of_domain(domain: Option<&str>) -> String {
    domain.map_or_else(String::new, |domain| format!(" in the domain `{domain}`"))
}
