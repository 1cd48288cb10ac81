//! One level of a domain's rules: which node an entry leads to.

use std::collections::HashMap;

use ahash::RandomState;
use hashbrown::HashTable;

use crate::decision::request::Entry;
use crate::decision::rules::pattern::Pattern;
use crate::decision::rules::pattern_index::PatternIndex;
use crate::decision::rules::rule::{Passage, RuleId};

/// The nodes of one level. An exact key and value take one hash; only where there is none, a second one asks for the key's
/// patterns and its default.
#[derive(Debug, Default)]
pub(super) struct Level {
    nodes: Vec<Node>,
    exact: HashTable<NodeId>,
    inexact: HashMap<Box<[u8]>, Inexact, RandomState>,
    hasher: RandomState,
}

/// A node's place in its level.
pub(super) type NodeId = u32;

/// Where a matched entry leads.
#[derive(Debug)]
pub(super) struct Node {
    key: Box<[u8]>,
    value: Box<[u8]>,
    meaning: Meaning,
    next: Option<Box<Level>>,
}

/// What a descriptor of a rule file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A rule.
    Rule(RuleId),
    /// A step on the way to others, and no rule itself.
    Passage(Passage),
}

/// What a key has beside exact values.
#[derive(Debug, Default)]
struct Inexact {
    patterns: PatternIndex<NodeId>,
    default: Option<NodeId>,
}

/// Two siblings have the same key and value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Duplicate;

impl Level {
    /// No node yet, and room for so many, of which so many have a value.
    pub(super) fn with_capacity(nodes: usize, with_value: usize) -> Self {
        let (nodes, exact) = (Vec::with_capacity(nodes), HashTable::with_capacity(with_value));
        Self { nodes, exact, ..Self::default() }
    }

    /// The node that an entry leads to.
    pub(super) fn find(&self, entry: Entry<'_>) -> Option<&Node> {
        let id = self.find_exact(entry.key, entry.value).or_else(|| {
            let inexact = self.inexact.get(entry.key)?;
            inexact.patterns.find(entry.value).or(inexact.default)
        })?;
        self.nodes.get(id as usize)
    }

    /// Every node, in file order.
    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The nodes that values of this key lead to of which nobody knows what they are: of its patterns, and its default.
    pub(super) fn inexact(&self, key: &[u8]) -> impl Iterator<Item = &Node> {
        let inexact = self.inexact.get(key).into_iter();
        let ids = inexact.flat_map(|inexact| inexact.patterns.targets().chain(inexact.default));
        ids.filter_map(|id| self.nodes.get(id as usize))
    }

    /// Adds a node behind its siblings; `None` as the value makes it the key's default.
    pub(super) fn push(
        &mut self,
        key: &str,
        value: Option<&str>,
        meaning: Meaning,
        next: Option<Level>,
    ) -> Result<(), Duplicate> {
        let id = NodeId::try_from(self.nodes.len()).expect("a rule file holds fewer than 2^32 descriptors");
        match value {
            None => {
                let default = &mut self.inexact.entry(key.as_bytes().into()).or_default().default;
                if default.replace(id).is_some() {
                    return Err(Duplicate);
                }
            }
            Some(value) if self.find_exact(key.as_bytes(), value.as_bytes()).is_some() => {
                return Err(Duplicate);
            }
            Some(value) => {
                if let Some(pattern) = Pattern::parse(value) {
                    self.inexact.entry(key.as_bytes().into()).or_default().patterns.push(pattern, id);
                }
            }
        }
        let value: Box<[u8]> = value.unwrap_or_default().as_bytes().into();
        let is_default = value.is_empty();
        self.nodes.push(Node { key: key.as_bytes().into(), value, meaning, next: next.map(Box::new) });
        if !is_default {
            self.index_exact(id);
        }
        Ok(())
    }

    fn find_exact(&self, key: &[u8], value: &[u8]) -> Option<NodeId> {
        let same = |id: &NodeId| {
            let node = &self.nodes[*id as usize];
            *node.key == *key && *node.value == *value
        };
        self.exact.find(self.hasher.hash_one((key, value)), same).copied()
    }

    /// A pattern's own text counts as an exact value too.
    fn index_exact(&mut self, id: NodeId) {
        let Self { nodes, exact, hasher, .. } = self;
        let hash_of = |id: &NodeId| {
            let node = &nodes[*id as usize];
            hasher.hash_one((&*node.key, &*node.value))
        };
        exact.insert_unique(hash_of(&id), id, hash_of);
    }
}

impl Node {
    /// Its key.
    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    /// Its value; empty where it is its key's default.
    pub(super) fn value(&self) -> &[u8] {
        &self.value
    }

    /// What applies to a descriptor that ends here.
    pub(super) fn rule(&self) -> Option<RuleId> {
        match self.meaning {
            Meaning::Rule(rule) => Some(rule),
            Meaning::Passage(_) => None,
        }
    }

    /// What it is.
    pub(super) fn meaning(&self) -> Meaning {
        self.meaning
    }

    /// The level below.
    pub(super) fn next(&self) -> Option<&Level> {
        self.next.as_deref()
    }
}
