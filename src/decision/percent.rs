//! `%XX`: a byte that would not be taken for itself where it stands. Which bytes those are is each caller's to say.

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// A byte as two digits.
#[inline]
pub(super) fn digits(byte: u8) -> [u8; 2] {
    [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]
}

/// A byte as a percent sign and two digits.
#[inline]
pub(super) fn escaped(byte: u8) -> [u8; 3] {
    let [high, low] = digits(byte);
    [b'%', high, low]
}

/// The bytes that a text with `%XX` in it stands for, with digits in either case; `None` where `%` is followed by something else.
pub(super) fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(&byte) = rest.next() {
        bytes.push(match byte {
            b'%' => (value(*rest.next()?)? << 4) | value(*rest.next()?)?,
            plain => plain,
        });
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        for byte in 0..=u8::MAX {
            let text = escaped(byte);
            assert_eq!(unescaped(&text), Some(vec![byte]));
            assert_eq!(unescaped(&text.to_ascii_lowercase()), Some(vec![byte]));
        }
        assert_eq!(escaped(b'|'), *b"%7C");
        assert_eq!(unescaped(b"a%2Cb").as_deref(), Some(&b"a,b"[..]));
    }

    #[test]
    fn a_percent_sign_without_two_digits_is_told() {
        for text in ["%", "%2", "a%2", "%%2C", "%2G", "%+1"] {
            assert_eq!(unescaped(text.as_bytes()), None, "{text}");
        }
    }
}
