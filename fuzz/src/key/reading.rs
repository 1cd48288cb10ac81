//! A key taken apart again by what its documentation says, and not by the code that makes it.

use super::Identity;
use ratekeeper::decision::key::MAX_PART;

/// As many digits as 192 bits have.
const HASH_DIGITS: usize = 48;

/// A part of a key.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Plain(Vec<u8>),
    Hash,
}

/// Holds a key to what it was made of.
pub(super) fn check(key: &[u8], identity: &Identity) {
    let text = str::from_utf8(key).expect("keys are ASCII");
    let mut parts = text.split('|');
    let window = format!("f{}", identity.period().seconds());
    assert_eq!((parts.next(), parts.next()), (Some("1"), Some(window.as_str())), "{text}");
    check_part(parts.next(), identity.domain.as_bytes(), text);
    let entries: Vec<_> = parts.collect();
    if let [hash] = entries[..]
        && !hash.contains('=')
    {
        assert_eq!(read(hash), Part::Hash, "{text}");
        return;
    }
    assert_eq!(entries.len(), identity.entries.len(), "{text}");
    for (found, (key, value)) in entries.iter().zip(&identity.entries) {
        let (found_key, found_value) = found.split_once('=').expect("an entry has a key and a value");
        check_part(Some(found_key), key, text);
        check_part(Some(found_value), value, text);
    }
}

fn check_part(found: Option<&str>, expected: &[u8], text: &str) {
    let found = found.expect("there is a part for everything");
    assert!(found.len() <= MAX_PART, "{text} has a part that is too long");
    let read = read(found);
    assert!(
        read == Part::Hash || read == Part::Plain(expected.to_vec()),
        "{text} is not made of {expected:?}"
    );
}

fn read(part: &str) -> Part {
    let upper_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
    if let Some(digits) = part.strip_prefix('#') {
        assert!(digits.len() == HASH_DIGITS && upper_hex(digits), "{part} is no hash");
        return Part::Hash;
    }
    let mut pieces = part.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (digits, plain) = piece.split_at_checked(2).expect("two digits stand behind `%`");
        bytes.push(u8::from_str_radix(digits, 16).expect("the digits are hexadecimal"));
        bytes.extend(plain.bytes());
    }
    Part::Plain(bytes)
}
