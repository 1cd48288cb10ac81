//! Descriptors that no request comes to, because one beside them takes every value that they would match.
//!
//! Found with certainty, by the same index that finds rules: `*` in a pattern is a sign that no pattern has in its literal text, so one
//! that matches another's *text* can only do so with its own gaps, and matches whatever stands in the other's gaps.

use ahash::{HashMap, HashMapExt as _};

use crate::decision::rules::pattern::Pattern;
use crate::decision::rules::pattern_index::PatternIndex;
use crate::decision::rules::spec::DescriptorSpec;

/// How many patterns are compared for all descriptors together: what is found is worth a warning, and no wait.
const MAX_COMPARED: usize = 1_000_000;

/// A descriptor that is never taken.
#[derive(Debug, Clone, Copy)]
pub struct Unreachable<'d> {
    /// The descriptor.
    pub descriptor: &'d DescriptorSpec,
    /// The one beside it that is taken in its place.
    pub taken: &'d DescriptorSpec,
}

/// The patterns of one key at one level, and how many of them one look-up may compare.
#[derive(Default)]
struct Patterns {
    index: PatternIndex<usize>,
    cost: usize,
}

/// Those among these descriptors and the levels below them, in the order of the files. What stands below one of them is not told of.
#[must_use]
pub fn unreachable(level: &[DescriptorSpec]) -> Vec<Unreachable<'_>> {
    let (mut found, mut left) = (Vec::new(), MAX_COMPARED);
    look(level, &mut left, &mut found);
    found
}

fn look<'d>(level: &'d [DescriptorSpec], left: &mut usize, found: &mut Vec<Unreachable<'d>>) {
    let keys = patterns(level);
    for (index, descriptor) in level.iter().enumerate() {
        match taken(descriptor, &keys, left).filter(|taken| *taken != index) {
            Some(taken) => found.push(Unreachable { descriptor, taken: &level[taken] }),
            None => look(&descriptor.descriptors, left, found),
        }
    }
}

fn patterns(level: &[DescriptorSpec]) -> HashMap<&str, Patterns> {
    let mut keys = HashMap::<&str, Patterns>::new();
    for (index, descriptor) in level.iter().enumerate() {
        let Some(pattern) = descriptor.value.as_deref().and_then(Pattern::parse) else { continue };
        let patterns = keys.entry(&descriptor.key).or_default();
        patterns.index.push(pattern, index);
        // The others are found by their ends, however many there are.
        patterns.cost += usize::from(has_middle(descriptor));
    }
    keys
}

/// The index of the pattern that takes what this descriptor would match: its own, unless another goes first.
fn taken(descriptor: &DescriptorSpec, keys: &HashMap<&str, Patterns>, left: &mut usize) -> Option<usize> {
    let patterns = keys.get(descriptor.key.as_str())?;
    // Without a value, any is meant.
    let text = descriptor.value.as_deref().unwrap_or("*");
    if !text.contains('*') {
        return None;
    }
    *left = left.checked_sub(1 + patterns.cost)?;
    patterns.index.find(text.as_bytes())
}

/// Whether a pattern may have literal text between two gaps.
fn has_middle(descriptor: &DescriptorSpec) -> bool {
    descriptor.value.as_ref().is_some_and(|value| value.matches('*').count() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::rules::spec::Location;

    #[track_caller]
    fn check(values: &[Option<&str>], expected: &[(usize, usize)]) {
        let level: Vec<_> = values
            .iter()
            .zip(0..)
            .map(|(value, line)| {
                let location = Location { file: "a.yaml".into(), line, column: 1 };
                DescriptorSpec { value: value.map(str::to_owned), ..DescriptorSpec::new("k", location) }
            })
            .collect();
        let found = unreachable(&level);
        let line = |descriptor: &DescriptorSpec| descriptor.location.line as usize;
        let found: Vec<_> = found.iter().map(|one| (line(one.descriptor), line(one.taken))).collect();
        assert_eq!(found, expected, "{values:?}");
    }

    #[test]
    fn a_pattern_behind_one_that_matches_as_much() {
        check(&[Some("/api/*"), Some("/api/reports/*")], &[(1, 0)]);
        check(&[Some("/api/reports/*"), Some("/api/*")], &[]);
        check(&[Some("/api/*"), Some("/api/reports")], &[]);
        check(&[Some("a*c"), Some("a*b*c"), Some("a**c"), Some("a*d")], &[(1, 0), (2, 0)]);
        check(&[Some("*b*"), Some("a*b"), Some("a*c"), Some("xbx*")], &[(1, 0), (3, 0)]);
        check(&[Some("a*a"), Some("*a"), Some("a*"), Some("aa*aa")], &[(3, 0)]);
    }

    #[test]
    fn the_default_beside_a_pattern_that_matches_everything() {
        check(&[Some("*"), None], &[(1, 0)]);
        check(&[None, Some("**")], &[(0, 1)]);
        check(&[Some("a*"), None, Some("*a")], &[]);
    }

    #[test]
    fn levels_below_are_looked_at_by_themselves() {
        let location = || Location { file: "a.yaml".into(), line: 1, column: 1 };
        let one = |value: &str| DescriptorSpec {
            value: Some(value.to_owned()),
            ..DescriptorSpec::new("k", location())
        };
        let below = |key: &str| DescriptorSpec {
            descriptors: vec![one("*"), one("a*")],
            ..DescriptorSpec::new(key, location())
        };
        assert_eq!(unreachable(&[below("a"), below("b")]).len(), 2);
        let (first, other) = (one("*"), DescriptorSpec { key: "other".into(), ..one("a*") });
        assert_eq!(unreachable(&[first, other]).len(), 0);
    }

    #[test]
    fn many_patterns_do_not_take_long() {
        let location = || Location { file: "a.yaml".into(), line: 1, column: 1 };
        let pattern = |number: u32| DescriptorSpec {
            value: Some(format!("*{number}x*")),
            ..DescriptorSpec::new("k", location())
        };
        let level: Vec<_> = (0..50_000).map(pattern).collect();
        assert!(unreachable(&level).len() < 1_000);
    }
}
