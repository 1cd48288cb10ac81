//! What came close at one level, in the order of how close.

use std::collections::HashSet;

use strsim::generic_damerau_levenshtein;

use super::{By, Candidate, MOST_CANDIDATES, Step, Taken, Why, push_node};
use crate::decision::request::Entry;
use crate::decision::rules::level::{Level, Node};
use crate::decision::rules::pattern::Pattern;
use crate::decision::rules::{Rule, RuleSet};

/// How many names are compared with one that looks wrong, and how long they may be: comparing is slow.
const MOST_COMPARED: usize = 1_000;
const LONGEST_COMPARED: usize = 80;

/// How many descriptors of the rules are looked at for a key that stands at another level.
const MOST_SEARCHED: usize = 20_000;

/// How many of those are named.
const MOST_ELSEWHERE: usize = 3;

/// One step of a walk.
#[derive(Clone, Copy)]
pub(super) struct Ask<'r, 'a> {
    /// The domain's first level.
    pub(super) top: &'r Level,
    /// The level that is looked at.
    pub(super) level: &'r Level,
    /// The path of what stands above it.
    pub(super) path: &'a str,
    /// What is taken.
    pub(super) found: Option<&'r Node>,
    /// All entries of the descriptor.
    pub(super) entries: &'a [Entry<'a>],
    /// How many of them came before.
    pub(super) depth: usize,
}

/// How close a node came; less is closer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Matches,
    ValueAlike(usize),
    KeyAlike(usize),
    SameKey,
    OtherKey,
}

/// What a step tells.
pub(super) fn step<'r>(rules: &'r RuleSet, ask: Ask<'r, '_>) -> Step<'r> {
    let entry = ask.entries[ask.depth];
    let taken = ask.found.map(|node| Taken { place: rules.place(ask.path, node), by: by(node, entry) });
    let mut close = close(&ask, entry, taken.as_ref().map(|taken| taken.by));
    // Stable: within a rank the order of the file stays.
    close.sort_by_key(|(rank, ..)| *rank);
    let elsewhere = elsewhere(rules, &ask, entry);
    let room = MOST_CANDIDATES - elsewhere.len();
    let more = close.len().saturating_sub(room);
    let named = close.into_iter().take(room).map(|(rank, why, node)| Candidate {
        place: rules.place(ask.path, node),
        why,
        alike: matches!(rank, Rank::ValueAlike(_) | Rank::KeyAlike(_)),
        leads_to: (rank == Rank::Matches).then(|| follow(rules, node, &ask)).flatten(),
    });
    let mut candidates: Vec<Candidate<'r>> = elsewhere;
    candidates.extend(named);
    Step { taken, candidates, more }
}

fn by(node: &Node, entry: Entry<'_>) -> By {
    match node.value() {
        [] => By::Key,
        value if value == entry.value => By::Value,
        _ => By::Pattern,
    }
}

/// Every node that came close. Where one is taken, those that have nothing in common with the value did not.
fn close<'r>(ask: &Ask<'r, '_>, entry: Entry<'_>, taken: Option<By>) -> Vec<(Rank, Why, &'r Node)> {
    let is_taken = |node: &&Node| ask.found.is_some_and(|found| std::ptr::eq(found, *node));
    let siblings = || ask.level.nodes().iter().filter(|node| !is_taken(node));
    let mut compared = 0;
    let mut close = Vec::new();
    for node in siblings().filter(|node| node.key() == entry.key) {
        if let Some(why) = outdone(node, entry, taken) {
            close.push((Rank::Matches, why, node));
            continue;
        }
        let is_pattern = node.value().contains(&b'*');
        let why = if is_pattern { Why::AnotherPattern } else { Why::AnotherValue };
        compared += 1;
        match distance(entry.value, node.value()).filter(|_| compared <= MOST_COMPARED && !is_pattern) {
            Some(distance) => close.push((Rank::ValueAlike(distance), why, node)),
            None if taken.is_none() => close.push((Rank::SameKey, why, node)),
            None => {}
        }
    }
    if taken.is_none() && close.is_empty() {
        close.extend(other_keys(ask.level, entry));
    }
    close
}

/// Why a node that matches was not taken; nothing where it does not match.
fn outdone(node: &Node, entry: Entry<'_>, taken: Option<By>) -> Option<Why> {
    let value = node.value();
    let is_default = value.is_empty();
    let pattern = || Pattern::parse(std::str::from_utf8(value).ok()?);
    if !is_default && !pattern()?.matches(entry.value) {
        return None;
    }
    match taken? {
        By::Value => Some(Why::ValueWins),
        By::Pattern if is_default => Some(Why::PatternWins),
        By::Pattern => Some(Why::EarlierPatternWins),
        // What matches goes before the default.
        By::Key => None,
    }
}

/// The first node of each other key, those first that look like this one.
fn other_keys<'r>(level: &'r Level, entry: Entry<'_>) -> Vec<(Rank, Why, &'r Node)> {
    let mut seen = HashSet::new();
    let first = level.nodes().iter().filter(|node| seen.insert(node.key()));
    let ranked = first.enumerate().map(|(place, node)| {
        let distance = distance(entry.key, node.key()).filter(|_| place < MOST_COMPARED);
        (distance.map_or(Rank::OtherKey, Rank::KeyAlike), Why::AnotherKey, node)
    });
    ranked.collect()
}

/// Where else the key of an entry that leads nowhere stands.
fn elsewhere<'r>(rules: &'r RuleSet, ask: &Ask<'r, '_>, entry: Entry<'_>) -> Vec<Candidate<'r>> {
    let has_key = || ask.level.nodes().iter().any(|node| node.key() == entry.key);
    if ask.found.is_some() || has_key() {
        return Vec::new();
    }
    let (mut waiting, mut found, mut searched) = (vec![(ask.top, String::new())], Vec::new(), 0);
    while let Some((level, path)) = waiting.pop() {
        for node in level.nodes() {
            searched += 1;
            if searched > MOST_SEARCHED || found.len() == MOST_ELSEWHERE {
                return found;
            }
            if node.key() == entry.key {
                let place = rules.place(&path, node);
                found.push(Candidate { place, why: Why::AnotherLevel, alike: false, leads_to: None });
            }
            if let Some(next) = node.next() {
                let mut path = path.clone();
                push_node(&mut path, node);
                waiting.push((next, path));
            }
        }
    }
    found
}

/// The rule that the rest of the entries leads to from here.
fn follow<'r>(rules: &'r RuleSet, node: &'r Node, ask: &Ask<'r, '_>) -> Option<&'r Rule> {
    let rest = &ask.entries[ask.depth + 1..];
    let last = rest.iter().try_fold(node, |node, entry| node.next()?.find(*entry))?;
    last.rule().map(|id| &rules.rules[id.index()])
}

/// How much two texts differ, where they look alike at all.
fn distance(written: &[u8], known: &[u8]) -> Option<usize> {
    if written.len() > LONGEST_COMPARED || known.len() > LONGEST_COMPARED {
        return None;
    }
    let distance = generic_damerau_levenshtein(&written.to_ascii_lowercase(), &known.to_ascii_lowercase());
    (distance <= (known.len() / 3).max(1) && distance < known.len()).then_some(distance)
}

/// The name that looks most like this one.
pub(super) fn most_alike<'n>(written: &str, names: &[&'n str]) -> Option<&'n str> {
    let compared = names.iter().take(MOST_COMPARED);
    let alike = compared.filter_map(|name| Some((distance(written.as_bytes(), name.as_bytes())?, *name)));
    alike.min().map(|(_, name)| name)
}
