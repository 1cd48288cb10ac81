//! The names of one mapping: each may stand once, and merged ones give way to those that are written out.

use ahash::HashMap;

use super::node::Entry;
use super::span::Span;

/// Up to here, comparing with each is faster than hashing.
const FEW: usize = 16;

/// Where each name was met first.
pub(super) enum Names<'n> {
    Few(Vec<(&'n str, Span)>),
    Many(HashMap<&'n str, Span>),
}

impl<'n> Names<'n> {
    /// No names yet, of `expected` to come.
    pub(super) fn new(expected: usize) -> Self {
        if expected <= FEW { Self::Few(Vec::with_capacity(expected)) } else { Self::Many(HashMap::default()) }
    }

    /// Notes a name, or says where it stands already.
    pub(super) fn insert(&mut self, name: &'n str, span: Span) -> Option<Span> {
        match self {
            Self::Few(names) => {
                let first = names.iter().find(|(known, _)| *known == name).map(|(_, first)| *first);
                if first.is_none() {
                    names.push((name, span));
                }
                first
            }
            Self::Many(names) => {
                let first = names.get(name).copied();
                names.entry(name).or_insert(span);
                first
            }
        }
    }
}

/// A name that stands in its mapping already.
pub(super) struct Repeated {
    pub(super) name: String,
    pub(super) span: Span,
    /// Where it stands first.
    pub(super) first: Span,
}

/// Takes out what repeats an earlier name.
pub(super) fn remove_repeated(entries: &mut Vec<Entry<'_>>) -> Vec<Repeated> {
    let mut names = Names::new(entries.len());
    let repeats: Vec<Option<Span>> =
        entries.iter().map(|entry| names.insert(&entry.name, entry.span)).collect();
    if repeats.iter().all(Option::is_none) {
        return Vec::new();
    }
    let removed = entries.iter().zip(&repeats).filter_map(|(entry, first)| {
        Some(Repeated { name: entry.name.clone().into_owned(), span: entry.span, first: (*first)? })
    });
    let removed = removed.collect();
    let mut repeats = repeats.into_iter();
    entries.retain(|_| repeats.next().flatten().is_none());
    removed
}
