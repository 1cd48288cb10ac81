//! The units of time that rules and requests name.
//!
//! The set and the lengths are Envoy's (`envoy.type.v3.RateLimitUnit`) as its users rely on them: a month is
//! 30 days and a year 365, so that each is a number of seconds whatever the calendar says.

/// The unit of a limit's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// 1 second.
    Second,
    /// 60 seconds.
    Minute,
    /// 3,600 seconds.
    Hour,
    /// 86,400 seconds.
    Day,
    /// 7 days; windows start on Thursdays, as the Unix epoch did.
    Week,
    /// 30 days.
    Month,
    /// 365 days.
    Year,
}

impl Unit {
    /// Every unit, shortest first.
    pub const ALL: [Unit; 7] =
        [Unit::Second, Unit::Minute, Unit::Hour, Unit::Day, Unit::Week, Unit::Month, Unit::Year];

    /// The unit's name in rule files, in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Unit::Second => "second",
            Unit::Minute => "minute",
            Unit::Hour => "hour",
            Unit::Day => "day",
            Unit::Week => "week",
            Unit::Month => "month",
            Unit::Year => "year",
        }
    }

    /// The unit that has this name, whatever the case of its letters.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Unit> {
        Self::ALL.into_iter().find(|unit| unit.name().eq_ignore_ascii_case(name))
    }

    /// The unit that is so many seconds long.
    #[must_use]
    pub fn from_seconds(seconds: u32) -> Option<Unit> {
        Self::ALL.into_iter().find(|unit| unit.seconds() == seconds)
    }

    /// The window's length in seconds.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        match self {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3_600,
            Unit::Day => 86_400,
            Unit::Week => 7 * 86_400,
            Unit::Month => 30 * 86_400,
            Unit::Year => 365 * 86_400,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case() {
        for unit in Unit::ALL {
            assert_eq!(Unit::from_name(&unit.name().to_uppercase()), Some(unit));
        }
        assert_eq!(Unit::from_name("fortnight"), None);
    }
}
