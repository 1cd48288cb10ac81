//! What plain text means: nothing, a truth value, a number or itself.
//!
//! The core schema of YAML 1.2, with what files written for YAML 1.1 commonly use: `1_000` and `0b11`. A number with a
//! leading zero is text, since it is octal to the one and decimal to the other, and so are infinities.

/// A scalar without quotes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Plain {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text,
}

/// The meaning of plain text.
pub(crate) fn resolve(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Plain::Null,
        "true" | "True" | "TRUE" => Plain::Bool(true),
        "false" | "False" | "FALSE" => Plain::Bool(false),
        _ if !starts_like_number(text) => Plain::Text,
        _ => {
            integer(text).map(Plain::Integer).or_else(|| float(text).map(Plain::Float)).unwrap_or(Plain::Text)
        }
    }
}

fn starts_like_number(text: &str) -> bool {
    text.bytes().next().is_some_and(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.'))
}

fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x', ..] => (16, &digits[2..]),
        [b'0', b'o', ..] => (8, &digits[2..]),
        [b'0', b'b', ..] => (2, &digits[2..]),
        [b'0', _, ..] => return None,
        _ => (10, digits),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = i128::from_str_radix(&without_underscores(digits)?, radix).ok()?;
    Some(if negative { -magnitude } else { magnitude })
}

fn float(text: &str) -> Option<f64> {
    let allowed = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-' | b'_');
    let unsigned = text.trim_start_matches(['+', '-']);
    let leading_zero = unsigned.len() > 1 && unsigned.starts_with('0') && !unsigned.starts_with("0.");
    let number = text.bytes().all(allowed) && !leading_zero;
    number.then(|| without_underscores(text)?.parse().ok())?
}

/// Digits with the `_` between them taken out; nothing where there is one at an end, or a sign.
fn without_underscores(digits: &str) -> Option<String> {
    let well_formed = !digits.is_empty() && !digits.starts_with('_') && !digits.ends_with('_');
    well_formed.then(|| digits.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_and_truth() {
        for text in ["", "~", "null", "NULL"] {
            assert_eq!(resolve(text), Plain::Null, "{text}");
        }
        assert_eq!(resolve("True"), Plain::Bool(true));
        assert_eq!(resolve("yes"), Plain::Text);
    }

    #[test]
    fn whole_numbers() {
        for (text, number) in [
            ("0", 0),
            ("10", 10),
            ("-1", -1),
            ("+7", 7),
            ("0x1F", 31),
            ("0o17", 15),
            ("0b11", 3),
            ("1_000", 1000),
        ] {
            assert_eq!(resolve(text), Plain::Integer(number), "{text}");
        }
    }

    #[test]
    fn fractions() {
        for (text, number) in [("1.5", 1.5), ("1e3", 1000.0), ("-0.5", -0.5), (".5", 0.5)] {
            assert_eq!(resolve(text), Plain::Float(number), "{text}");
        }
        assert!(matches!(resolve(&"9".repeat(50)), Plain::Float(_)));
    }

    #[test]
    fn text() {
        for text in
            ["010", "1.2.3", "10.0.0.0/8", "-", ".", "1_", "0x", "12a", ".inf", "2024-01-01", "+-1", "--1"]
        {
            assert_eq!(resolve(text), Plain::Text, "{text}");
        }
    }
}
