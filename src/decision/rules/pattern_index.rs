//! The patterns of one key at one level, indexed by their literal ends.
//!
//! Patterns whose literal prefixes have one length and whose literal suffixes have one length form a shape; within it
//! one hash of the value's two ends finds the patterns that can match. So `/api/v1/*` to `/api/v9999/*`, or ten thousand
//! `*.example.com`, cost a look-up a hash for each *length* that occurs, not a comparison for each pattern.

use ahash::RandomState;
use hashbrown::HashTable;

use crate::decision::rules::pattern::Pattern;

/// Finds what the first pattern in file order that matches a value leads to.
#[derive(Debug)]
pub(super) struct PatternIndex<T> {
    /// In the order of each shape's first pattern.
    shapes: Vec<Shape<T>>,
    hasher: RandomState,
    patterns: u32,
}

#[derive(Debug)]
struct Shape<T> {
    prefix_len: usize,
    suffix_len: usize,
    first: u32,
    buckets: HashTable<Bucket<T>>,
}

/// The patterns that have both literal ends in common, in file order; never empty.
type Bucket<T> = Vec<Candidate<T>>;

#[derive(Debug)]
struct Candidate<T> {
    order: u32,
    pattern: Pattern,
    target: T,
}

impl<T> Default for PatternIndex<T> {
    fn default() -> Self {
        Self { shapes: Vec::new(), hasher: RandomState::new(), patterns: 0 }
    }
}

impl<T: Copy> PatternIndex<T> {
    /// Adds a pattern behind all that are there.
    pub(super) fn push(&mut self, pattern: Pattern, target: T) {
        let order = self.patterns;
        self.patterns += 1;
        let lens = (pattern.prefix().len(), pattern.suffix().len());
        let known = self.shapes.iter().position(|shape| (shape.prefix_len, shape.suffix_len) == lens);
        let at = known.unwrap_or_else(|| {
            let (prefix_len, suffix_len) = lens;
            self.shapes.push(Shape { prefix_len, suffix_len, first: order, buckets: HashTable::new() });
            self.shapes.len() - 1
        });
        self.shapes[at].push(&self.hasher, Candidate { order, pattern, target });
    }

    /// What all patterns lead to, in no order.
    pub(super) fn targets(&self) -> impl Iterator<Item = T> {
        let buckets = self.shapes.iter().flat_map(|shape| &shape.buckets);
        buckets.flatten().map(|candidate| candidate.target)
    }

    /// What the first pattern in file order that matches leads to.
    pub(super) fn find(&self, value: &[u8]) -> Option<T> {
        let mut best: Option<&Candidate<T>> = None;
        for shape in &self.shapes {
            if best.is_some_and(|best| best.order < shape.first) {
                break;
            }
            let Some(found) = shape.find(&self.hasher, value) else { continue };
            if best.is_none_or(|best| found.order < best.order) {
                best = Some(found);
            }
        }
        best.map(|candidate| candidate.target)
    }
}

impl<T> Shape<T> {
    fn push(&mut self, hasher: &RandomState, candidate: Candidate<T>) {
        let ends = (candidate.pattern.prefix(), candidate.pattern.suffix());
        let hash = hasher.hash_one(ends);
        match self.buckets.find_mut(hash, |bucket| ends_of(bucket) == ends) {
            Some(bucket) => bucket.push(candidate),
            None => {
                let rehash = |bucket: &Bucket<T>| hasher.hash_one(ends_of(bucket));
                self.buckets.insert_unique(hash, vec![candidate], rehash);
            }
        }
    }

    fn find(&self, hasher: &RandomState, value: &[u8]) -> Option<&Candidate<T>> {
        let (prefix, rest) = value.split_at_checked(self.prefix_len)?;
        let (between, suffix) = rest.split_at_checked(rest.len().checked_sub(self.suffix_len)?)?;
        let hash = hasher.hash_one((prefix, suffix));
        let bucket = self.buckets.find(hash, |bucket| ends_of(bucket) == (prefix, suffix))?;
        bucket.iter().find(|candidate| candidate.pattern.matches_between(between))
    }
}

fn ends_of<T>(bucket: &Bucket<T>) -> (&[u8], &[u8]) {
    (bucket[0].pattern.prefix(), bucket[0].pattern.suffix())
}
