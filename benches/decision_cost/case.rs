//! The shapes of load that every server is measured under.

use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};

/// So many callers at a time must share script calls where they ask for one key.
const MANY_CALLERS: usize = 64;

/// What requests ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Case {
    /// Size of each descriptor's key space; 1 is one hot key.
    pub(crate) keys: NonZeroU64,
    /// Descriptors in a request, each with a key space of its own.
    pub(crate) descriptors: NonZeroUsize,
}

impl Case {
    /// Every one of these key spaces with every one of these numbers of descriptors.
    pub(crate) fn product(keys: &[NonZeroU64], descriptors: &[NonZeroUsize]) -> Vec<Self> {
        let with = |&keys| descriptors.iter().map(move |&descriptors| Self { keys, descriptors });
        keys.iter().flat_map(with).collect()
    }

    /// How many script calls a key may cost a decision at the most. Nobody waits for others, so that calls are shared is
    /// promised only where many ask at once.
    pub(crate) fn goal(self, callers: usize) -> f64 {
        if self.keys.get() == 1 && callers >= MANY_CALLERS { 0.2 } else { 1.0 }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { keys, descriptors } = self;
        match descriptors.get() {
            1 => f.write_str("1 descriptor")?,
            many => write!(f, "{many} descriptors")?,
        }
        match keys.get() {
            1 => f.write_str(", hot: always the same key in each"),
            many => write!(f, ", uniform: one of {many} keys in each"),
        }
    }
}
