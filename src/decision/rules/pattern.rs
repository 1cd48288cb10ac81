//! A value with `*` in it: literal text around any number of gaps, each of which may be empty.

use memchr::memmem::Finder;

/// A compiled pattern. Matching is linear in the value for each literal piece: pieces are taken at their leftmost place,
/// which is enough where gaps are the only wildcard.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    prefix: Box<[u8]>,
    middle: Box<[Finder<'static>]>,
    suffix: Box<[u8]>,
}

impl Pattern {
    /// The pattern that this text spells; `None` where there is no `*` in it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (prefix, rest) = text.split_once('*')?;
        let (middle, suffix) = rest.rsplit_once('*').unwrap_or(("", rest));
        let pieces = middle.split('*').filter(|piece| !piece.is_empty());
        Some(Self {
            prefix: prefix.as_bytes().into(),
            middle: pieces.map(|piece| Finder::new(piece).into_owned()).collect(),
            suffix: suffix.as_bytes().into(),
        })
    }

    /// What every match starts with.
    pub(super) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// What every match ends with, after the prefix.
    pub(super) fn suffix(&self) -> &[u8] {
        &self.suffix
    }

    /// Whether a value matches.
    pub(super) fn matches(&self, value: &[u8]) -> bool {
        let rest = value.strip_prefix(&*self.prefix).and_then(|rest| rest.strip_suffix(&*self.suffix));
        rest.is_some_and(|between| self.matches_between(between))
    }

    /// Whether a value matches that is known to start with the prefix and, behind it, to end with the suffix; `between`
    /// is what lies between the two.
    pub(super) fn matches_between(&self, between: &[u8]) -> bool {
        let mut rest = between;
        self.middle.iter().all(|piece| match piece.find(rest) {
            Some(at) => {
                rest = &rest[at + piece.needle().len()..];
                true
            }
            None => false,
        })
    }
}
