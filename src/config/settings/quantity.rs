//! Durations and sizes: a number with its unit, such as `30s` and `4MiB`.

use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Serializer;

use crate::config::decode::{Decoder, Field, Optional};
use crate::config::diagnostic::quote;

/// Units of time and their nanoseconds, longest first.
const TIMES: &[(&str, u64)] = &[
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
];

/// Units of size and their bytes, largest first.
const SIZES: &[(&str, u64)] = &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl Decoder<'_, '_> {
    /// A duration within bounds.
    pub(super) fn duration(
        &mut self,
        field: &Field<'_, '_>,
        bounds: RangeInclusive<Duration>,
    ) -> Optional<Duration> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        let help = || {
            let (least, most) = (duration_text(*bounds.start()), duration_text(*bounds.end()));
            format!("write a number with ms, s, m or h, from `{least}` to `{most}`")
        };
        match read_duration(&text) {
            None => Err(self.refuse(field, not_a("duration", field, &text), help())),
            Some(duration) if !bounds.contains(&duration) => {
                Err(self.refuse(field, out_of_bounds(field, &text), help()))
            }
            Some(duration) => Ok(Some(duration)),
        }
    }

    /// A size in bytes within bounds.
    pub(super) fn size(&mut self, field: &Field<'_, '_>, bounds: RangeInclusive<u32>) -> Optional<u32> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        let help = || {
            let (least, most) = (size_text(*bounds.start()), size_text(*bounds.end()));
            format!("write a number with KiB or MiB, from `{least}` to `{most}`")
        };
        match parse(&text, SIZES).map(u32::try_from) {
            None => Err(self.refuse(field, not_a("size", field, &text), help())),
            Some(Ok(size)) if bounds.contains(&size) => Ok(Some(size)),
            Some(_) => Err(self.refuse(field, out_of_bounds(field, &text), help())),
        }
    }
}

/// A duration as settings write it.
#[must_use]
pub fn read_duration(text: &str) -> Option<Duration> {
    parse(text, TIMES).map(Duration::from_nanos)
}

/// Writes a duration as it is read.
pub(super) fn serialize_duration<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&duration_text(*duration))
}

/// Writes a size as it is read.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
pub(super) fn serialize_size<S: Serializer>(size: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&size_text(*size))
}

/// One number and unit, or several as in `1h30m`.
fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let mut rest = text.trim();
    let mut total = None;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        let (_, factor) = units.iter().find(|(known, _)| *known == unit.trim())?;
        let part = number.parse::<u64>().ok()?.checked_mul(*factor)?;
        total = Some(total.unwrap_or(0_u64).checked_add(part)?);
        rest = after;
    }
    total
}

fn duration_text(duration: Duration) -> String {
    print(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX), TIMES, "s")
}

fn size_text(size: u32) -> String {
    print(size.into(), SIZES, "B")
}

fn print(mut quantity: u64, units: &[(&str, u64)], unit_of_none: &str) -> String {
    let mut text = String::new();
    for (unit, factor) in units {
        if quantity >= *factor {
            let _ = write!(text, "{}{unit}", quantity / factor);
            quantity %= factor;
        }
    }
    if text.is_empty() { format!("0{unit_of_none}") } else { text }
}

fn not_a(what: &str, field: &Field<'_, '_>, text: &str) -> String {
    format!("`{}` must be a {what}, not {}", field.name, quote(text))
}

fn out_of_bounds(field: &Field<'_, '_>, text: &str) -> String {
    format!("`{}` is out of bounds: {}", field.name, quote(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read() {
        for (text, nanoseconds) in [
            ("30s", 30_000_000_000),
            ("10ms", 10_000_000),
            ("5m", 300_000_000_000),
            ("1h", 3_600_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("0s", 0),
            ("250us", 250_000),
            ("7 d", 604_800_000_000_000),
        ] {
            assert_eq!(parse(text, TIMES), Some(nanoseconds), "{text}");
        }
        assert_eq!(parse("4MiB", SIZES), Some(4 << 20));
        assert_eq!(parse("512B", SIZES), Some(512));
    }

    #[test]
    fn anything_else_is_not() {
        for text in
            ["", "30", "s", "1.5s", "-1s", "30sec", "1h30", "0", "18446744073709551615d", "1 0s", "٣s"]
        {
            assert_eq!(parse(text, TIMES), None, "{text}");
        }
        assert_eq!(parse("4MB", SIZES), None);
    }

    #[test]
    fn what_is_printed_is_read_back() {
        for text in ["30s", "10ms", "1h30m", "0s", "1d", "1s500ms"] {
            assert_eq!(duration_text(Duration::from_nanos(parse(text, TIMES).unwrap())), text);
        }
        assert_eq!(size_text(4 << 20), "4MiB");
        assert_eq!(size_text(1000), "1000B");
    }
}
