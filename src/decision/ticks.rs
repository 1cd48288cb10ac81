//! Time as meters count it: in whole ticks, so that every store comes to the same number.

use crate::decision::period::Period;
use crate::decision::time::Timestamp;

/// Products of hits and ticks stay below this: Lua's numbers are exact up to 2^53, and quotients of such numbers are rounded the right way.
pub const MOST: u64 = 1 << 52;

/// Periods up to this long are counted in milliseconds, in seconds otherwise.
const FINE: u32 = 3_600;

/// How far ahead of `now` a meter may have been used and still be believed, in milliseconds: as
/// [`MAX_AHEAD`](crate::decision::fixed_window::MAX_AHEAD).
const MAX_AHEAD: u64 = 1_000 * crate::decision::fixed_window::MAX_AHEAD;

/// The ticks of limits of one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticks {
    per_period: u64,
    millis: u64,
}

impl Ticks {
    /// The ticks for this period.
    #[must_use]
    pub fn of(period: Period) -> Self {
        let seconds = u64::from(period.seconds());
        match period.seconds() {
            0..=FINE => Self { per_period: 1_000 * seconds, millis: 1 },
            _ => Self { per_period: seconds, millis: 1_000 },
        }
    }

    /// Milliseconds, for any period.
    #[must_use]
    pub fn fine(period: Period) -> Self {
        Self { per_period: 1_000 * u64::from(period.seconds()), millis: 1 }
    }

    /// Ticks in one period.
    #[must_use]
    pub fn per_period(self) -> u64 {
        self.per_period
    }

    /// The tick that `now` lies in, counted from the epoch.
    #[must_use]
    pub fn at(self, now: Timestamp) -> u64 {
        now.millis() / self.millis
    }

    /// When a tick begins.
    #[must_use]
    pub fn begin(self, tick: u64) -> Timestamp {
        Timestamp::from_millis(tick.saturating_mul(self.millis))
    }

    /// Whether a meter that was used at this tick was used by a clock that was wrong.
    #[must_use]
    pub fn is_far_ahead(self, tick: u64, now: Timestamp) -> bool {
        self.begin(tick).millis() > now.millis().saturating_add(MAX_AHEAD)
    }

    /// The largest limit, or burst, that is exact: a meter has room for twice as much, as an overdraft or a limit that was lowered may need.
    #[must_use]
    pub fn largest_limit(self) -> u64 {
        (MOST / 2 / self.per_period).min(u64::from(u32::MAX))
    }

    /// The most hits that a meter may hold.
    #[must_use]
    pub fn most_hits(self) -> u64 {
        (MOST / self.per_period).min(u64::from(u32::MAX))
    }
}
