//! The length of the window that a limit is about, in whole seconds: one of Envoy's units, or any other.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use crate::decision::unit::Unit;

/// A length of time that a limit is given for: a whole number of seconds, from 1 to [`Period::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Period(NonZeroU32);

/// What is no period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPeriod {
    /// It is nothing, or too long.
    #[error("must be from 1s to 3650d long")]
    OutOfBounds,
    /// It is written in another way.
    #[error(
        "is written as in 30s, 5m, 36h, 7d, 2w or 1h30m, or as one of s, m, h, d, w, second, minute, hour, day, week, month, year"
    )]
    NotRead,
}

/// What lengths are read in, the longest first.
const SIGNS: [(u32, char); 5] = [(7 * 86_400, 'w'), (86_400, 'd'), (3_600, 'h'), (60, 'm'), (1, 's')];

/// What lengths are shown in. Two weeks are 14 days.
const SHOWN: &[(u32, char)] = SIGNS.split_at(1).1;

impl Period {
    /// 1 second.
    pub const SECOND: Self = Self::of(Unit::Second);
    /// 60 seconds.
    pub const MINUTE: Self = Self::of(Unit::Minute);
    /// 3,600 seconds.
    pub const HOUR: Self = Self::of(Unit::Hour);
    /// 86,400 seconds.
    pub const DAY: Self = Self::of(Unit::Day);
    /// 7 days.
    pub const WEEK: Self = Self::of(Unit::Week);
    /// 30 days.
    pub const MONTH: Self = Self::of(Unit::Month);
    /// 365 days.
    pub const YEAR: Self = Self::of(Unit::Year);

    /// Those that are Envoy's units, shortest first.
    pub const UNITS: [Self; 7] =
        [Self::SECOND, Self::MINUTE, Self::HOUR, Self::DAY, Self::WEEK, Self::MONTH, Self::YEAR];

    /// The longest one: ten years. Stores do exact arithmetic with milliseconds and counts beside it.
    pub const MAX: Self = Self(NonZeroU32::new(10 * 365 * 86_400).expect("ten years are more than nothing"));

    /// One of Envoy's units.
    #[must_use]
    pub const fn of(unit: Unit) -> Self {
        Self(NonZeroU32::new(unit.seconds()).expect("no unit is nothing"))
    }

    /// So many seconds.
    ///
    /// # Errors
    /// Where it is nothing, or more than [`Period::MAX`].
    pub fn from_seconds(seconds: u64) -> Result<Self, NoPeriod> {
        let seconds = u32::try_from(seconds).ok().and_then(NonZeroU32::new).ok_or(NoPeriod::OutOfBounds)?;
        if seconds > Self::MAX.0 { Err(NoPeriod::OutOfBounds) } else { Ok(Self(seconds)) }
    }

    /// So many units.
    ///
    /// # Errors
    /// Where it is nothing, or more than [`Period::MAX`].
    pub fn from_units(number: u32, unit: Unit) -> Result<Self, NoPeriod> {
        Self::from_seconds(u64::from(number) * u64::from(unit.seconds()))
    }

    /// Its length in seconds.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.0.get()
    }

    /// Its length.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.seconds() as u64)
    }

    /// The unit that is exactly so long.
    #[must_use]
    pub fn unit(self) -> Option<Unit> {
        Unit::from_seconds(self.seconds())
    }
}

impl From<Unit> for Period {
    fn from(unit: Unit) -> Self {
        Self::of(unit)
    }
}

/// The unit's name, or the length in the largest unit that it is a multiple of, as it may be written in a rule: `minute`, `5m`, `36h`.
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(unit) = self.unit() {
            return f.write_str(unit.name());
        }
        let fits = SHOWN.iter().copied().find(|(length, _)| self.seconds().is_multiple_of(*length));
        let (length, sign) = fits.unwrap_or((1, 's'));
        write!(f, "{}{sign}", self.seconds() / length)
    }
}

impl FromStr for Period {
    type Err = NoPeriod;

    /// Reads a unit's name in any case, a sign for one of it, or numbers with a sign each, the longer ones first: `h`, `90s`, `1h30m`.
    fn from_str(text: &str) -> Result<Self, NoPeriod> {
        if let Some(unit) = Unit::from_name(text) {
            return Ok(unit.into());
        }
        if let Some((length, _)) = SIGNS.into_iter().find(|(_, sign)| text.strip_prefix(*sign) == Some("")) {
            return Self::from_seconds(u64::from(length));
        }
        let (mut rest, mut seconds, mut signs) = (text, 0_u64, SIGNS.into_iter());
        while !rest.is_empty() {
            let digits = rest.find(|sign: char| !sign.is_ascii_digit()).ok_or(NoPeriod::NotRead)?;
            let (number, signed) = rest.split_at(digits);
            let (length, sign) =
                signs.find(|(_, sign)| signed.starts_with(*sign)).ok_or(NoPeriod::NotRead)?;
            let number: u32 = match number.parse() {
                Ok(number) => number,
                Err(_) if number.is_empty() => return Err(NoPeriod::NotRead),
                Err(_) => return Err(NoPeriod::OutOfBounds),
            };
            seconds += u64::from(number) * u64::from(length);
            rest = signed.strip_prefix(sign).unwrap_or_default();
        }
        if text.is_empty() { Err(NoPeriod::NotRead) } else { Self::from_seconds(seconds) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_shown_as_it_may_be_written() {
        for (seconds, text) in [
            (1, "second"),
            (5, "5s"),
            (60, "minute"),
            (90, "90s"),
            (300, "5m"),
            (36 * 3_600, "36h"),
            (2 * 86_400, "2d"),
            (7 * 86_400, "week"),
            (14 * 86_400, "14d"),
            (365 * 86_400, "year"),
        ] {
            assert_eq!(Period::from_seconds(seconds).unwrap().to_string(), text);
            assert_eq!(text.parse().map(Period::seconds), Ok(u32::try_from(seconds).unwrap()));
        }
    }

    #[track_caller]
    fn check_text(text: &str, expected: Result<u32, NoPeriod>) {
        assert_eq!(text.parse().map(Period::seconds), expected, "{text}");
    }

    #[test]
    fn lengths_are_read() {
        check_text("1h30m", Ok(5_400));
        check_text("1d1h1m1s", Ok(86_400 + 3_600 + 61));
        check_text("120m", Ok(7_200));
        check_text("2w", Ok(14 * 86_400));
        check_text("1w1d", Ok(8 * 86_400));
        for (sign, unit) in
            [("s", Unit::Second), ("m", Unit::Minute), ("h", Unit::Hour), ("d", Unit::Day), ("w", Unit::Week)]
        {
            check_text(sign, Ok(unit.seconds()));
        }
        check_text("MINUTE", Ok(60));
        check_text("3650d", Ok(Period::MAX.seconds()));
        for text in [
            "",
            "5",
            "x",
            "mm",
            "1d1w",
            "5 m",
            "5x",
            "-5m",
            "5m1h",
            "5m5m",
            "1.5h",
            "h5",
            "5min",
            "fortnight",
        ] {
            check_text(text, Err(NoPeriod::NotRead));
        }
        for text in ["0s", "3651d", "4294967295d", "4294967296s", "99999999999999999999d"] {
            check_text(text, Err(NoPeriod::OutOfBounds));
        }
    }

    #[test]
    fn nothing_and_too_much_are_no_periods() {
        assert_eq!(Period::from_seconds(0), Err(NoPeriod::OutOfBounds));
        assert_eq!(Period::from_seconds(u64::from(Period::MAX.seconds())), Ok(Period::MAX));
        assert_eq!(Period::from_seconds(u64::from(Period::MAX.seconds()) + 1), Err(NoPeriod::OutOfBounds));
        assert_eq!(Period::from_seconds(u64::MAX), Err(NoPeriod::OutOfBounds));
        assert_eq!(Period::from_units(5, Unit::Minute).map(Period::seconds), Ok(300));
        assert_eq!(Period::from_units(0, Unit::Minute), Err(NoPeriod::OutOfBounds));
        assert_eq!(Period::from_units(u32::MAX, Unit::Year), Err(NoPeriod::OutOfBounds));
    }

    #[test]
    fn every_unit_is_a_period_and_found_again() {
        for unit in Unit::ALL {
            assert_eq!(Period::of(unit).unit(), Some(unit));
        }
        assert_eq!(Period::from_seconds(61).unwrap().unit(), None);
    }
}
