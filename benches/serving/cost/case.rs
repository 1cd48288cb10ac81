//! One kind of load that every server is measured under.

use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use ratekeeper::cli::bench::Load;
use ratekeeper::cli::bench::target::Target;

use crate::demand::{Callers, Keys, load};

/// So many callers at a time must share script calls where they ask for one key.
const MANY_CALLERS: usize = 64;

/// What requests ask for, and how many at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Case {
    pub(crate) keys: Keys,
    /// Descriptors in a request, each with a key space of its own.
    pub(crate) descriptors: NonZeroUsize,
    pub(crate) callers: Callers,
}

impl Case {
    pub(crate) fn load(self, target: &Target, duration: Duration) -> anyhow::Result<Load> {
        Ok(Load { descriptors: self.descriptors, ..load(target, self.callers, self.keys, duration)? })
    }

    /// How many script calls a key may cost a decision at the most. Nobody waits for others, so that calls are shared is
    /// promised only where many ask at once.
    pub(crate) fn most_script_calls(self) -> f64 {
        if self.keys.space.get() == 1 && self.callers.count() >= MANY_CALLERS { 0.2 } else { 1.0 }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.descriptors.get() {
            1 => write!(f, "1 descriptor, {}", self.keys),
            many => write!(f, "{many} descriptors, in each {}", self.keys),
        }
    }
}
