//! A counter's key, read again: what can be told from it, for people who look at counters.
//!
//! The way back from [`CounterKey`](super::CounterKey) is not whole: a part that stands as a hash can only be compared with.
//! What is no key of this format is not read at all, so that nobody takes another's data for a counter.

mod text;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use arrayvec::ArrayVec;
use sha2::{Digest, Sha256};

use super::{FORMAT, HASH_BYTES, MAX_LEN, MAX_PART, push_escaped, push_hash, push_part};
use crate::decision::key::kind::Kind;
use crate::decision::percent::unescaped;
use crate::decision::period::Period;

pub use text::{EntriesFault, OwnedEntry, read_entries, shown, write_entries};

/// What a counter's key says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterName<'k> {
    /// How it counts.
    pub kind: Kind,
    /// The domain.
    pub domain: Part<'k>,
    /// What is counted.
    pub entries: NamedEntries<'k>,
}

/// The entries of a counter's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedEntries<'k> {
    /// Each key and value.
    Listed(Vec<(Part<'k>, Part<'k>)>),
    /// There were too many for a key, and all together became one hash.
    Hashed(Part<'k>),
}

/// One part of a counter's key as it stands there: escaped, or a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'k> {
    text: &'k [u8],
}

impl<'k> CounterName<'k> {
    /// Reads a key; `None` where it is none of this format.
    #[must_use]
    pub fn read(key: &'k [u8]) -> Option<Self> {
        if key.len() > MAX_LEN {
            return None;
        }
        let (kind, rest) = head(key)?;
        let mut parts = rest.split(|&byte| byte == b'|');
        let domain = Part::read(parts.next()?)?;
        let entries: Vec<&[u8]> = parts.collect();
        let entries = match entries.as_slice() {
            [hashed] if !hashed.contains(&b'=') => {
                NamedEntries::Hashed(Part::read(hashed).filter(Part::is_hashed)?)
            }
            listed => NamedEntries::Listed(listed.iter().map(|text| entry(text)).collect::<Option<_>>()?),
        };
        Some(Self { kind, domain, entries })
    }
}

impl<'k> Part<'k> {
    fn read(text: &'k [u8]) -> Option<Self> {
        (is_hash(text) || is_escaped(text)).then_some(Self { text })
    }

    /// As it stands in the key: printable ASCII.
    #[must_use]
    pub fn text(&self) -> Cow<'k, str> {
        String::from_utf8_lossy(self.text)
    }

    /// Whether it stands there as a hash.
    #[must_use]
    pub fn is_hashed(&self) -> bool {
        self.text.first() == Some(&b'#')
    }

    /// What it says; `None` where it is a hash.
    #[must_use]
    pub fn plain(&self) -> Option<Vec<u8>> {
        (!self.is_hashed()).then(|| unescaped(self.text).unwrap_or_default())
    }

    /// Whether this is what it stands for.
    #[must_use]
    pub fn is(&self, part: &[u8]) -> bool {
        match self.is_hashed() {
            true => self.text == hashed(part).as_slice(),
            false => {
                let mut escaped = ArrayVec::<u8, MAX_PART>::new();
                push_escaped(&mut escaped, part) && self.text == escaped.as_slice()
            }
        }
    }

    /// The hash as it stands there; nothing where it is none.
    #[must_use]
    pub(in crate::decision) fn hash(&self) -> Option<&'k [u8]> {
        self.is_hashed().then_some(self.text)
    }
}

/// A part as it stands in a key that has no room for it.
pub(in crate::decision) fn hashed(part: &[u8]) -> ArrayVec<u8, MAX_PART> {
    let mut text = ArrayVec::new();
    push_hash(&mut text, Sha256::digest(part).as_slice());
    text
}

/// A part as it stands in a key that has room for it.
pub(super) fn part_of(part: &[u8]) -> ArrayVec<u8, MAX_PART> {
    let mut text = ArrayVec::new();
    push_part(&mut text, part);
    text
}

/// What stands before a key's domain, and what comes then.
pub(super) fn head(key: &[u8]) -> Option<(Kind, &[u8])> {
    let (&letter, key) = key.strip_prefix(FORMAT.as_bytes())?.split_first()?;
    let end = key.iter().position(|&byte| byte == b'|')?;
    Some((Kind::with_letter(letter, period(&key[..end])?)?, &key[end + 1..]))
}

/// A window's length as it stands in a key.
fn period(text: &[u8]) -> Option<Period> {
    let text = std::str::from_utf8(text).ok()?;
    // Every number has one form.
    Period::from_seconds(text.parse().ok()?).ok().filter(|period| period.seconds().to_string() == text)
}

fn entry(text: &[u8]) -> Option<(Part<'_>, Part<'_>)> {
    let equals = text.iter().position(|&byte| byte == b'=')?;
    Some((Part::read(&text[..equals])?, Part::read(&text[equals + 1..])?))
}

/// Whether this is what a part looks like when it is hashed.
fn is_hash(text: &[u8]) -> bool {
    let is_digit = |digit: &u8| digit.is_ascii_digit() || (b'A'..=b'F').contains(digit);
    text.strip_prefix(b"#").is_some_and(|hash| hash.len() == 2 * HASH_BYTES && hash.iter().all(is_digit))
}

/// Whether this is what a part looks like when it is escaped.
fn is_escaped(text: &[u8]) -> bool {
    unescaped(text).is_some_and(|part| {
        let mut escaped = ArrayVec::<u8, MAX_PART>::new();
        push_escaped(&mut escaped, &part) && escaped.as_slice() == text
    })
}
