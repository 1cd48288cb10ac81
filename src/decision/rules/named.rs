//! From a counter's key back to the rule that counts in it.
//!
//! A decision knows the values and finds one rule. A key may have a hash in place of a value, and a hash can only be compared
//! with: where it is no value that a rule names, any pattern of its key may have matched, and the key's default. So there can be
//! several rules, and whoever asks has to say so.

use std::collections::HashMap;

use ahash::RandomState;
use arrayvec::ArrayVec;
use smallvec::SmallVec;

use crate::decision::key::MAX_PART;
use crate::decision::key::name::{self, CounterName, NamedEntries, Part};
use crate::decision::request::Entry;
use crate::decision::rules::level::{Level, Node};
use crate::decision::rules::{Rule, RuleId, RuleSet};

/// Rules that one key is given at the most; with more, which one it is remains unknown.
pub const MOST_RULES: usize = 8;

/// Nodes that are looked at for one key at the most.
const MOST_STEPS: usize = 20_000;

/// The values of one level by their hashes, made when they are first needed, for one look at many counters of one [`RuleSet`].
#[derive(Debug, Default)]
pub struct HashedValues {
    by_level: HashMap<usize, HashMap<Hash, Vec<usize>, RandomState>, RandomState>,
}

type Hash = ArrayVec<u8, MAX_PART>;

/// One key's way down through the levels.
struct Search<'s, 'k> {
    entries: &'s [(Part<'k>, Part<'k>)],
    hashed: &'s mut HashedValues,
    found: SmallVec<[RuleId; 2]>,
    steps: usize,
}

impl RuleSet {
    /// The rules whose hits are counted under such a key, in file order: none where it is no rule's (as where a request
    /// brought its own limit along, or the rule has gone), and several where the key does not tell which.
    #[must_use]
    pub fn of_counter(&self, name: &CounterName<'_>, hashed: &mut HashedValues) -> Vec<&Rule> {
        let (Some(level), NamedEntries::Listed(entries)) = (self.level_of(name.domain), &name.entries) else {
            return Vec::new();
        };
        let mut search = Search { entries, hashed, found: SmallVec::new(), steps: 0 };
        search.descend(level, 0);
        let counts = |rule: &&Rule| {
            let limit =
                rule.limits().and_then(|limits| limits.of_kind(name.kind.algorithm, name.kind.period));
            limit.is_some() && rule.may_count_as(entries.iter().map(|(_, value)| *value))
        };
        search.found.sort_unstable_by_key(|id| id.index());
        search.found.dedup();
        let rules = search.found.iter().map(|id| &self.rules[id.index()]);
        let rules: Vec<&Rule> = rules.filter(counts).take(MOST_RULES + 1).collect();
        if search.steps > MOST_STEPS || rules.len() > MOST_RULES { Vec::new() } else { rules }
    }

    fn level_of(&self, domain: Part<'_>) -> Option<&Level> {
        match domain.plain() {
            Some(domain) => self.domains.get(std::str::from_utf8(&domain).ok()?),
            None => self.domains.iter().find(|(name, _)| domain.is(name.as_bytes())).map(|(_, level)| level),
        }
    }
}

impl Search<'_, '_> {
    fn descend(&mut self, level: &Level, depth: usize) {
        let Some(&(key, value)) = self.entries.get(depth) else { return };
        for node in self.nodes(level, key, value) {
            self.steps += 1;
            if self.steps > MOST_STEPS {
                return;
            }
            match node.next() {
                _ if depth + 1 == self.entries.len() => self.found.extend(node.rule()),
                Some(next) => self.descend(next, depth + 1),
                None => {}
            }
        }
    }

    /// The nodes that an entry may have led to.
    fn nodes<'l>(&mut self, level: &'l Level, key: Part<'_>, value: Part<'_>) -> SmallVec<[&'l Node; 2]> {
        let key = match key.plain() {
            Some(key) => key,
            None => match level.nodes().iter().find(|node| key.is(node.key())) {
                Some(node) => node.key().to_vec(),
                None => return SmallVec::new(),
            },
        };
        match value.plain() {
            Some(value) => level.find(Entry { key: &key, value: &value }).into_iter().collect(),
            None => match self.hashed.find(level, &key, value) {
                Some(node) => SmallVec::from_slice(&[node]),
                None => level.inexact(&key).take(MOST_STEPS).collect(),
            },
        }
    }
}

impl HashedValues {
    /// The node of exactly the value that this is the hash of.
    fn find<'l>(&mut self, level: &'l Level, key: &[u8], value: Part<'_>) -> Option<&'l Node> {
        // Levels stay where they are for as long as their rule set is there, which is as long as this is used.
        let address = std::ptr::from_ref(level) as usize;
        let values = self.by_level.entry(address).or_insert_with(|| index(level));
        let hash = Hash::try_from(value.hash()?).ok()?;
        let nodes = values.get(&hash)?.iter().filter_map(|&place| level.nodes().get(place));
        nodes.into_iter().find(|node| node.key() == key)
    }
}

fn index(level: &Level) -> HashMap<Hash, Vec<usize>, RandomState> {
    let mut values: HashMap<Hash, Vec<usize>, RandomState> = HashMap::default();
    for (place, node) in level.nodes().iter().enumerate().filter(|(_, node)| !node.value().is_empty()) {
        values.entry(name::hashed(node.value())).or_default().push(place);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::cost::Cost;
    use crate::decision::key::CounterKey;
    use crate::decision::limit::Limit;
    use crate::decision::period::Period;
    use crate::decision::rules::spec::{DescriptorSpec, DomainSpec, LimitSpec, Location, QuotaSpec};

    fn limited(key: &str, value: &str, descriptors: Vec<DescriptorSpec>) -> DescriptorSpec {
        let quota = QuotaSpec::Counted(Limit::new(1, Period::HOUR));
        let location = Location { file: "test.yaml".into(), line: 1, column: 1 };
        DescriptorSpec {
            value: (!value.is_empty()).then(|| value.into()),
            limit: Some(LimitSpec { quota, name: None, replaces: Vec::new(), cost: Cost::PLAIN }),
            descriptors,
            ..DescriptorSpec::new(key, location)
        }
    }

    fn shared(spec: DescriptorSpec) -> DescriptorSpec {
        DescriptorSpec { share_threshold: true, ..spec }
    }

    fn compile(descriptors: Vec<DescriptorSpec>) -> RuleSet {
        RuleSet::compile(&[DomainSpec { name: "d".into(), descriptors }]).unwrap()
    }

    /// The paths of the rules that are found for the key of these entries.
    #[track_caller]
    fn check(rules: &RuleSet, period: Period, entries: &[(&str, &str)], expected: &[&str]) {
        let entries =
            entries.iter().map(|(key, value)| Entry { key: key.as_bytes(), value: value.as_bytes() });
        let key = CounterKey::new("d", period, entries);
        let name = CounterName::read(key.as_bytes()).unwrap();
        let found = rules.of_counter(&name, &mut HashedValues::default());
        let paths: Vec<&str> = found.iter().map(|rule| &*rule.path).collect();
        assert_eq!(paths, expected, "{key:?}");
    }

    #[test]
    fn a_plain_key_has_the_rule_that_a_decision_finds() {
        let rules = compile(vec![
            limited("k", "", vec![limited("user", "", vec![])]),
            limited("k", "a*", vec![]),
            limited("k", "ab", vec![]),
        ]);
        check(&rules, Period::HOUR, &[("k", "x")], &["k"]);
        check(&rules, Period::HOUR, &[("k", "ab")], &["k=ab"]);
        check(&rules, Period::HOUR, &[("k", "ac")], &["k=a*"]);
        check(&rules, Period::HOUR, &[("k", "x"), ("user", "u")], &["k,user"]);
        check(&rules, Period::MINUTE, &[("k", "x")], &[]);
        check(&rules, Period::HOUR, &[("other", "x")], &[]);
        check(&rules, Period::HOUR, &[], &[]);
    }

    #[test]
    fn a_hash_may_be_what_any_pattern_has_matched() {
        let long = "a".repeat(80);
        let other = "b".repeat(80);
        let rules = compile(vec![
            limited("k", "", vec![limited("user", "", vec![])]),
            limited("k", "/api/*", vec![]),
            limited("k", &long, vec![]),
            limited("only", "", vec![]),
            limited(&long, "", vec![]),
        ]);
        check(
            &rules,
            Period::HOUR,
            &[("k", &long)],
            &["k=".to_owned() + &long].each_ref().map(|path| &**path),
        );
        check(&rules, Period::HOUR, &[("k", &other)], &["k", "k=/api/*"]);
        check(&rules, Period::HOUR, &[("k", &other), ("user", &other)], &["k,user"]);
        check(&rules, Period::HOUR, &[("only", &other)], &["only"]);
        check(&rules, Period::HOUR, &[(&long, &other)], &[&long]);
        check(&rules, Period::HOUR, &[(&other, "x")], &[]);
    }

    #[test]
    fn shared_counters_have_the_pattern_for_a_value() {
        let rules = compile(vec![limited("k", "", vec![]), shared(limited("k", "/api/*", vec![]))]);
        check(&rules, Period::HOUR, &[("k", "/api/*")], &["k=/api/*"]);
        check(&rules, Period::HOUR, &[("k", "/api/x")], &[]);
        check(&rules, Period::HOUR, &[("k", &"x".repeat(80))], &["k"]);
    }

    #[test]
    fn too_many_rules_are_none() {
        let patterns = (0..=MOST_RULES).map(|number| limited("k", &format!("{number}*"), vec![]));
        let rules = compile(patterns.collect());
        check(&rules, Period::HOUR, &[("k", &"x".repeat(80))], &[]);
    }
}
