//! A descriptor's way through the rules, told step by step: where each entry led, what came close, and why that does not apply.
//!
//! For people who ask why; a decision goes by [`RuleSet::find`] alone, and so does every step here. What is told is bounded, however
//! many rules there are.

mod candidates;

#[cfg(test)]
mod tests;

use crate::decision::request::Entry;
use crate::decision::rules::compile::push_step;
use crate::decision::rules::level::{Level, Meaning, Node};
use crate::decision::rules::spec::Location;
use crate::decision::rules::{Rule, RuleSet};

/// Candidates that one step names at the most.
pub const MOST_CANDIDATES: usize = 10;

/// The way of one descriptor.
#[derive(Debug)]
pub struct Walk<'r> {
    /// A step for each entry that was looked at.
    pub steps: Vec<Step<'r>>,
    /// Where it ended.
    pub end: End<'r>,
}

/// Where one entry led.
#[derive(Debug)]
pub struct Step<'r> {
    /// The descriptor of the rules that it led to.
    pub taken: Option<Taken<'r>>,
    /// What came close, the closest first.
    pub candidates: Vec<Candidate<'r>>,
    /// How many more did.
    pub more: usize,
}

/// A descriptor of the rules that an entry led to.
#[derive(Debug, Clone)]
pub struct Taken<'r> {
    /// Which one.
    pub place: Place<'r>,
    /// By what.
    pub by: By,
}

/// What an entry matched by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The key and exactly this value.
    Value,
    /// The key and a pattern.
    Pattern,
    /// The key, whose default this is.
    Key,
}

/// A descriptor of the rules.
#[derive(Debug, Clone)]
pub struct Place<'r> {
    /// Its keys and values from the first level down, as in [`Rule::path`].
    pub path: String,
    /// Where it stands.
    pub location: &'r Location,
}

/// A descriptor of the rules that came close.
#[derive(Debug, Clone)]
pub struct Candidate<'r> {
    /// Which one.
    pub place: Place<'r>,
    /// Why it was not taken.
    pub why: Why,
    /// Whether a slip of the pen may lie between it and the entry.
    pub alike: bool,
    /// The rule that it would have led to, where only the choice at this level stood against it.
    pub leads_to: Option<&'r Rule>,
}

/// Why a descriptor of the rules was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its pattern matches or it is the key's default, but there is one of exactly this value.
    ValueWins,
    /// Its pattern matches, but another that matches stands before it.
    EarlierPatternWins,
    /// It is the key's default, but a pattern matches.
    PatternWins,
    /// It has the same key and another value.
    AnotherValue,
    /// It has the same key and a pattern that does not match.
    AnotherPattern,
    /// It has another key.
    AnotherKey,
    /// It has this key, but stands at another level than this one.
    AnotherLevel,
}

/// Where a way ended.
#[derive(Debug)]
pub enum End<'r> {
    /// At a rule.
    Rule(&'r Rule),
    /// There are no rules of the domain; the name that looks most like it.
    UnknownDomain(Option<&'r str>),
    /// There are no entries.
    NoEntries,
    /// The last step led nowhere.
    NoMatch,
    /// There is no level below the last step's, and so many entries are left.
    TooDeep(usize),
    /// The last step only leads further: what stands below, and how much more.
    TooShallow(Vec<Place<'r>>, usize),
}

impl RuleSet {
    /// The way of a descriptor with these entries. It ends at the rule that [`RuleSet::find`] finds.
    #[must_use]
    pub fn walk(&self, domain: &str, entries: &[Entry<'_>]) -> Walk<'_> {
        let Some(top) = self.domains.get(domain) else {
            let domains: Vec<&str> = self.domains().collect();
            let end = End::UnknownDomain(candidates::most_alike(domain, &domains));
            return Walk { steps: Vec::new(), end };
        };
        let (mut level, mut path, mut steps) = (top, String::new(), Vec::new());
        for (depth, entry) in entries.iter().enumerate() {
            let found = level.find(*entry);
            steps.push(candidates::step(
                self,
                candidates::Ask { top, level, path: &path, found, entries, depth },
            ));
            let Some(node) = found else { return Walk { steps, end: End::NoMatch } };
            push_node(&mut path, node);
            let left = entries.len() - depth - 1;
            match node.next() {
                Some(next) if left > 0 => level = next,
                None if left > 0 => return Walk { steps, end: End::TooDeep(left) },
                below => return Walk { steps, end: self.end(node, below, &path) },
            }
        }
        Walk { steps, end: End::NoEntries }
    }

    fn end<'r>(&'r self, node: &Node, below: Option<&'r Level>, path: &str) -> End<'r> {
        if let Some(id) = node.rule() {
            return End::Rule(&self.rules[id.index()]);
        }
        let below = below.map_or(&[][..], Level::nodes);
        let places = below.iter().take(MOST_CANDIDATES).map(|node| self.place(path, node)).collect();
        End::TooShallow(places, below.len().saturating_sub(MOST_CANDIDATES))
    }

    /// A node below the one with this path.
    fn place(&self, above: &str, node: &Node) -> Place<'_> {
        let mut path = above.to_owned();
        push_node(&mut path, node);
        let location = match node.meaning() {
            Meaning::Rule(id) => &self.rules[id.index()].location,
            Meaning::Passage(passage) => &self.passages[passage.0 as usize],
        };
        Place { path, location }
    }
}

impl<'r> Walk<'r> {
    /// The rule that it ends at.
    #[must_use]
    pub fn rule(&self) -> Option<&'r Rule> {
        match self.end {
            End::Rule(rule) => Some(rule),
            _ => None,
        }
    }
}

fn push_node(path: &mut String, node: &Node) {
    let (key, value) = (String::from_utf8_lossy(node.key()), String::from_utf8_lossy(node.value()));
    push_step(path, &key, (!value.is_empty()).then_some(&*value));
}
