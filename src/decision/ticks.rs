//! Time as meters count it: in whole ticks, so that every store comes to the same number.
//!
//! Which ticks a limit is counted in is [`Limit::tick`](crate::decision::limit::Limit::tick).

use crate::decision::period::Period;
use crate::decision::time::{self, Timestamp};

/// Products of hits and ticks stay below this: Lua's numbers are exact up to 2^53, and quotients of such numbers are rounded the right way.
pub const MOST: u64 = 1 << 52;

/// How far ahead of `now` a meter may have been used and still be believed, in milliseconds: as
/// [`MAX_AHEAD`](time::MAX_AHEAD).
const MAX_AHEAD: u64 = 1_000 * time::MAX_AHEAD;

/// How long one tick is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Tick {
    /// What all are counted in that can be.
    #[default]
    Millisecond,
    /// For limits so large that their products with milliseconds would not be exact.
    Second,
}

impl Tick {
    /// Its length in milliseconds.
    #[must_use]
    pub const fn millis(self) -> u64 {
        match self {
            Self::Millisecond => 1,
            Self::Second => 1_000,
        }
    }
}

/// The ticks of one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticks {
    per_period: u64,
    millis: u64,
}

impl Ticks {
    /// A period in such ticks.
    #[must_use]
    pub const fn new(period: Period, tick: Tick) -> Self {
        let seconds = period.seconds() as u64;
        let per_period = match tick {
            Tick::Millisecond => 1_000 * seconds,
            Tick::Second => seconds,
        };
        Self { per_period, millis: tick.millis() }
    }

    /// Ticks in one period.
    #[must_use]
    pub const fn per_period(self) -> u64 {
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

    /// Whether a limit, or a burst, is no larger than that.
    #[must_use]
    pub const fn are_exact_for(self, capacity: u64) -> bool {
        capacity.saturating_mul(self.per_period) <= MOST / 2
    }

    /// The most hits that a meter may hold.
    #[must_use]
    pub fn most_hits(self) -> u64 {
        (MOST / self.per_period).min(u64::from(u32::MAX))
    }
}
