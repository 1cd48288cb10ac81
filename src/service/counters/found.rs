//! One counter with everything that is known of it.

use std::sync::Arc;

use crate::decision::algorithm::Algorithm;
use crate::decision::key::CounterKey;
use crate::decision::key::name::CounterName;
use crate::decision::limit::Limit;
use crate::decision::limit_share::LimitShare;
use crate::decision::period::Period;
use crate::decision::rules::named::HashedValues;
use crate::decision::rules::spec::Location;
use crate::decision::rules::{Rule, RuleLimit};
use crate::decision::state::State;
use crate::service::rulebook::Snapshot;
use crate::storage::inspect::{Held, StoredCounter};

/// A counter, and what limits it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCounter {
    /// Its key, without the store's prefix.
    pub key: CounterKey,
    /// Its domain, as it stands in the key.
    pub domain: String,
    /// Its entries as they are shown.
    pub entries: String,
    /// How its limit is held.
    pub algorithm: Algorithm,
    /// Its unit.
    pub period: Period,
    /// The hits that it holds now.
    pub count: u64,
    /// Why there is no count, where something else is in its place.
    pub foreign: Option<Arc<str>>,
    /// Seconds until the window ends, by the clock of the store.
    pub reset_seconds: u64,
    /// The shard that it lives on; `None` in this process's memory.
    pub shard: Option<Arc<str>>,
    /// The rules that may be counting in it: none that is in force, one, or several where a hash in the key leaves that open.
    pub rules: Vec<FoundRule>,
}

/// A rule that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRule {
    /// Its path, as in `/rlconfig` and in metrics.
    pub path: Box<str>,
    /// The limit's name.
    pub name: Option<Box<str>>,
    /// Where it stands.
    pub location: Location,
    /// The limit that the counter is for, or the part of it that is given out here.
    pub limit: Limit,
    /// Whether it never denies.
    pub shadow_mode: bool,
}

impl FoundCounter {
    /// What is known of a stored counter; nothing where its key is none.
    pub(super) fn new(
        stored: StoredCounter,
        snapshot: Option<&Snapshot>,
        hashed: &mut HashedValues,
    ) -> Option<Self> {
        let StoredCounter { key, shard, held, now } = stored;
        let name = CounterName::read(key.as_bytes())?;
        let (period, domain, entries) = (name.period, name.domain.text().into_owned(), name.entries_text());
        let rules = snapshot.map(|snapshot| snapshot.rules.of_counter(&name, hashed)).unwrap_or_default();
        let rules: Vec<FoundRule> =
            rules.into_iter().filter_map(|rule| FoundRule::new(rule, period)).collect();
        let limit = match rules.as_slice() {
            [rule] => rule.limit,
            // Without its rule nobody knows how fast a bucket drains.
            _ => Limit::new(0, period).held_by(name.algorithm),
        };
        let (mut state, foreign) = match held {
            Held::State(state) => (state, None),
            Held::Nothing => (State::begin(limit, now), None),
            Held::Foreign(why) => (State::begin(limit, now), Some(why)),
        };
        state.advance(limit, now);
        let (count, empty) = (state.used(limit, now), state.empty_at(limit, now));
        Some(Self {
            domain,
            entries,
            period,
            algorithm: name.algorithm,
            count,
            foreign,
            reset_seconds: empty.millis().saturating_sub(now.millis()).div_ceil(1_000),
            shard,
            rules,
            key,
        })
    }

    /// The same with the part of its limit that is given out here.
    pub(super) fn with_share(mut self, share: LimitShare) -> Self {
        for rule in &mut self.rules {
            rule.limit = share.of(rule.limit);
        }
        self
    }

    /// The rule that counts in it, where that is certain.
    #[must_use]
    pub fn rule(&self) -> Option<&FoundRule> {
        let [rule] = self.rules.as_slice() else { return None };
        Some(rule)
    }

    /// Its limit, where its rule is certain.
    #[must_use]
    pub fn limit(&self) -> Option<Limit> {
        self.rule().map(|rule| rule.limit)
    }
}

impl FoundRule {
    /// What there is to tell of a rule that has a limit for windows of this length.
    pub(super) fn new(rule: &Rule, period: Period) -> Option<Self> {
        let RuleLimit { limit, name, .. } = rule.limits()?.of_period(period)?;
        let (path, name, location) = (rule.path.clone(), name.clone(), rule.location.clone());
        Some(Self { path, name, location, limit: *limit, shadow_mode: rule.shadow_mode })
    }
}
