//! What a counter's key says of how it counts: the algorithm, the window, and what it counts time in.
//!
//! A counter stores times and levels in its ticks, so counters in milliseconds and in seconds are different counters, and whoever knows
//! nothing but the key knows what its numbers mean.

use crate::decision::algorithm::Algorithm;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::ticks::{Tick, Ticks};

/// How the counters of one kind count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind {
    /// How the limit is held.
    pub algorithm: Algorithm,
    /// The window.
    pub period: Period,
    /// What time is counted in; milliseconds where an algorithm stores none.
    pub tick: Tick,
}

impl Kind {
    /// The kind of such a limit's counters.
    #[must_use]
    pub const fn of(limit: Limit) -> Self {
        Self { algorithm: limit.algorithm, period: limit.period, tick: limit.tick() }
    }

    /// Its letter in counters' keys: small, and a capital where time is counted in seconds.
    #[must_use]
    pub const fn letter(self) -> u8 {
        let letter = letter(self.algorithm);
        match self.tick {
            Tick::Millisecond => letter,
            Tick::Second => letter.to_ascii_uppercase(),
        }
    }

    /// The kind with this letter and this window.
    #[must_use]
    pub fn with_letter(letter: u8, period: Period) -> Option<Self> {
        let kinds = Algorithm::ALL.into_iter().flat_map(|algorithm| {
            ticks_of(algorithm).iter().map(move |&tick| Self { algorithm, period, tick })
        });
        kinds.into_iter().find(|kind| kind.letter() == letter)
    }

    /// The letter that all kinds of this algorithm have, where they have one.
    #[must_use]
    pub fn only_letter(algorithm: Algorithm) -> Option<u8> {
        (ticks_of(algorithm).len() == 1).then_some(letter(algorithm))
    }

    /// The window in the ticks of its counters.
    #[must_use]
    pub const fn ticks(self) -> Ticks {
        Ticks::new(self.period, self.tick)
    }
}

const fn letter(algorithm: Algorithm) -> u8 {
    match algorithm {
        Algorithm::FixedWindow => b'f',
        Algorithm::SlidingWindow => b's',
        Algorithm::TokenBucket => b't',
        Algorithm::LeakyBucket => b'l',
        Algorithm::SlidingLog => b'x',
    }
}

/// What its counters may count time in, as [`Limit::tick`] has it.
const fn ticks_of(algorithm: Algorithm) -> &'static [Tick] {
    match algorithm {
        Algorithm::SlidingWindow | Algorithm::TokenBucket => &[Tick::Millisecond, Tick::Second],
        Algorithm::FixedWindow | Algorithm::LeakyBucket | Algorithm::SlidingLog => &[Tick::Millisecond],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_kind_is_found_by_its_letter() {
        let mut letters = HashSet::new();
        for algorithm in Algorithm::ALL {
            for &tick in ticks_of(algorithm) {
                let kind = Kind { algorithm, period: Period::DAY, tick };
                assert!(letters.insert(kind.letter()), "{kind:?}");
                assert_eq!(Kind::with_letter(kind.letter(), Period::DAY), Some(kind));
            }
        }
        for letter in [b'F', b'L', b'X', b'a'] {
            assert_eq!(Kind::with_letter(letter, Period::DAY), None);
        }
    }

    /// Whatever a limit is counted in has a letter.
    #[test]
    fn every_limit_has_a_kind_that_is_found() {
        for algorithm in Algorithm::ALL {
            for number in [1, 1_000, u32::MAX] {
                for period in Period::UNITS {
                    let kind = Kind::of(Limit::new(number, period).held_by(algorithm));
                    assert_eq!(Kind::with_letter(kind.letter(), period), Some(kind));
                    assert!(Kind::only_letter(algorithm).is_none_or(|only| only == kind.letter()));
                }
            }
        }
    }
}
