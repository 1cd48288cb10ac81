//! How a limit is held: what a hit costs a counter, and how a counter comes to forget it.

/// The way in which hits are counted and forgotten again.
///
/// [`FixedWindow`](Self::FixedWindow) counts denied hits, as envoyproxy/ratelimit does. The others are meters: a hit that is denied takes
/// nothing, unless its limit allows an overdraft.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// Windows that start at multiples of the period, each with a count of its own.
    #[default]
    FixedWindow,
    /// Two such windows, the older one weighted by what of it still lies within one period.
    SlidingWindow,
    /// A bucket that so many hits drain from in each period, and that holds `burst`.
    TokenBucket,
    /// A bucket that holds one hit: they pass at even distances.
    LeakyBucket,
    /// The time of every hit of one period.
    SlidingLog,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::FixedWindow, Self::SlidingWindow, Self::TokenBucket, Self::LeakyBucket, Self::SlidingLog];

    /// The word for it in rule files, answers of the HTTP interfaces and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FixedWindow => "fixed_window",
            Self::SlidingWindow => "sliding_window",
            Self::TokenBucket => "token_bucket",
            Self::LeakyBucket => "leaky_bucket",
            Self::SlidingLog => "sliding_log",
        }
    }

    /// The algorithm of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Whether it is a bucket, which has a burst.
    #[must_use]
    pub const fn is_bucket(self) -> bool {
        matches!(self, Self::TokenBucket | Self::LeakyBucket)
    }

    /// Whether it is a meter: whether denied hits take nothing.
    #[must_use]
    pub const fn is_meter(self) -> bool {
        !matches!(self, Self::FixedWindow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_is_found_by_its_name() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
        }
        assert_eq!(Algorithm::from_name("fixed window"), None);
    }
}
