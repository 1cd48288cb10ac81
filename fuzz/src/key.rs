//! Counters, a line each: a digit for the unit, the domain, and entries after `|`, as in `1demo|user=ada|path=/`. A byte
//! after `\` stands for itself.
//!
//! Two lines have one key exactly when they are the same counter. A key is bounded, printable, names no Cluster slot, and
//! says again what it was made of, but for what it says is a hash.

mod reading;

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use ratekeeper::decision::key::name::{CounterName, NamedEntries, read_entries};
use ratekeeper::decision::key::{CounterKey, MAX_LEN};
use ratekeeper::decision::period::Period;
use ratekeeper::decision::request::Entry;

/// What a counter is told from others by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Identity {
    unit: usize,
    domain: String,
    entries: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Holds keys to their promises for this input.
pub fn check(input: &[u8]) {
    let mut by_key = HashMap::new();
    for identity in identities(input) {
        let key = identity.key();
        check_key(&key, &identity);
        let first = by_key.entry(key).or_insert_with(|| identity.clone());
        assert_eq!(*first, identity, "two counters with one key");
    }
}

fn check_key(key: &CounterKey, identity: &Identity) {
    let bytes = key.as_bytes();
    assert!(bytes.len() <= MAX_LEN, "{key:?} is too long");
    let is_safe = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'{' | b'}');
    assert!(bytes.iter().all(is_safe), "{key:?} has bytes that are not safe");
    assert_eq!(*key, identity.key(), "two keys of one counter");
    let stored = CounterKey::from_stored(bytes).expect("it is no longer than a key may be");
    assert_eq!(stored, *key);
    let hasher = RandomState::new();
    assert_eq!(hasher.hash_one(&stored), hasher.hash_one(key));
    reading::check(bytes, identity);
    check_name(bytes, identity);
}

/// What operators are shown of it is what it was made of.
fn check_name(bytes: &[u8], identity: &Identity) {
    let name = CounterName::read(bytes).expect("a key of ours");
    assert_eq!(name.kind.period, identity.period());
    assert!(name.domain.is(identity.domain.as_bytes()));
    if let NamedEntries::Listed(named) = &name.entries {
        assert_eq!(named.len(), identity.entries.len());
        for ((key, value), (own_key, own_value)) in named.iter().zip(&identity.entries) {
            assert!(key.is(own_key) && value.is(own_value));
        }
    }
    let text = name.entries_text();
    if !text.is_empty() && !text.contains('#') {
        let read = read_entries(&text).expect("what is shown can be given back");
        let read: Vec<_> = read.into_iter().map(|entry| (entry.key, entry.value)).collect();
        assert_eq!(read, identity.entries);
    }
}

impl Identity {
    fn period(&self) -> Period {
        Period::UNITS[self.unit % Period::UNITS.len()]
    }

    fn key(&self) -> CounterKey {
        let entries = self.entries.iter().map(|(key, value)| Entry { key, value });
        CounterKey::new(&self.domain, self.period(), entries)
    }
}

/// The counters of an input, each line one.
fn identities(input: &[u8]) -> Vec<Identity> {
    let mut signs = input.iter().copied();
    let mut lines = vec![vec![(Vec::new(), None)]];
    while let Some(sign) = signs.next() {
        let line = lines.last_mut().expect("there is one from the start");
        let (key, value) = line.last_mut().expect("there is one from the start");
        match (sign, value) {
            (b'\n', _) => lines.push(vec![(Vec::new(), None)]),
            (b'|', _) => line.push((Vec::new(), None)),
            (b'=', value @ None) => *value = Some(Vec::new()),
            (b'\\', value) => value.as_mut().unwrap_or(key).extend(signs.next()),
            (plain, value) => value.as_mut().unwrap_or(key).push(plain),
        }
    }
    lines.into_iter().map(identity).collect()
}

fn identity(line: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Identity {
    let mut parts = line.into_iter().map(|(key, value)| (key, value.unwrap_or_default()));
    let (head, _) = parts.next().unwrap_or_default();
    let (unit, domain) = head.split_first().unwrap_or((&0, b""));
    Identity {
        unit: usize::from(unit.wrapping_sub(b'0')) % Period::UNITS.len(),
        domain: String::from_utf8_lossy(domain).into_owned(),
        entries: parts.collect(),
    }
}
