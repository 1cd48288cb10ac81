//! A point in time as logs write it: `2026-11-22T00:02:54.123Z`.

use crate::decision::time::Timestamp;

/// Days in 400 years, after which the calendar repeats itself.
const DAYS_OF_AN_ERA: u64 = 146_097;

/// Days from 1 March of the year 0 to 1 January 1970. Years that begin in March have their leap day at the end.
const DAYS_TO_EPOCH: u64 = 719_468;

/// The time in UTC, to the millisecond.
pub(super) fn written(time: Timestamp) -> String {
    let (secs, millis) = (time.secs(), time.millis() % 1_000);
    let (year, month, day) = date(secs / 86_400);
    let (hour, minute, second) = (secs / 3_600 % 24, secs / 60 % 60, secs % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// The year, month and day so many days after 1 January 1970, in the Gregorian calendar.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_TO_EPOCH;
    let (era, day) = (days / DAYS_OF_AN_ERA, days % DAYS_OF_AN_ERA);
    let year = (day - day / 1_460 + day / 36_524 - day / (DAYS_OF_AN_ERA - 1)) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // Months from March on: 31, 30, 31, 30, 31 days, over and over.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (millis, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_735_689_599_001, "2024-12-31T23:59:59.001Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(written(Timestamp::from_millis(millis)), expected);
        }
    }
}
