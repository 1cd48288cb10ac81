//! Which counters somebody wants to see, as far as their keys tell.

use super::kind::Kind;
use super::name::{self, CounterName};
use super::{FORMAT, is_plain};
use crate::decision::algorithm::Algorithm;
use crate::decision::percent::escaped;
use crate::decision::period::Period;

/// Keys by their algorithm, their unit, their domain, and the beginning of their entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyPattern {
    algorithm: Option<Algorithm>,
    period: Option<Period>,
    /// As it stands in the key.
    domain: Option<Box<[u8]>>,
    beginning: Beginning,
}

/// What a key begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Beginning {
    /// Its entries, as they stand in the key.
    OfEntries(Vec<u8>),
    /// The key itself.
    OfKey(Vec<u8>),
}

impl Default for Beginning {
    fn default() -> Self {
        Self::OfEntries(Vec::new())
    }
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Exactly this.
    Text(Vec<u8>),
    /// Anything.
    Any,
}

impl KeyPattern {
    /// Keys of this unit and this domain, where they are given, whose entries begin so; or that themselves begin so, where that begins
    /// as keys do. Entries are written as they are shown: `user=al`, `path=/a,user=`.
    #[must_use]
    pub fn new(period: Option<Period>, domain: Option<&str>, beginning: &str) -> Self {
        // No entry begins like a key, because `|` is always escaped there.
        let beginning = match beginning.split_once('|') {
            Some(_) => Beginning::OfKey(beginning.as_bytes().to_vec()),
            None => Beginning::OfEntries(in_key(beginning)),
        };
        let domain = domain.map(|domain| name::part_of(domain.as_bytes()).as_slice().into());
        Self { algorithm: None, period, domain, beginning }
    }

    /// Of those only the keys of counters that are held so, where an algorithm is given.
    #[must_use]
    pub fn held_by(self, algorithm: Option<Algorithm>) -> Self {
        Self { algorithm, ..self }
    }

    /// Whether a key is meant, given what it says.
    #[must_use]
    pub fn matches(&self, key: &[u8], name: &CounterName<'_>) -> bool {
        let is_unit = self.period.is_none_or(|period| period == name.kind.period);
        let domain = name.domain.text();
        let is_domain = self.domain.as_deref().is_none_or(|wanted| wanted == domain.as_bytes());
        let begins = match &self.beginning {
            Beginning::OfKey(beginning) => key.starts_with(beginning),
            Beginning::OfEntries(beginning) => {
                let mut fields = key.splitn(4, |&byte| byte == b'|').skip(3);
                fields.next().unwrap_or_default().starts_with(beginning)
            }
        };
        let is_held_so = self.algorithm.is_none_or(|algorithm| algorithm == name.kind.algorithm);
        is_unit && is_domain && begins && is_held_so
    }

    /// What keys look like that may be meant, roughly: for a store that can leave out others. All are of our format.
    #[must_use]
    pub fn pieces(&self) -> Vec<Piece> {
        let text = |text: &[u8]| Piece::Text(text.to_vec());
        let entries = match &self.beginning {
            Beginning::OfKey(key) if key.starts_with(FORMAT.as_bytes()) => {
                return vec![text(key), Piece::Any];
            }
            Beginning::OfKey(_) => &[],
            Beginning::OfEntries(entries) => entries.as_slice(),
        };
        let period =
            self.period.map_or(Piece::Any, |period| Piece::Text(period.seconds().to_string().into_bytes()));
        let mut pieces = match self.algorithm.and_then(Kind::only_letter) {
            Some(letter) => vec![text(&[FORMAT.as_bytes(), &[letter]].concat()), period],
            // The letter of any.
            None => vec![text(FORMAT.as_bytes()), Piece::Any, period],
        };
        if self.domain.is_none() && entries.is_empty() {
            pieces.push(Piece::Any);
            return pieces;
        }
        pieces.push(text(b"|"));
        pieces.push(self.domain.as_deref().map_or(Piece::Any, text));
        if !entries.is_empty() {
            pieces.extend([text(b"|"), text(entries)]);
        }
        pieces.push(Piece::Any);
        pieces
    }
}

/// The beginning of entries as it stands in keys, where entries are divided by `|` and a comma is a byte like others.
fn in_key(beginning: &str) -> Vec<u8> {
    let mut text = Vec::with_capacity(beginning.len());
    for (index, piece) in beginning.split("%2C").enumerate() {
        if index > 0 {
            text.push(b',');
        }
        for byte in piece.bytes() {
            match byte {
                b',' => text.push(b'|'),
                b'=' | b'%' | b'#' => text.push(byte),
                plain if is_plain(plain) => text.push(plain),
                other => text.extend(escaped(other)),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &KeyPattern, key: &str, expected: bool) {
        let name = CounterName::read(key.as_bytes()).expect("a key of ours");
        assert_eq!(pattern.matches(key.as_bytes(), &name), expected, "{key}");
        if expected {
            assert!(fits(&pattern.pieces(), key.as_bytes()), "{key} is left out by {:?}", pattern.pieces());
        }
    }

    /// What a store does with the pieces.
    fn fits(pieces: &[Piece], text: &[u8]) -> bool {
        match pieces {
            [] => text.is_empty(),
            [Piece::Text(own), rest @ ..] => {
                text.strip_prefix(own.as_slice()).is_some_and(|text| fits(rest, text))
            }
            [Piece::Any, rest @ ..] => (0..=text.len()).any(|start| fits(rest, &text[start..])),
        }
    }

    #[test]
    fn keys_are_meant_by_what_they_say() {
        let all = KeyPattern::default();
        check(&all, "1|f60|demo|a=b", true);
        check(&all, "1|f1|demo", true);
        let domain = KeyPattern::new(None, Some("demo"), "");
        check(&domain, "1|f60|demo|a=b", true);
        check(&domain, "1|f60|demo", true);
        check(&domain, "1|f60|demo2|a=b", false);
        check(&domain, "1|f60|other|demo=demo", false);
        let odd = KeyPattern::new(Some(Period::MINUTE), Some("a|b"), "");
        check(&odd, "1|f60|a%7Cb|k=v", true);
        check(&odd, "1|f1|a%7Cb|k=v", false);
        let user = KeyPattern::new(None, None, "user=al");
        check(&user, "1|f60|demo|user=alice", true);
        check(&user, "1|f60|demo|user=bob", false);
        check(&user, "1|f60|demo|x=y|user=alice", false);
    }

    #[test]
    fn keys_of_one_algorithm() {
        let buckets =
            KeyPattern::new(Some(Period::MINUTE), Some("demo"), "").held_by(Some(Algorithm::TokenBucket));
        check(&buckets, "1|t60|demo|a=b", true);
        check(&buckets, "1|f60|demo|a=b", false);
        check(&buckets, "1|t61|demo|a=b", false);
        let buckets = KeyPattern::default().held_by(Some(Algorithm::TokenBucket));
        check(&buckets, "1|t3600|demo", true);
        check(&buckets, "1|T3600|demo", true);
        check(&buckets, "1|l3600|demo", false);
        check(&buckets.held_by(None), "1|l3600|demo", true);
    }

    /// A store may leave out others where one letter says all.
    #[test]
    fn the_letter_of_an_algorithm_is_looked_for() {
        let first = |algorithm| KeyPattern::default().held_by(Some(algorithm)).pieces().swap_remove(0);
        assert_eq!(first(Algorithm::SlidingLog), Piece::Text(b"1|x".to_vec()));
        assert_eq!(first(Algorithm::TokenBucket), Piece::Text(b"1|".to_vec()));
    }

    #[test]
    fn beginnings_are_written_as_entries_are_shown() {
        check(&KeyPattern::new(None, None, "path=/a,user=a"), "1|f60|demo|path=/a|user=ada", true);
        check(&KeyPattern::new(None, None, "path=/a%2Cb"), "1|f60|demo|path=/a,bc", true);
        check(&KeyPattern::new(None, None, "path=/ü "), "1|f60|demo|path=/%C3%BC%20x", true);
        check(&KeyPattern::new(None, None, "path=%7B"), "1|f60|demo|path=%7Bx%7D", true);
        check(
            &KeyPattern::new(None, None, "path=#6353"),
            &format!("1|f60|demo|path=#6353{}", "A".repeat(44)),
            true,
        );
        check(&KeyPattern::new(None, None, "1|f60|de"), "1|f60|demo|a=b", true);
        check(&KeyPattern::new(None, None, "1|f60|de"), "1|f1|demo|a=b", false);
        check(&KeyPattern::new(None, None, "2|f60|de"), "1|f60|demo|a=b", false);
    }
}
