//! The limits of one rule: one, most of the time, or several that must all pass.

use std::iter;

use crate::decision::algorithm::Algorithm;
use crate::decision::cost::Cost;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::rules::spec::LimitSpec;

/// Limits that one rule may have. Each is a counter for every request that the rule decides.
pub const MOST_LIMITS: usize = 8;

/// At least one limit; no two are for windows of the same length and of the same algorithm, and so each has a counter of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    first: RuleLimit,
    /// Empty for almost every rule, and then no memory of its own.
    further: Box<[RuleLimit]>,
}

/// One limit of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleLimit {
    /// So many hits in each window.
    pub limit: Limit,
    /// What counts for the hits that a request carries.
    pub cost: Cost,
    /// Its name, returned in answers that tell of it.
    pub name: Option<Box<str>>,
}

impl Limits {
    /// One limit, and those that must pass beside it.
    #[must_use]
    pub fn new(first: RuleLimit, further: Vec<RuleLimit>) -> Self {
        Self { first, further: further.into() }
    }

    /// The first one, which is the only one of most rules.
    #[must_use]
    pub fn first(&self) -> &RuleLimit {
        &self.first
    }

    /// All beside the first.
    #[must_use]
    pub fn further(&self) -> &[RuleLimit] {
        &self.further
    }

    /// All of them, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &RuleLimit> + Clone {
        iter::once(&self.first).chain(&self.further)
    }

    /// The one with this number, from 0.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<&RuleLimit> {
        number.checked_sub(1).map_or(Some(&self.first), |further| self.further.get(further))
    }

    /// The one that is held so, in windows of this length: no rule has two of them.
    #[must_use]
    pub fn of_kind(&self, algorithm: Algorithm, period: Period) -> Option<&RuleLimit> {
        self.iter().find(|one| (one.limit.algorithm, one.limit.period) == (algorithm, period))
    }
}

impl RuleLimit {
    /// This limit, with the name and the cost that the file says.
    #[must_use]
    pub(super) fn new(limit: Limit, spec: &LimitSpec) -> Self {
        Self { limit, cost: spec.cost, name: spec.name.as_deref().map(Into::into) }
    }
}
