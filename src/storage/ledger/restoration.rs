//! What a shard that may have lost its memory is told: the counts that this replica read in windows that still run.
//!
//! Settlement alone does not do it: nothing is owed for a counter that was used up before the outage, nor for one that nobody
//! asked for meanwhile. To tell a count is to say "at least so many", so it may be told to a shard that has lost nothing, and
//! as often as one likes.

use crate::decision::key::CounterKey;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::state::State;
use crate::decision::time::{MAX_AHEAD, Timestamp};
use crate::storage::ledger::Ledger;
use crate::storage::ledger::part::Part;
use crate::storage::ledger::walk::Walk;
use crate::storage::table::SlotId;

/// A count that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadCount {
    /// The counter.
    pub key: CounterKey,
    /// Its period, and of a meter the limit that it was last held against.
    pub limit: Limit,
    /// The window, with the count that was last read in it; or what was last read of a meter.
    pub read: State,
}

/// One walk through everything that was read. A copy of it goes on from the same place.
#[derive(Debug, Default, Clone, Copy)]
pub struct RestorationRound {
    walk: Walk,
    meters: Walk,
}

impl RestorationRound {
    /// A walk from the start.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Ledger {
    /// The next counts of a round, `most` at the most, of the counters that are `wanted`; empty when the round is over.
    #[must_use]
    pub fn read_counts(
        &self,
        round: &mut RestorationRound,
        wanted: impl Fn(&CounterKey, Period) -> bool,
        now: Timestamp,
        most: usize,
    ) -> Vec<ReadCount> {
        let wanted = |count: &ReadCount| wanted(&count.key, count.limit.period);
        let look = |part: &mut Part, place| part.read_count_at(place, now).filter(wanted);
        let mut found = round.walk.find(&self.parts, most, |part| part.readings.places(), look);
        let look = |part: &mut Part, place| part.meters.read_at(place, now).filter(wanted);
        let most = most.saturating_sub(found.len());
        found.extend(round.meters.find(&self.parts, most, |part| part.meters.places(), look));
        found
    }
}

impl Part {
    /// The reading at this place, if its window runs.
    fn read_count_at(&self, place: SlotId, now: Timestamp) -> Option<ReadCount> {
        let key = CounterKey::from_stored(self.readings.at(place)?)?;
        let (read, period) = (*self.readings.value(place), key.period()?);
        let runs = read.end(period) > now.secs() && read.start <= now.secs().saturating_add(MAX_AHEAD);
        let (limit, state) = (Limit::new(0, period), State::FixedWindow(read));
        (runs && read.count > 0).then_some(ReadCount { key, limit, read: state })
    }
}
