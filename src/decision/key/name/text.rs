//! Entries as people read and write them: `remote_address=10.0.0.1,path=/login`.
//!
//! As in a rule's path, what could be mistaken for structure stands as `%XX`, and so does every byte that is not a printable ASCII
//! character: a value is shown safely on any terminal, whoever chose it, and what is shown can be given back.

use super::{CounterName, NamedEntries, Part, is_hash};
use crate::decision::key::is_plain;
use crate::decision::percent::{escaped, unescaped};
use crate::decision::request::Entry;

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedEntry {
    /// The key.
    pub key: Vec<u8>,
    /// The value.
    pub value: Vec<u8>,
}

/// Why a text names no entries.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntriesFault {
    /// There is nothing in it.
    #[error("no entries are named; write them as key=value,key=value")]
    Nothing,
    /// A part has no `=`.
    #[error("`{0}` is no entry; write key=value, and a comma within a value as %2C")]
    NoValue(String),
    /// A `%` that begins nothing.
    #[error("`{0}`: a % must be followed by two hexadecimal digits; the sign itself is written %25")]
    Percent(String),
    /// A hash, of which nobody knows what it stands for.
    #[error(
        "`{0}` is the hash of something longer; name the counter by its key, or by the whole value \
         (one that begins with # is written %23)"
    )]
    Hash(String),
}

impl OwnedEntry {
    /// As matching takes it.
    #[must_use]
    pub fn as_entry(&self) -> Entry<'_> {
        Entry { key: &self.key, value: &self.value }
    }
}

impl CounterName<'_> {
    /// The entries as people read them. A part that is a hash stands as `#` and its digits, which no other part begins with.
    #[must_use]
    pub fn entries_text(&self) -> String {
        let part = |part: &Part<'_>| part.text().replace(',', "%2C");
        match &self.entries {
            NamedEntries::Hashed(hash) => part(hash),
            NamedEntries::Listed(entries) => {
                let entries = entries.iter().map(|(key, value)| format!("{}={}", part(key), part(value)));
                entries.collect::<Vec<_>>().join(",")
            }
        }
    }
}

/// The text that names these entries.
#[must_use]
pub fn write_entries<'a>(entries: impl Iterator<Item = Entry<'a>>) -> String {
    let part = |part: &[u8]| shown(part).replace(',', "%2C");
    let entries = entries.map(|entry| format!("{}={}", part(entry.key), part(entry.value)));
    entries.collect::<Vec<_>>().join(",")
}

/// Any bytes as a text that is safe to print.
#[must_use]
pub fn shown(part: &[u8]) -> String {
    let mut text = String::with_capacity(part.len());
    for &byte in part {
        match is_plain(byte) {
            true => text.push(char::from(byte)),
            false => text.extend(escaped(byte).map(char::from)),
        }
    }
    text
}

/// Reads what names entries. Anything but `%`, `,` and the first `=` may stand for itself.
///
/// # Errors
/// Where it names none.
pub fn read_entries(text: &str) -> Result<Vec<OwnedEntry>, EntriesFault> {
    if text.is_empty() {
        return Err(EntriesFault::Nothing);
    }
    text.split(',').map(read_entry).collect()
}

fn read_entry(text: &str) -> Result<OwnedEntry, EntriesFault> {
    let (key, value) = text.split_once('=').ok_or_else(|| EntriesFault::NoValue(text.into()))?;
    let read = |part: &str| {
        if is_hash(part.as_bytes()) {
            return Err(EntriesFault::Hash(text.into()));
        }
        unescaped(part.as_bytes()).ok_or_else(|| EntriesFault::Percent(text.into()))
    };
    Ok(OwnedEntry { key: read(key)?, value: read(value)? })
}
