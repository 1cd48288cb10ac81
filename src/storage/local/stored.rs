//! A counter's state as the local store keeps it: in 16 bytes, whichever algorithm it is of.

use crate::decision::fixed_window::Window;
use crate::decision::key::CounterKey;
use crate::decision::sliding_log::SlidingLog;
use crate::decision::sliding_window::SlidingWindow;
use crate::decision::state::State;
use crate::decision::ticks::MOST;
use crate::decision::token_bucket::TokenBucket;
use crate::storage::table::{Worth, entries_in};

/// Bits of a bucket's tick that stand beside its level, which needs 52 and a sign for 2^52 itself.
const LOW_BITS: u32 = 11;

/// A state, packed. Times have 48 bits, a bucket's tick 59 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stored {
    FixedWindow { start: Wide, count: u64 },
    SlidingWindow { start: Wide, previous: u32, current: u32 },
    Bucket { high: Wide, level_and_low: u64 },
    SlidingLog(Box<SlidingLog>),
}

/// A number of 48 bits that asks for no more than the alignment of 16, so that a state has room for its kind beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wide([u16; 3]);

impl Wide {
    const MAX: u64 = (1 << 48) - 1;

    #[expect(clippy::cast_possible_truncation, reason = "each takes its own 16 bits")]
    fn new(number: u64) -> Self {
        let number = number.min(Self::MAX);
        Self([number as u16, (number >> 16) as u16, (number >> 32) as u16])
    }

    fn get(self) -> u64 {
        let [low, middle, high] = self.0.map(u64::from);
        low | (middle << 16) | (high << 32)
    }
}

/// Forgetting a counter gives back what was counted in it.
impl Worth for Stored {
    fn worth(&self, key: &[u8]) -> u64 {
        match self {
            Self::FixedWindow { count, .. } => *count,
            Self::SlidingWindow { previous, current, .. } => u64::from(*previous) + u64::from(*current),
            Self::SlidingLog(log) => log.total(),
            Self::Bucket { level_and_low, .. } => {
                let per_hit = CounterKey::kind_of(key).map_or(1, |kind| kind.ticks().per_period());
                (level_and_low >> LOW_BITS).div_ceil(per_hit)
            }
        }
    }

    fn weight(&self) -> usize {
        match self {
            Self::SlidingLog(log) => 1 + entries_in(size_of::<SlidingLog>() + log.bytes()),
            _ => 1,
        }
    }
}

impl Stored {
    /// A fixed window, where it is one.
    pub(super) fn window(&self) -> Option<Window> {
        match *self {
            Self::FixedWindow { start, count } => Some(Window { start: start.get(), count }),
            _ => None,
        }
    }

    /// The state; a log is copied.
    pub(super) fn state(&self) -> State {
        match *self {
            Self::FixedWindow { start, count } => State::FixedWindow(Window { start: start.get(), count }),
            Self::SlidingWindow { start, previous, current } => State::SlidingWindow(SlidingWindow {
                start: start.get(),
                previous: previous.into(),
                current: current.into(),
            }),
            Self::Bucket { high, level_and_low } => State::Bucket(TokenBucket {
                level: level_and_low >> LOW_BITS,
                at: (high.get() << LOW_BITS) | (level_and_low & ((1 << LOW_BITS) - 1)),
            }),
            Self::SlidingLog(ref log) => State::SlidingLog(log.clone()),
        }
    }

    /// A log, where it is one, to be counted on in its place: to copy all its hits takes long.
    pub(super) fn log_mut(&mut self) -> Option<&mut SlidingLog> {
        if let Self::SlidingLog(log) = self { Some(log) } else { None }
    }
}

impl From<Window> for Stored {
    fn from(window: Window) -> Self {
        Self::FixedWindow { start: Wide::new(window.start), count: window.count }
    }
}

impl From<State> for Stored {
    fn from(state: State) -> Self {
        match state {
            State::FixedWindow(window) => window.into(),
            State::SlidingWindow(SlidingWindow { start, previous, current }) => Self::SlidingWindow {
                start: Wide::new(start),
                previous: narrow(previous),
                current: narrow(current),
            },
            State::Bucket(TokenBucket { level, at }) => Self::Bucket {
                high: Wide::new(at >> LOW_BITS),
                level_and_low: (level.min(MOST) << LOW_BITS) | (at & ((1 << LOW_BITS) - 1)),
            },
            State::SlidingLog(log) => Self::SlidingLog(log),
        }
    }
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::sliding_log::LogEntry;

    #[test]
    fn a_state_takes_sixteen_bytes() {
        assert_eq!(size_of::<Stored>(), 16);
        assert_eq!(size_of::<Option<Stored>>(), 16);
    }

    #[test]
    fn every_state_is_found_again() {
        let entries = [LogEntry { at: 1, hits: 2 }, LogEntry { at: 3, hits: 4 }];
        for state in [
            State::FixedWindow(Window { start: 4_000_000_000_000, count: u64::MAX }),
            State::SlidingWindow(SlidingWindow {
                start: 4_000_000_000_020,
                previous: u32::MAX.into(),
                current: 7,
            }),
            State::Bucket(TokenBucket { level: MOST, at: 4_000_000_000_000_123 }),
            State::Bucket(TokenBucket { level: 0, at: 0 }),
            State::SlidingLog(Box::new(SlidingLog::of(entries))),
        ] {
            assert_eq!(Stored::from(state.clone()).state(), state);
        }
    }

    #[test]
    fn a_bucket_is_worth_what_it_holds_in_hits() {
        let worth = |key: &[u8], level| Stored::from(State::Bucket(TokenBucket { level, at: 5 })).worth(key);
        assert_eq!(worth(b"1|t60|d|k=v", 60_000 * 3 - 1), 3);
        assert_eq!(worth(b"1|t86400|d|k=v", 86_400_000 * 3), 3);
        assert_eq!(worth(b"1|T86400|d|k=v", 86_400 * 3), 3);
    }
}
