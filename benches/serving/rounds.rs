//! Interleaving: everything is measured once in each round, so that a moody machine is moody to all alike.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

/// How often and how long.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Pace {
    /// Rounds; each measures everything once
    #[arg(long, global = true, default_value = "3", overrides_with = "rounds")]
    pub(crate) rounds: NonZeroUsize,
    /// Seconds that each thing is measured in each round
    #[arg(long, global = true, default_value = "2", overrides_with = "seconds")]
    pub(crate) seconds: NonZeroU32,
}

impl Pace {
    /// How long one turn takes, its warm-up apart.
    pub(crate) fn turn(self) -> Duration {
        Duration::from_secs(self.seconds.get().into())
    }

    /// Calls `turn` with each place, once in each round; what it gave, by place, in the order of rounds.
    pub(crate) fn interleave<T>(
        self,
        places: usize,
        mut turn: impl FnMut(usize) -> anyhow::Result<T>,
    ) -> anyhow::Result<Vec<Vec<T>>> {
        let mut by_place: Vec<Vec<T>> = (0..places).map(|_| Vec::new()).collect();
        for round in 0..self.rounds.get() {
            for place in order(round, places) {
                by_place[place].push(turn(place)?);
            }
        }
        Ok(by_place)
    }
}

/// Every other round goes backwards, so that nothing always follows the same one.
fn order(round: usize, places: usize) -> Vec<usize> {
    if round.is_multiple_of(2) { (0..places).collect() } else { (0..places).rev().collect() }
}
