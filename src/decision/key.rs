//! Names of counters: unambiguous, bounded, readable while short.
//!
//! `1|f60|demo|remote_address=10.0.0.1|path=/login` reads: format 1, a fixed window (the letter of its
//! [`Kind`]) of 60 seconds, the domain, then each entry's key and value. Every byte that could be mistaken for structure (and `{`, by which an end user could choose a
//! Redis Cluster slot) is percent-escaped, so two different identities never share a name. A part that is longer than
//! [`MAX_PART`] is replaced by `#` and its SHA-256 (192 bits of it), and all entries together by one hash where the whole would be longer
//! than [`MAX_LEN`]; no user can make a key that fails or a key that is huge.
//!
//! The format is pinned by a test: replicas of different versions share counters through it.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use arrayvec::ArrayVec;
use sha2::{Digest, Sha256};

use crate::decision::key::kind::Kind;
use crate::decision::limit::Limit;
use crate::decision::percent;
use crate::decision::period::Period;
use crate::decision::request::Entry;

pub mod kind;
pub mod name;
pub mod pattern;

/// The longest counter key, in bytes.
pub const MAX_LEN: usize = 200;

/// The longest part (domain, key or value) that stands in a counter key as it is, in bytes after escaping.
pub const MAX_PART: usize = 64;

const FORMAT: &str = "1|";
const HASH_BYTES: usize = 24;

/// The name of one counter.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CounterKey {
    bytes: ArrayVec<u8, MAX_LEN>,
}

impl CounterKey {
    /// The counter of a fixed window of this length for these entries of `domain`. The limit's number is no part of it: raising
    /// a limit keeps the count, and an override of the same length shares the counter.
    #[must_use]
    pub fn new<'a>(domain: &str, period: Period, entries: impl Iterator<Item = Entry<'a>> + Clone) -> Self {
        Self::of_limit(Limit::new(0, period), domain, entries)
    }

    /// The counter of such a limit.
    #[must_use]
    pub fn of_limit<'a>(
        limit: Limit,
        domain: &str,
        entries: impl Iterator<Item = Entry<'a>> + Clone,
    ) -> Self {
        let mut bytes = ArrayVec::new();
        let fits = push_head(&mut bytes, Kind::of(limit)) && push_part(&mut bytes, domain.as_bytes());
        debug_assert!(fits, "format, window and one part are shorter than a key");
        let head = bytes.len();
        if !entries.clone().all(|entry| push_entry(&mut bytes, entry)) {
            bytes.truncate(head);
            push_hash_of_entries(&mut bytes, entries);
        }
        Self { bytes }
    }

    /// The key that has these bytes; `None` where no key is so long.
    #[must_use]
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        ArrayVec::try_from(bytes).ok().map(|bytes| Self { bytes })
    }

    /// The length of the counter's window; `None` where these are no bytes of a key.
    #[must_use]
    pub fn period(&self) -> Option<Period> {
        self.kind().map(|kind| kind.period)
    }

    /// How the counter counts; `None` where these are no bytes of a key.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        Self::kind_of(&self.bytes)
    }

    /// How the counter with this key counts.
    #[must_use]
    pub fn kind_of(key: &[u8]) -> Option<Kind> {
        name::head(key).map(|(kind, _)| kind)
    }

    /// The key's bytes: printable ASCII.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for CounterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes.iter().try_for_each(|&byte| f.write_char(char::from(byte)))
    }
}

/// Appends what stands before the domain: the format, the kind's letter, and the window's length in seconds. The usual ones are
/// written out, as formatting a number costs as much as finding a rule.
fn push_head(bytes: &mut ArrayVec<u8, MAX_LEN>, kind: Kind) -> bool {
    let head = match kind.period.seconds() {
        1 => "1|f1|",
        60 => "1|f60|",
        3_600 => "1|f3600|",
        86_400 => "1|f86400|",
        604_800 => "1|f604800|",
        2_592_000 => "1|f2592000|",
        31_536_000 => "1|f31536000|",
        _ => return push_odd_head(bytes, kind),
    };
    let fits = push(bytes, head.as_bytes());
    if let Some(letter) = bytes.get_mut(FORMAT.len()) {
        *letter = kind.letter();
    }
    fits
}

#[cold]
fn push_odd_head(bytes: &mut ArrayVec<u8, MAX_LEN>, kind: Kind) -> bool {
    write!(bytes, "{FORMAT}{}{}|", char::from(kind.letter()), kind.period.seconds()).is_ok()
}

/// Appends bytes as they are; false where they do not fit.
fn push<const N: usize>(bytes: &mut ArrayVec<u8, N>, more: &[u8]) -> bool {
    bytes.try_extend_from_slice(more).is_ok()
}

/// Appends `|key=value`; false, with a part of it written, where it does not fit.
fn push_entry<const N: usize>(bytes: &mut ArrayVec<u8, N>, entry: Entry<'_>) -> bool {
    bytes.try_push(b'|').is_ok()
        && push_part(bytes, entry.key)
        && bytes.try_push(b'=').is_ok()
        && push_part(bytes, entry.value)
}

/// Appends one part, escaped or hashed; false where it does not fit.
fn push_part<const N: usize>(bytes: &mut ArrayVec<u8, N>, part: &[u8]) -> bool {
    let start = bytes.len();
    if part.len() <= MAX_PART && push_escaped(bytes, part) {
        return true;
    }
    bytes.truncate(start);
    push_hash(bytes, Sha256::digest(part).as_slice())
}

/// Appends a part escaped; false where the room or [`MAX_PART`] does not hold it.
fn push_escaped<const N: usize>(bytes: &mut ArrayVec<u8, N>, part: &[u8]) -> bool {
    let end = (bytes.len() + MAX_PART).min(N);
    if part.iter().all(|&byte| is_plain(byte)) {
        return bytes.len() + part.len() <= end && push(bytes, part);
    }
    for &byte in part {
        if is_plain(byte) {
            if bytes.len() == end {
                return false;
            }
            bytes.push(byte);
        } else {
            if bytes.len() + 3 > end {
                return false;
            }
            bytes.extend(percent::escaped(byte));
        }
    }
    true
}

/// Which bytes stand for themselves.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        plain[byte as usize] = !matches!(byte, b'%' | b'|' | b'=' | b'{' | b'}' | b'#');
        byte += 1;
    }
    plain
};

fn is_plain(byte: u8) -> bool {
    PLAIN[usize::from(byte)]
}

fn push_hash<const N: usize>(bytes: &mut ArrayVec<u8, N>, digest: &[u8]) -> bool {
    if bytes.remaining_capacity() < 1 + 2 * HASH_BYTES {
        return false;
    }
    bytes.push(b'#');
    for byte in &digest[..HASH_BYTES] {
        bytes.extend(percent::digits(*byte));
    }
    true
}

fn push_hash_of_entries<'a>(bytes: &mut ArrayVec<u8, MAX_LEN>, entries: impl Iterator<Item = Entry<'a>>) {
    let mut hasher = Sha256::new();
    for entry in entries {
        // Two parts of at most MAX_PART and two separators always fit.
        let mut text = ArrayVec::<u8, { 2 * MAX_PART + 2 }>::new();
        push_entry(&mut text, entry);
        hasher.update(&text);
    }
    bytes.push(b'|');
    let fits = push_hash(bytes, hasher.finalize().as_slice());
    debug_assert!(fits, "the head and one hash are shorter than a key");
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::decision::algorithm::Algorithm;

    fn key(domain: &str, entries: &[(&[u8], &[u8])]) -> String {
        let entries = entries.iter().map(|&(key, value)| Entry { key, value });
        format!("{:?}", CounterKey::new(domain, Period::MINUTE, entries))
    }

    #[track_caller]
    fn check(domain: &str, entries: &[(&[u8], &[u8])], expected: &str) {
        assert_eq!(key(domain, entries), expected);
    }

    #[test]
    fn the_format_is_pinned() {
        check("demo", &[(b"remote_address", b"10.0.0.1")], "1|f60|demo|remote_address=10.0.0.1");
        check("demo", &[(b"a", b"b_c")], "1|f60|demo|a=b_c");
        check("demo", &[(b"a_b", b"c")], "1|f60|demo|a_b=c");
        check("demo", &[(b"a", b""), (b"b", b"1|2=3#4")], "1|f60|demo|a=|b=1%7C2%3D3%234");
        check("demo", &[(b"slot", b"{user}%")], "1|f60|demo|slot=%7Buser%7D%25");
        check("demo", &[(b"\xff\n", "ü".as_bytes())], "1|f60|demo|%FF%0A=%C3%BC");
        check(
            "demo",
            &[(b"path", &[b'a'; 65])],
            "1|f60|demo|path=#635361C48BB9EAB14198E76EA8AB7F1A41685D6AD62AA914",
        );
        check("demo", &[], "1|f60|demo");
    }

    #[test]
    fn every_unit_has_its_own_window() {
        let windows =
            Period::UNITS.map(|period| format!("{:?}", CounterKey::new("d", period, std::iter::empty())));
        assert_eq!(
            windows,
            ["1|f1|d", "1|f60|d", "1|f3600|d", "1|f86400|d", "1|f604800|d", "1|f2592000|d", "1|f31536000|d"]
        );
        for period in Period::UNITS {
            assert_eq!(CounterKey::new("d", period, std::iter::empty()).period(), Some(period));
        }
        for other in ["", "1|f", "1|f061|d", "1|f0|d", "2|f60|d"] {
            assert_eq!(CounterKey::from_stored(other.as_bytes()).unwrap().period(), None, "{other}");
        }
    }

    /// Numbers in milliseconds and in seconds must never meet under one key.
    #[test]
    fn every_way_of_holding_a_limit_has_its_letter() {
        let key = |number, algorithm| {
            let limit = Limit::new(number, Period::DAY).held_by(algorithm);
            format!("{:?}", CounterKey::of_limit(limit, "d", std::iter::empty()))
        };
        assert_eq!(
            Algorithm::ALL.map(|algorithm| key(10, algorithm)),
            ["1|f86400|d", "1|s86400|d", "1|t86400|d", "1|l86400|d", "1|x86400|d"]
        );
        assert_eq!(
            Algorithm::ALL.map(|algorithm| key(u32::MAX, algorithm)),
            ["1|f86400|d", "1|S86400|d", "1|T86400|d", "1|l86400|d", "1|x86400|d"]
        );
        let odd = Period::from_seconds(86_401).unwrap();
        let limit = Limit::new(u32::MAX, odd).held_by(Algorithm::TokenBucket);
        let key = CounterKey::of_limit(limit, "d", std::iter::empty());
        assert_eq!((format!("{key:?}"), key.kind()), ("1|T86401|d".into(), Some(Kind::of(limit))));
    }

    #[test]
    fn many_or_long_entries_become_one_hash() {
        let long = [b'v'; 60];
        let entries: Vec<(&[u8], &[u8])> = vec![(b"key", &long); 4];
        let text = key(&"d".repeat(300), &entries);
        assert!(text.len() <= MAX_LEN, "{text}");
        assert_ne!(text, key(&"d".repeat(300), &entries[..3]));
        assert_eq!(text.matches('#').count(), 2);
    }

    proptest! {
        #[test]
        fn different_identities_have_different_names(
            requests in proptest::collection::vec(
                proptest::collection::vec(
                    (proptest::collection::vec(any::<u8>(), 0..4), prop_oneof![
                        proptest::collection::vec(prop_oneof![Just(b'='), Just(b'|'), Just(b'%'), Just(b'#'), any::<u8>()], 0..5),
                        proptest::collection::vec(any::<u8>(), 60..70),
                    ]),
                    0..6,
                ),
                2..20,
            ),
        ) {
            let mut seen = HashMap::new();
            for request in requests {
                let entries = request.iter().map(|(key, value)| Entry { key, value });
                let name = CounterKey::new("d", Period::DAY, entries);
                prop_assert!(name.as_bytes().len() <= MAX_LEN);
                prop_assert!(name.as_bytes().iter().all(u8::is_ascii_graphic));
                if let Some(other) = seen.insert(format!("{name:?}"), request.clone()) {
                    prop_assert_eq!(other, request);
                }
            }
        }
    }
}
