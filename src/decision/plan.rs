//! What is to be counted for one request: each descriptor matched, each limited one turned into a hit.

use std::collections::HashSet;

use smallvec::SmallVec;

use crate::decision::cost::Cost;
use crate::decision::hit::{Batch, DeniedRequests, Hit, Leniency, OnStoreFailure, Role};
use crate::decision::key::CounterKey;
use crate::decision::limit::Limit;
use crate::decision::limit_share::LimitShare;
use crate::decision::request::{Descriptor, Request};
use crate::decision::rules::{Limits, Quota, Rule, RuleLimit, RuleSet};

/// How the whole service decides, beside its rules.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Modes {
    /// Nothing is ever denied; statuses still tell the truth.
    pub shadow_mode: bool,
    /// Every descriptor is in quota mode, those without a rule too.
    pub quota_mode: bool,
    /// Whether denied requests count.
    pub denied_requests: DeniedRequests,
    /// What decides where a counter's store does not answer and its rule does not say.
    pub on_store_failure: OnStoreFailure,
    /// The part of every limit that is given out here; those that callers bring along are no exception.
    pub limit_share: LimitShare,
    /// The share of a limit above which a passed hit is near it, from 0 to 1.
    pub near_limit_ratio: f32,
}

/// One request, matched: what each descriptor met, and the hits that a store has to count.
#[derive(Debug)]
pub struct Plan<'r> {
    pub(super) matches: SmallVec<[Match<'r>; 2]>,
    hits: SmallVec<[Hit; 2]>,
    leniency: Leniency,
    pub(super) modes: Modes,
}

/// What a descriptor met.
#[derive(Debug, Clone, Copy)]
pub(super) enum Match<'r> {
    /// No rule.
    Nothing,
    /// A rule that has no limit, says `unlimited`, or that another one replaces.
    Uncounted(&'r Rule, Uncounted),
    /// A rule's limits, and a hit for each of them.
    Limited(&'r Rule, &'r Limits),
    /// A limit that the caller brought along.
    Brought(Limit),
}

/// Why a rule counts nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Uncounted {
    NoLimit,
    Unlimited,
    Replaced,
}

impl<'r> Plan<'r> {
    /// Matches every descriptor of the request.
    #[must_use]
    pub fn new(request: &Request<'_>, rules: &'r RuleSet, modes: Modes) -> Self {
        let known = rules.has_domain(request.domain);
        let find = |descriptor: &Descriptor<'_>| {
            if !known {
                return Match::Nothing;
            }
            let rule = rules.find(request.domain, &descriptor.entries);
            match descriptor.limit_override {
                Some(limit) => Match::Brought(held_as_in(rule, limit)),
                None => rule.map_or(Match::Nothing, Match::of_rule),
            }
        };
        let mut matches: SmallVec<[Match<'r>; 2]> = request.descriptors.iter().map(find).collect();
        replace(&mut matches);
        let mut hits = SmallVec::new();
        for (found, descriptor) in matches.iter().zip(&request.descriptors) {
            push_hits(&mut hits, found, &Asked { domain: request.domain, descriptor, modes: &modes });
        }
        let leniency = Leniency {
            never_denies: modes.shadow_mode,
            quota_left: modes.quota_mode && matches.iter().any(Match::is_without_rule),
        };
        Self { matches, hits, leniency, modes }
    }

    /// What the store has to count; empty where no limit applies.
    #[must_use]
    pub fn batch(&self) -> Batch<'_> {
        Batch { hits: &self.hits, leniency: self.leniency, denied_requests: self.modes.denied_requests }
    }
}

impl<'r> Match<'r> {
    fn of_rule(rule: &'r Rule) -> Self {
        match &rule.quota {
            Quota::NoLimit => Match::Uncounted(rule, Uncounted::NoLimit),
            Quota::Unlimited => Match::Uncounted(rule, Uncounted::Unlimited),
            Quota::Limited(limits) => Match::Limited(rule, limits),
        }
    }

    pub(super) fn rule(&self) -> Option<&'r Rule> {
        match *self {
            Match::Nothing | Match::Brought(_) => None,
            Match::Uncounted(rule, _) | Match::Limited(rule, _) => Some(rule),
        }
    }

    /// Whether the descriptor ends up like one that no rule matches. Unlimited ones do not: the answer tells of them.
    fn is_without_rule(&self) -> bool {
        match self {
            Match::Nothing => true,
            Match::Uncounted(_, why) => *why != Uncounted::Unlimited,
            Match::Limited(..) | Match::Brought(_) => false,
        }
    }
}

/// A limit that the caller brought along, held as the rule holds its first limit. Nothing else of the rule applies.
fn held_as_in(rule: Option<&Rule>, brought: Limit) -> Limit {
    let limits = rule.and_then(Rule::limits);
    limits.map_or(brought, |limits| brought.held_as(limits.first().limit))
}

/// Takes out every matched rule of which another matched rule of the same request replaces a name: with all its limits.
fn replace(matches: &mut [Match<'_>]) {
    if matches.iter().filter_map(Match::rule).all(|rule| rule.replaces.is_empty()) {
        return;
    }
    let replacing = matches.iter().filter_map(Match::rule).flat_map(|rule| &rule.replaces);
    let replaced: HashSet<Box<str>> = replacing.cloned().collect();
    for found in matches {
        if let Some(rule) = found.rule()
            && rule.names().any(|name| replaced.contains(name))
        {
            *found = Match::Uncounted(rule, Uncounted::Replaced);
        }
    }
}

/// A descriptor and what is asked with it.
struct Asked<'a, 'd> {
    domain: &'a str,
    descriptor: &'a Descriptor<'d>,
    modes: &'a Modes,
}

/// Appends a hit for each limit that applies.
fn push_hits(hits: &mut SmallVec<[Hit; 2]>, found: &Match<'_>, asked: &Asked<'_, '_>) {
    match *found {
        Match::Nothing | Match::Uncounted(..) => {}
        Match::Brought(limit) => {
            let role = Role { quota: asked.modes.quota_mode, ..Role::default() };
            hits.push(asked.hit(None, limit, Cost::PLAIN, role));
        }
        Match::Limited(rule, limits) => {
            let quota = asked.modes.quota_mode || rule.quota_mode;
            let role = Role { shadow: rule.shadow_mode, quota, continues: false };
            let RuleLimit { limit, cost, .. } = limits.first();
            hits.push(asked.hit(Some(rule), *limit, *cost, role));
            for RuleLimit { limit, cost, .. } in limits.further() {
                hits.push(asked.hit(Some(rule), *limit, *cost, Role { continues: true, ..role }));
            }
        }
    }
}

impl Asked<'_, '_> {
    fn hit(&self, rule: Option<&Rule>, limit: Limit, cost: Cost, role: Role) -> Hit {
        let Self { domain, descriptor, modes } = *self;
        let limit = modes.limit_share.of(limit);
        let key = match rule {
            Some(rule) if rule.shares_counters() => {
                CounterKey::of_limit(limit, domain, rule.counter_entries(&descriptor.entries))
            }
            _ => CounterKey::of_limit(limit, domain, descriptor.entries.iter().copied()),
        };
        let on_store_failure = rule.and_then(|rule| rule.on_store_failure).unwrap_or(modes.on_store_failure);
        Hit { key, limit, hits: cost.of(descriptor.hits), role, on_store_failure }
    }
}
