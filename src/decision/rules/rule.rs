//! One compiled rule: what applies to the requests that it matches, and what it is called.

use std::sync::Arc;

use crate::decision::algorithm::Algorithm;
use crate::decision::hit::OnStoreFailure;
use crate::decision::key::name::Part;
use crate::decision::metadata::Mapping;
use crate::decision::request::Entry;
use crate::decision::rules::limits::Limits;
use crate::decision::rules::spec::Location;

/// A rule's place among the rules of one [`RuleSet`](super::RuleSet).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RuleId(u32);

impl RuleId {
    pub(super) fn new(index: u32) -> Self {
        Self(index)
    }

    /// The index into [`RuleSet::rules`](super::RuleSet::rules).
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A descriptor that only leads further: its place among those of one [`RuleSet`](super::RuleSet).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Passage(pub(super) u32);

/// What applies to the requests that a rule matches.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Which one it is.
    pub id: RuleId,
    /// The domain that it belongs to.
    pub domain: Arc<str>,
    /// Its keys and values from the first level down, as `key=value,key`: the rule's identity in metrics and logs. Where a key or
    /// value has `%`, `,`, `=` or control characters itself, their bytes stand there as `%2C`, so that no two rules of a domain
    /// share a path.
    pub path: Box<str>,
    /// Where it stands.
    pub location: Location,
    /// How many hits pass.
    pub quota: Quota,
    /// The name of a rule that counts nothing; others have the names of their limits.
    pub(super) name_of_uncounted: Option<Box<str>>,
    /// The names of the rules that it replaces where both match one request.
    pub replaces: Box<[Box<str>]>,
    /// Evaluated and counted, but never denies.
    pub shadow_mode: bool,
    /// Denies only together with all other quota-mode descriptors of the request.
    pub quota_mode: bool,
    /// The names of its statistics have the values of requests at every level.
    pub detailed_metric: bool,
    /// What decides while the shared store does not; `None` leaves it to the settings.
    pub on_store_failure: Option<OnStoreFailure>,
    /// Returned in the dynamic metadata of requests that it lets pass.
    pub metadata: Option<Mapping>,
    /// For each level the pattern that stands in the counter's name in place of the value, where values share a counter.
    pub(super) shared: Option<Box<[Option<Box<str>>]>>,
    /// The levels whose values are the request's in the names of its statistics, a bit for each.
    pub(super) named_by_value: u64,
}

/// How many hits a rule lets pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Quota {
    /// All, because the rule has no limit: it lists what is allowed.
    NoLimit,
    /// All, because the rule says `unlimited`; the answer tells so.
    Unlimited,
    /// So many per window, or per each of several windows.
    Limited(Limits),
}

impl Rule {
    /// Its limits, where it has any.
    #[must_use]
    pub fn limits(&self) -> Option<&Limits> {
        match &self.quota {
            Quota::Limited(limits) => Some(limits),
            Quota::NoLimit | Quota::Unlimited => None,
        }
    }

    /// How its first limit is held; those that callers bring along in its place are held likewise.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.limits().map(|limits| limits.first().limit.algorithm).unwrap_or_default()
    }

    /// All its names, each of which another rule may replace it by.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let of_limits = self.limits().into_iter().flat_map(Limits::iter);
        let names = self.name_of_uncounted.iter().chain(of_limits.filter_map(|limit| limit.name.as_ref()));
        names.map(AsRef::as_ref)
    }

    /// What it is called where no single limit is told of: the first of its names.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.names().next()
    }

    /// The entries as the counter's name has them: runtime values, but the pattern in place of those that share a counter.
    pub fn counter_entries<'a>(
        &'a self,
        entries: &'a [Entry<'a>],
    ) -> impl Iterator<Item = Entry<'a>> + Clone + 'a {
        entries.iter().enumerate().map(|(level, entry)| {
            let pattern = self.shared.as_ref().and_then(|shared| shared.get(level)?.as_ref());
            Entry { key: entry.key, value: pattern.map_or(entry.value, |pattern| pattern.as_bytes()) }
        })
    }

    /// Whether values of some level share a counter.
    #[must_use]
    pub fn shares_counters(&self) -> bool {
        self.shared.is_some()
    }

    /// Whether the names of its statistics have the request's value at this level, counted from 0.
    pub(super) fn is_named_by_value(&self, level: usize) -> bool {
        level_bit(level) & self.named_by_value != 0
    }

    /// Whether a counter of this rule can have such values: those of the key, level by level, where a pattern stands in place of the value
    /// if values share a counter.
    pub(super) fn may_count_as<'k>(&self, values: impl Iterator<Item = Part<'k>>) -> bool {
        let Some(shared) = &self.shared else { return true };
        shared.iter().zip(values).all(|(pattern, value)| match pattern {
            Some(pattern) => value.is(pattern.as_bytes()),
            None => true,
        })
    }
}

/// The bit of a level; none of those so deep that no request reaches them.
pub(super) fn level_bit(level: usize) -> u64 {
    u32::try_from(level).ok().and_then(|level| 1_u64.checked_shl(level)).unwrap_or(0)
}
