//! How long a caller waits: the `grpc-timeout` of its call, in the form that gRPC's HTTP/2 protocol gives it.

use std::time::Duration;

use http::{HeaderMap, HeaderName};

/// The header that says it.
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The longest value that the protocol allows, in digits.
const MAX_DIGITS: usize = 8;

/// How long the caller of a call with these headers waits; nothing where it does not say, or not in a form that is known.
#[must_use]
pub fn patience(headers: &HeaderMap) -> Option<Duration> {
    parse(headers.get(&TIMEOUT)?.to_str().ok()?)
}

fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let plain =
        (1..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    let amount: u64 = plain.then(|| digits.parse().ok())??;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3_600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_and_anything_else_is_no_timeout() {
        let read =
            ["1H", "2M", "3S", "20m", "5u", "6n", "99999999H"].map(|text| parse(text).map(|d| d.as_nanos()));
        let nanos = [3_600_000_000_000, 120_000_000_000, 3_000_000_000, 20_000_000, 5_000, 6];
        assert_eq!(read[..6], nanos.map(Some));
        assert_eq!(read[6], Some(99_999_999 * 3_600_000_000_000));
        for text in ["", "m", "20", "20x", "-1m", "+1m", "123456789m", "1ms", "2ü", " 1m"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
