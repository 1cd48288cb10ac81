//! One counter with everything that is known of it.

use std::sync::Arc;

use crate::decision::algorithm::Algorithm;
use crate::decision::cost::Cost;
use crate::decision::key::CounterKey;
use crate::decision::key::kind::Kind;
use crate::decision::key::name::CounterName;
use crate::decision::limit::Limit;
use crate::decision::limit_share::LimitShare;
use crate::decision::period::Period;
use crate::decision::request::Hits;
use crate::decision::rules::named::HashedValues;
use crate::decision::rules::spec::Location;
use crate::decision::rules::{Rule, RuleLimit};
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::decision::token_bucket::TokenBucket;
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
    /// The whole hits that it holds now. Of a bucket whose rule is not certain, so that nobody knows how fast it drains, those that it
    /// held when it was used last.
    pub count: u64,
    /// Why there is no count, where something else is in its place.
    pub foreign: Option<Arc<str>>,
    /// Seconds until it holds nothing any more if nobody comes, and of a fixed window until it ends, by the clock of the store. `None`
    /// of a bucket whose rule is not certain.
    pub reset_seconds: Option<u64>,
    /// Seconds until a request of one hit passes, where none would now. `None` where one would, where none ever will, and where no limit
    /// is known.
    pub next_seconds: Option<u64>,
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
    /// What counts for the hits of a request.
    pub cost: Cost,
    /// Whether it never denies.
    pub shadow_mode: bool,
}

/// What a counter holds, in hits, and when it is forgotten.
struct Level {
    count: u64,
    reset_seconds: Option<u64>,
    next_seconds: Option<u64>,
}

impl FoundCounter {
    /// What is known of a stored counter; nothing where its key is none. A rule that is given is the one that counts.
    pub(super) fn new(
        stored: StoredCounter,
        rule: Option<FoundRule>,
        snapshot: Option<&Snapshot>,
        share: LimitShare,
        hashed: &mut HashedValues,
    ) -> Option<Self> {
        let StoredCounter { key, shard, held, now } = stored;
        let name = CounterName::read(key.as_bytes())?;
        let kind @ Kind { algorithm, period, .. } = name.kind;
        let (domain, entries) = (name.domain.text().into_owned(), name.entries_text());
        let rules: Vec<FoundRule> = match rule {
            Some(rule) => vec![rule],
            None => {
                let rules = snapshot.map(|snapshot| snapshot.rules.of_counter(&name, hashed));
                let found = |rule| FoundRule::new(rule, kind, share);
                rules.unwrap_or_default().into_iter().filter_map(found).collect()
            }
        };
        let known = only(&rules).map(|rule| (rule.limit, rule.cost));
        let anything = known.map_or_else(|| Limit::new(0, period).held_by(algorithm), |known| known.0);
        let (state, foreign) = match held {
            Held::State(state) => (state, None),
            Held::Nothing => (State::begin(anything, now), None),
            Held::Foreign(why) => (State::begin(anything, now), Some(why)),
        };
        let Level { count, reset_seconds, next_seconds } = match (known, state) {
            (None, State::Bucket(bucket)) => Level::as_left(bucket, kind),
            (_, state) => Level::now(state, anything, known.map(|known| known.1), now),
        };
        Some(Self {
            domain,
            entries,
            period,
            algorithm,
            count,
            foreign,
            reset_seconds,
            next_seconds,
            shard,
            rules,
            key,
        })
    }

    /// The rule that counts in it, where that is certain.
    #[must_use]
    pub fn rule(&self) -> Option<&FoundRule> {
        only(&self.rules)
    }

    /// Its limit, where its rule is certain.
    #[must_use]
    pub fn limit(&self) -> Option<Limit> {
        self.rule().map(|rule| rule.limit)
    }

    /// Whether it is a meter that has forgotten every hit, and so is there no more than one that never counted any.
    pub(super) fn has_forgotten(&self) -> bool {
        self.algorithm.is_meter() && self.count == 0 && self.foreign.is_none()
    }
}

impl Level {
    /// What it is at present, and for a request of this cost, where its limit is known.
    fn now(mut state: State, limit: Limit, cost: Option<Cost>, now: Timestamp) -> Self {
        state.advance(limit, now);
        let reset_seconds = Some(seconds_until(state.empty_at(limit, now), now));
        let next_seconds = cost.and_then(|cost| next_seconds(&state, limit, cost, now));
        Self { count: state.used(limit, now), reset_seconds, next_seconds }
    }

    /// What it was when the counter was used last, whatever has drained since.
    fn as_left(bucket: TokenBucket, kind: Kind) -> Self {
        Self { count: bucket.hits(kind.ticks()), reset_seconds: None, next_seconds: None }
    }
}

impl FoundRule {
    /// What there is to tell of a rule that has a limit with counters of this kind, of which this part is given out here.
    pub(super) fn new(rule: &Rule, kind: Kind, share: LimitShare) -> Option<Self> {
        let RuleLimit { limit, cost, name } = rule.limits()?.of_kind(kind.algorithm, kind.period)?;
        let (limit, cost) = (share.of(*limit), *cost);
        let (path, name, location) = (rule.path.clone(), name.clone(), rule.location.clone());
        let found = Self { path, name, location, limit, cost, shadow_mode: rule.shadow_mode };
        (Kind::of(limit) == kind).then_some(found)
    }
}

/// How long a request of one hit has to wait, where it would not pass now.
fn next_seconds(state: &State, limit: Limit, cost: Cost, now: Timestamp) -> Option<u64> {
    let (Hits::Take(hits) | Hits::Refund(hits)) = cost.of(Hits::Take(1));
    let at = match state.window() {
        // A fixed window lets nothing go before it ends.
        Some(window) => {
            let fits = |count: u64| count.saturating_add(u64::from(hits)) <= limit.capacity();
            (!fits(window.count) && fits(0)).then(|| state.empty_at(limit, now))
        }
        None => state.fits_at(limit, u64::from(hits), now),
    };
    at.filter(|at| *at > now).map(|at| seconds_until(at, now))
}

/// Whole seconds, rounded up.
fn seconds_until(then: Timestamp, now: Timestamp) -> u64 {
    then.millis().saturating_sub(now.millis()).div_ceil(1_000)
}

fn only(rules: &[FoundRule]) -> Option<&FoundRule> {
    let [rule] = rules else { return None };
    Some(rule)
}
