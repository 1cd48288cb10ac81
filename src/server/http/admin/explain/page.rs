//! An explanation as it is written: JSON by serde, text by [`ExplainPage::text`].
//!
//! `ratekeeper explain` writes the same, from files instead of the rules in force. What end users may have chosen stands as printable ASCII
//! with `%XX` for anything else.

use std::num::NonZeroU32;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::hint;
use crate::decision::cost::Cost;
use crate::decision::explain::{Counted, Explained, Fate, Hashed};
use crate::decision::key::name::{shown, write_entries};
use crate::decision::period::Period;
use crate::decision::plan::Modes;
use crate::decision::request::{Descriptor, Entry, Request};
use crate::decision::rules::walk::{By, Candidate, Place, Step, Why};
use crate::decision::rules::{Rule, RuleSet};

/// Where counters are, and by which names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Places {
    /// In the process's own memory, under their keys.
    Local,
    /// In Redis, under this prefix and their keys; those per second under the second one, if they have a store of their own.
    Redis(Arc<str>, Option<Arc<str>>),
}

/// What a request would meet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainPage {
    /// The domain.
    pub domain: String,
    /// One for each descriptor, in order.
    pub descriptors: Vec<DescriptorPage>,
    /// Settings that change what a rule says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What a descriptor would meet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DescriptorPage {
    /// Its entries.
    pub entries: String,
    /// `counted`, `no_limit`, `unlimited`, `replaced`, `no_rule`.
    pub outcome: String,
    /// The rule that decides.
    pub rule: Option<RulePage>,
    /// The rule that replaces it, as another descriptor of the request meets that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<RulePage>,
    /// The counter that would be used: that of the rule's first limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<CounterPage>,
    /// Those of its further limits, all of which have to pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further_counters: Vec<CounterPage>,
    /// Why no rule applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What to write where one should.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Where each entry led.
    pub steps: Vec<StepPage>,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulePage {
    /// Its keys and values, as in metrics.
    pub path: String,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its file, line and column.
    pub location: String,
}

/// A counter, and how it is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterPage {
    /// Its key.
    pub key: String,
    /// The same with the store's prefix, as Redis has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis_key: Option<String>,
    /// What of it is a hash, because it is too long to stand there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hashed: Option<String>,
    /// The name of its limit, where the rule has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether all values that match a pattern share it.
    pub shared: bool,
    /// How its limit is held.
    pub algorithm: String,
    /// Hits that pass in a window.
    pub limit: u32,
    /// Hits that a bucket holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
    /// Whether hits that do not fit are taken all the same, though they are denied.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overdraft: bool,
    /// The rule's own limit, where this deployment gives out a part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole_limit: Option<u32>,
    /// The window.
    pub unit: String,
    /// What counts for each hit that a request carries, where that is not one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hits_multiplier: Option<u32>,
    /// The most hits that count for one request, where the rule says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_hits: Option<u32>,
    /// Whether it never denies.
    pub shadow_mode: bool,
    /// Whether it denies only together with all other quota-mode descriptors.
    pub quota_mode: bool,
    /// What decides while its store is away.
    pub on_store_failure: String,
    /// What is counted at present, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<NowPage>,
}

/// What a counter has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum NowPage {
    /// It was read.
    Read {
        /// Hits that it holds now.
        count: u64,
        /// Hits that are left.
        remaining: u32,
        /// Seconds until the window ends, or until nothing is held any more; `null` where that is not known.
        reset_seconds: Option<u64>,
        /// Seconds until a request of one hit passes, where none would now; else `null`.
        #[serde(default)]
        next_seconds: Option<u64>,
    },
    /// It was not.
    Unread {
        /// Why.
        not_read: String,
    },
}

/// Where an entry led.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepPage {
    /// The entry.
    pub entry: String,
    /// The descriptor of the rules that it led to; `null` where nothing matches.
    pub taken: Option<TakenPage>,
    /// What came close.
    pub candidates: Vec<CandidatePage>,
    /// How many more did.
    pub more_candidates: usize,
}

/// What was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenPage {
    /// Its path.
    pub path: String,
    /// Where it stands.
    pub location: String,
    /// `value`, `pattern` or `key`.
    pub by: String,
}

/// What came close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidatePage {
    /// Its path.
    pub path: String,
    /// Where it stands.
    pub location: String,
    /// Why it was not taken.
    pub why: String,
    /// The rule that it would have led to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leads_to: Option<String>,
}

impl ExplainPage {
    /// Explains a request.
    #[must_use]
    pub fn new(request: &Request<'_>, rules: &RuleSet, modes: Modes, places: &Places) -> Self {
        let explained = crate::decision::explain::explain(request, rules, modes);
        let pages = explained.iter().zip(&request.descriptors);
        let notes = [
            modes.shadow_mode.then_some("shadow_mode is on: no request is denied, whatever the rules say"),
            modes.quota_mode.then_some("quota_mode is on: every descriptor is in quota mode"),
        ];
        Self {
            domain: request.domain.to_owned(),
            descriptors: pages.map(|(one, asked)| page(request.domain, asked, one, places)).collect(),
            notes: notes.into_iter().flatten().map(str::to_owned).collect(),
        }
    }

    /// Whether a rule decides each descriptor.
    #[must_use]
    pub fn has_rules(&self) -> bool {
        self.descriptors.iter().all(|descriptor| descriptor.rule.is_some())
    }
}

fn page(domain: &str, asked: &Descriptor<'_>, one: &Explained<'_>, places: &Places) -> DescriptorPage {
    let (outcome, replaced_by) = match &one.fate {
        Fate::NoRule => ("no_rule", None),
        Fate::NoLimit => ("no_limit", None),
        Fate::Unlimited => ("unlimited", None),
        Fate::Replaced(by) => ("replaced", Some(RulePage::of(by))),
        Fate::Counted(_) => ("counted", None),
    };
    let counted = match &one.fate {
        Fate::Counted(counted) => counted.as_slice(),
        _ => &[],
    };
    let page = |one: &Counted| {
        let name = one.name.as_deref().filter(|_| counted.len() > 1).map(str::to_owned);
        CounterPage { name, ..CounterPage::new(one, places, asked) }
    };
    let mut counters = counted.iter().map(page);
    let hint = hint::of(domain, &asked.entries, &one.walk);
    let steps = one.walk.steps.iter().zip(&asked.entries);
    DescriptorPage {
        entries: write_entries(asked.entries.iter().copied()),
        outcome: outcome.into(),
        rule: one.walk.rule().map(RulePage::of),
        replaced_by,
        counter: counters.next(),
        further_counters: counters.collect(),
        why: hint.as_ref().map(|hint| hint.why.clone()),
        help: hint.map(|hint| hint.help),
        steps: steps.map(|(step, entry)| StepPage::new(step, *entry)).collect(),
    }
}

impl DescriptorPage {
    /// All counters that would be used.
    pub(super) fn counters_mut(&mut self) -> impl Iterator<Item = &mut CounterPage> {
        self.counter.iter_mut().chain(&mut self.further_counters)
    }
}

impl RulePage {
    fn of(rule: &Rule) -> Self {
        let name = rule.name().map(str::to_owned);
        Self { path: rule.path.to_string(), name, location: rule.location.to_string() }
    }
}

impl CounterPage {
    fn new(counted: &Counted, places: &Places, asked: &Descriptor<'_>) -> Self {
        let key = format!("{:?}", counted.key);
        let prefix = match places {
            Places::Local => None,
            Places::Redis(_, Some(per_second)) if counted.limit.period == Period::SECOND => Some(per_second),
            Places::Redis(prefix, _) => Some(prefix),
        };
        Self {
            redis_key: prefix.map(|prefix| format!("{prefix}{key}")),
            key,
            hashed: hashed(&counted.hashed, &asked.entries),
            name: None,
            shared: counted.shared,
            algorithm: counted.limit.algorithm.name().into(),
            limit: counted.limit.requests_per_unit,
            burst: Some(counted.limit.burst).filter(|_| counted.limit.algorithm.is_bucket()),
            overdraft: counted.limit.overdraft,
            whole_limit: Some(counted.whole.requests_per_unit)
                .filter(|whole| *whole != counted.limit.requests_per_unit),
            unit: counted.limit.period.to_string(),
            hits_multiplier: unless_plain(counted.cost.multiplier, Cost::PLAIN.multiplier),
            max_hits: unless_plain(counted.cost.most, Cost::PLAIN.most),
            shadow_mode: counted.role.shadow,
            quota_mode: counted.role.quota,
            on_store_failure: counted.on_store_failure.name().into(),
            now: None,
        }
    }
}

fn unless_plain(number: NonZeroU32, plain: NonZeroU32) -> Option<u32> {
    (number != plain).then_some(number.get())
}

fn hashed(hashed: &Hashed, entries: &[Entry<'_>]) -> Option<String> {
    if hashed.is_nothing() {
        return None;
    }
    let keys = hashed.entries.iter().filter_map(|index| entries.get(*index));
    let keys = keys.map(|entry| format!("the entry `{}`", hint::short(&shown(entry.key))));
    let domain = hashed.domain.then(|| "the domain".to_owned());
    let all = hashed.all_entries.then(|| "all entries together".to_owned());
    let what: Vec<String> = domain.into_iter().chain(all).chain(keys).collect();
    Some(format!("too long for a key, so # and a SHA-256 stand there: {}", what.join(", ")))
}

impl StepPage {
    fn new(step: &Step<'_>, entry: Entry<'_>) -> Self {
        let taken = step.taken.as_ref().map(|taken| {
            let (path, location) = named(&taken.place);
            let by = match taken.by {
                By::Value => "value",
                By::Pattern => "pattern",
                By::Key => "key",
            };
            TakenPage { path, location, by: by.into() }
        });
        Self {
            entry: write_entries(std::iter::once(entry)),
            taken,
            candidates: step.candidates.iter().map(CandidatePage::new).collect(),
            more_candidates: step.more,
        }
    }
}

impl CandidatePage {
    fn new(candidate: &Candidate<'_>) -> Self {
        let (path, location) = named(&candidate.place);
        let leads_to = candidate.leads_to.map(|rule| rule.path.to_string());
        Self { path, location, why: why(candidate.why).into(), leads_to }
    }
}

fn named(place: &Place<'_>) -> (String, String) {
    (place.path.clone(), place.location.to_string())
}

fn why(why: Why) -> &'static str {
    match why {
        Why::ValueWins => "matches, but one with exactly this value goes first",
        Why::EarlierPatternWins => "matches, but another pattern stands before it",
        Why::PatternWins => "is the key's default, but a pattern matches",
        Why::AnotherValue => "has this key and another value",
        Why::AnotherPattern => "has this key and a pattern that does not match",
        Why::AnotherKey => "has another key",
        Why::AnotherLevel => "has this key, but stands at another level",
    }
}
