//! Numbers as trace headers write them.

/// A number of exactly so many digits as the text has, at most 16; nothing where anything else stands there.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    let fits = (1..=16).contains(&text.len());
    fits.then_some(())?;
    text.iter().try_fold(0_u64, |number, &byte| Some(number << 4 | u64::from(digit(byte)?)))
}

/// Whether there are capital digits, which W3C's form does not allow.
pub(super) fn has_capitals(text: &[u8]) -> bool {
    text.iter().any(u8::is_ascii_uppercase)
}
