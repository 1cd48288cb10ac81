//! The rules of all domains: what a rule file says ([`spec`]) and the compiled form that requests are matched on.

pub mod spec;

pub mod named;
pub mod statistic_name;
pub mod unreachable;
pub mod walk;

mod compile;
mod level;
mod limits;
mod pattern;
mod pattern_index;
mod rule;

#[cfg(test)]
mod naive;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use ahash::RandomState;

use crate::decision::request::Entry;
use crate::decision::rules::level::{Level, Node};
use crate::decision::rules::spec::Location;

pub use compile::CompileError;
pub use limits::{Limits, MOST_LIMITS, RuleLimit};
pub use rule::{Quota, Rule, RuleId};

/// All rules in force, compiled: finding one takes a hash per entry, however many rules stand at a level, and
/// allocates nothing.
#[derive(Debug, Default)]
pub struct RuleSet {
    domains: HashMap<Box<str>, Level, RandomState>,
    rules: Vec<Rule>,
    /// Where the descriptors stand that only lead further.
    passages: Vec<Location>,
}

impl RuleSet {
    /// The rule that decides a descriptor with these entries: at each level the first of the exact key and value, the
    /// first pattern in file order that matches, and the key's default rule; without going back where a later level
    /// has no match, and only where the rule stands at exactly the last entry's depth.
    #[must_use]
    pub fn find(&self, domain: &str, entries: &[Entry<'_>]) -> Option<&Rule> {
        let mut level = self.domains.get(domain);
        let mut node: Option<&Node> = None;
        for entry in entries {
            let found = level?.find(*entry)?;
            level = found.next();
            node = Some(found);
        }
        node?.rule().map(|id| &self.rules[id.index()])
    }

    /// Whether there are rules of this domain.
    #[must_use]
    pub fn has_domain(&self, domain: &str) -> bool {
        self.domains.contains_key(domain)
    }

    /// The names of the domains, in no order.
    pub fn domains(&self) -> impl Iterator<Item = &str> {
        self.domains.keys().map(AsRef::as_ref)
    }

    /// Every rule, in file order; a rule's id is its index.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }
}
