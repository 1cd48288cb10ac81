//! What statistics are called by envoyproxy/ratelimit: `domain.key_value.key`, a dot before each level.
//!
//! Most names are known when the rules are. Those of rules with `detailed_metric` or `value_to_metric` have values of the
//! request in them, and so have those of limits that a request brings along; they are written into a buffer of bounded size.

use arrayvec::ArrayVec;

use crate::decision::percent::unescaped;
use crate::decision::request::Entry;
use crate::decision::rules::Rule;

/// The longest name with values of requests in it, in bytes: a line of StatsD with it fits into one datagram.
pub const MAX_LEN: usize = 512;

/// What stands in place of values that are not told apart.
const OTHER: &str = "other";

/// A name with values of requests in it.
pub type NameBuffer = ArrayVec<u8, MAX_LEN>;

/// The name of one rule's statistics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatisticName {
    /// The same for every request.
    Fixed(String),
    /// With values in it.
    ByValue(ValuedName),
}

/// A name with values in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValuedName {
    domain: Box<str>,
    levels: Box<[Level]>,
    /// Whether an empty value leaves its underscore behind.
    keeps_underscore: bool,
}

/// One level of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Level {
    /// Its key, and its value where it has one.
    Fixed(Box<str>),
    /// Its key; the value is the request's.
    ByValue(Box<str>),
}

/// A name is longer than [`MAX_LEN`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLong;

impl StatisticName {
    /// The name of a rule's statistics.
    #[must_use]
    pub fn of(rule: &Rule) -> Self {
        let levels = rule.path.split(',').enumerate().map(|(index, level)| {
            let (key, value) = level.split_once('=').map_or((level, None), |(key, value)| (key, Some(value)));
            let key = as_written(key);
            match value {
                _ if rule.is_named_by_value(index) => Level::ByValue(key.into()),
                Some(value) => Level::Fixed(format!("{key}_{}", as_written(value)).into()),
                None => Level::Fixed(key.into()),
            }
        });
        let name = ValuedName {
            domain: (&*rule.domain).into(),
            levels: levels.collect(),
            keeps_underscore: rule.detailed_metric && !rule.shares_counters(),
        };
        if name.levels.iter().any(|level| matches!(level, Level::ByValue(_))) {
            Self::ByValue(name)
        } else {
            Self::Fixed(name.folded())
        }
    }

    /// The name under which limits of this domain are counted that requests brought along, where they are not told apart.
    #[must_use]
    pub fn of_overrides(domain: &str) -> String {
        cleaned(format!("{domain}.{OTHER}"))
    }
}

impl ValuedName {
    /// The name of a descriptor that the rule decided.
    ///
    /// # Errors
    /// Where it is too long.
    pub fn of(&self, entries: &[Entry<'_>]) -> Result<NameBuffer, TooLong> {
        let mut name = NameBuffer::new();
        push(&mut name, self.domain.as_bytes())?;
        for (level, entry) in self.levels.iter().zip(entries) {
            push(&mut name, b".")?;
            match level {
                Level::Fixed(text) => push(&mut name, text.as_bytes())?,
                Level::ByValue(key) => {
                    push_entry(&mut name, key.as_bytes(), entry.value, self.keeps_underscore)?;
                }
            }
        }
        clean(&mut name);
        Ok(name)
    }

    /// The name of all that are not told apart.
    #[must_use]
    pub fn folded(&self) -> String {
        let levels = self.levels.iter().map(|level| match level {
            Level::Fixed(text) => text.to_string(),
            Level::ByValue(key) => format!("{key}_{OTHER}"),
        });
        let parts: Vec<String> = std::iter::once(self.domain.to_string()).chain(levels).collect();
        cleaned(parts.join("."))
    }
}

/// The name of a descriptor that brought its limit along.
///
/// # Errors
/// Where it is too long.
pub fn of_override(domain: &str, entries: &[Entry<'_>]) -> Result<NameBuffer, TooLong> {
    let mut name = NameBuffer::new();
    push(&mut name, domain.as_bytes())?;
    for entry in entries {
        push(&mut name, b".")?;
        push_entry(&mut name, entry.key, entry.value, false)?;
    }
    clean(&mut name);
    Ok(name)
}

fn push_entry(
    name: &mut NameBuffer,
    key: &[u8],
    value: &[u8],
    keeps_underscore: bool,
) -> Result<(), TooLong> {
    push(name, key)?;
    if keeps_underscore || !value.is_empty() {
        push(name, b"_")?;
    }
    push(name, value)
}

fn push(name: &mut NameBuffer, more: &[u8]) -> Result<(), TooLong> {
    name.try_extend_from_slice(more).map_err(|_| TooLong)
}

fn cleaned(name: String) -> String {
    let mut bytes = name.into_bytes();
    clean(&mut bytes);
    // Only ASCII was replaced, and by ASCII.
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Replaces what has a meaning in StatsD, and the dots of IPv4 addresses. Control characters too, which upstream leaves in: a
/// line break would let a caller write lines of its own.
fn clean(name: &mut [u8]) {
    for byte in name.iter_mut() {
        if matches!(byte, b':' | b'|') || byte.is_ascii_control() {
            *byte = b'_';
        }
    }
    let mut start = 0;
    while start < name.len() {
        match ipv4_len(&name[start..]) {
            Some(len) => {
                let dots = name[start..start + len].iter_mut().filter(|byte| **byte == b'.');
                dots.for_each(|dot| *dot = b'_');
                start += len;
            }
            None => start += 1,
        }
    }
}

/// The length of four groups of one to three digits with dots between, at the beginning of a text.
fn ipv4_len(text: &[u8]) -> Option<usize> {
    let mut len = 0;
    for group in 0..4 {
        let digits = text[len..].iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
        len += digits;
        if digits == 0 || (group < 3 && text.get(len) != Some(&b'.')) {
            return None;
        }
        len += usize::from(group < 3);
    }
    Some(len)
}

/// A key or value of a rule's path as it stands in the file.
fn as_written(part: &str) -> String {
    let bytes = unescaped(part.as_bytes());
    bytes.map_or_else(|| part.to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests;
