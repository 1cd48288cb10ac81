//! What of an entry's value is written down.
//!
//! A hash is the beginning of a SHA-256 of a secret and the value: equal values have equal hashes, and whoever has no secret cannot find
//! the value by trying, as one could an address. The secret is random for each process unless replicas are given one in common.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};

use sha2::{Digest, Sha256};

use crate::decision::key::name::shown;

/// Bytes of a value that are written down; of longer ones only the beginning is.
pub(super) const MOST_BYTES: usize = 128;

/// Bytes of a hash, each two digits.
const HASH_BYTES: usize = 8;

/// What hashes are made with.
#[derive(Clone)]
pub struct Salt([u8; 32]);

/// Which keys' values are not for everybody.
#[derive(Debug)]
pub(super) struct Redaction(HashMap<Box<[u8]>, Kind>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Hash,
    Drop,
}

/// What is written of a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// All of it.
    Whole(String),
    /// Its beginning, and how many bytes it has.
    Cut(String, usize),
    /// Its hash.
    Hash(String),
    /// Nothing.
    Dropped,
}

impl Salt {
    /// One that nobody knows: of the randomness that the standard library has from the system for its hash tables.
    #[must_use]
    pub fn random() -> Self {
        let states = [RandomState::new(), RandomState::new()];
        let mut hasher = Sha256::new();
        for number in 0..8_u8 {
            hasher.update(states[usize::from(number % 2)].hash_one(number).to_le_bytes());
        }
        Self(hasher.finalize().into())
    }

    /// One that is made of a secret.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    fn hash(&self, value: &[u8]) -> String {
        let digest = Sha256::new().chain_update(self.0).chain_update(value).finalize();
        digest.iter().take(HASH_BYTES).fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("****")
    }
}

impl Redaction {
    pub(super) fn new(hash: &[String], drop: &[String]) -> Self {
        let of = |keys: &[String], kind| -> Vec<(Box<[u8]>, Kind)> {
            keys.iter().map(|key| (key.as_bytes().into(), kind)).collect()
        };
        Self(of(hash, Kind::Hash).into_iter().chain(of(drop, Kind::Drop)).collect())
    }

    pub(super) fn show(&self, key: &[u8], value: &[u8], salt: &Salt) -> Shown {
        match self.0.get(key) {
            Some(Kind::Drop) => Shown::Dropped,
            Some(Kind::Hash) => Shown::Hash(salt.hash(value)),
            None if value.len() > MOST_BYTES => Shown::Cut(shown(&value[..MOST_BYTES]), value.len()),
            None => Shown::Whole(shown(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: &str, value: &str, expected: &Shown) {
        let redaction = Redaction::new(&["a".into(), "both".into()], &["d".into(), "both".into()]);
        let found = redaction.show(key.as_bytes(), value.as_bytes(), &Salt::of("secret"));
        assert_eq!(&found, expected);
    }

    #[test]
    fn values_are_shown_cut_hashed_or_left_out() {
        check("k", "a b", &Shown::Whole("a%20b".into()));
        check("k", &"x".repeat(129), &Shown::Cut("x".repeat(128), 129));
        check("d", "v", &Shown::Dropped);
        check("both", "v", &Shown::Dropped);
        check("a", "10.0.0.1", &Shown::Hash(PINNED.into()));
    }

    #[test]
    fn hashes_are_pinned_by_their_secret_and_differ_without_one() {
        assert_eq!(Salt::of("secret").hash(b"10.0.0.1"), PINNED);
        assert_ne!(Salt::random().hash(b"10.0.0.1"), Salt::random().hash(b"10.0.0.1"));
        assert_ne!(Salt::of("a").hash(b"10.0.0.1"), Salt::of("b").hash(b"10.0.0.1"));
        assert_eq!(format!("{:?}", Salt::of("secret")), "****");
    }

    const PINNED: &str = "0cee0d78c9184cf3";
}
