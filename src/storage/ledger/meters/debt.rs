//! What this replica owes the store of one meter: hits that were admitted without the shard's knowing, and what of them still counts.

use crate::decision::limit::Limit;
use crate::decision::meter::Meter;
use crate::decision::request::Hits;
use crate::decision::sliding_log::LogEntry;
use crate::decision::sliding_window::SlidingWindow;
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::decision::token_bucket::TokenBucket;
use crate::storage::ledger::settlement::SettlementId;
use crate::storage::slot::Slot;

/// What was admitted, and is not known to be settled.
#[derive(Debug, Clone)]
pub(super) struct MeterDebt {
    pub(super) slot: Slot,
    /// The most that was read since the first was admitted. Unlike the last reading, it still knows what had passed where the shard comes
    /// back empty.
    pub(super) read: State,
    /// In no settlement yet.
    pub(super) pending: Option<Admitted>,
    /// In a settlement whose end is not known yet.
    pub(super) sending: Option<MeterSending>,
}

/// Hits that were admitted.
#[derive(Debug, Clone)]
pub(super) struct Admitted {
    /// What was there before, and the same with them in it, as often as there are replicas.
    pub(super) base: State,
    pub(super) belief: State,
    pub(super) replicas: u64,
    pub(super) hits: u64,
}

/// A settlement under way. Whatever becomes of it, it is sent again with this amount; and this replica's share stays used.
#[derive(Debug, Clone)]
pub(super) struct MeterSending {
    pub(super) id: SettlementId,
    pub(super) amount: u64,
    /// Of a log: when these came.
    pub(super) came: Box<[LogEntry]>,
    pub(super) admitted: Admitted,
}

impl MeterDebt {
    /// Puts what was admitted on top of what is read now. What was given back through this replica lowers what was read by as much; no
    /// other answer does.
    pub(super) fn learn(&mut self, limit: Limit, hits: Hits, counted: &State, at: Timestamp) {
        self.read.advance(limit, at);
        if let Hits::Refund(amount) = hits {
            self.read.give_back(limit, u64::from(amount), at);
        }
        if counted.used(limit, at) >= self.read.used(limit, at) {
            self.read = counted.clone();
        }
        let mut base = counted;
        if let Some(sending) = &mut self.sending {
            sending.admitted.put_on(base, limit, at);
            base = &sending.admitted.belief;
        }
        if let Some(pending) = &mut self.pending {
            pending.put_on(base, limit, at);
        }
    }
}

impl MeterDebt {
    /// What its logs take.
    pub(super) fn bytes_of_logs(&self) -> usize {
        let of = |admitted: &Admitted| admitted.base.bytes_elsewhere() + admitted.belief.bytes_elsewhere();
        let pending = self.pending.as_ref().map_or(0, of);
        let sending =
            self.sending.as_ref().map_or(0, |sending| of(&sending.admitted) + size_of_val(&*sending.came));
        self.read.bytes_elsewhere() + pending + sending
    }
}

impl Admitted {
    /// What of the admitted hits still counts, rounded up.
    pub(super) fn amount(&mut self, limit: Limit, now: Timestamp) -> u64 {
        self.base.advance(limit, now);
        self.belief.advance(limit, now);
        more(&self.belief, &self.base, limit, now).div_ceil(self.replicas)
    }

    fn put_on(&mut self, base: &State, limit: Limit, now: Timestamp) {
        let amount = self.amount(limit, now);
        let came = self.came(amount);
        self.base = base.clone();
        self.belief = match base {
            State::SlidingLog(log) => {
                let times = |entry: &LogEntry| LogEntry { hits: entry.hits * self.replicas, ..*entry };
                State::SlidingLog(Box::new(log.with(came.iter().map(times))))
            }
            base => {
                let mut belief = base.clone();
                belief.take(limit, amount.saturating_mul(self.replicas), now);
                belief
            }
        };
    }

    /// When so many hits came that are on a log beyond what was there before: the latest of them.
    pub(super) fn came(&self, amount: u64) -> Box<[LogEntry]> {
        let (State::SlidingLog(belief), State::SlidingLog(base)) = (&self.belief, &self.base) else {
            return Box::default();
        };
        let (mut left, mut seen) = (amount, 0_u64);
        let mut share = |entry: LogEntry| {
            // What all of them come to is rounded up, and not each.
            let before = seen.div_ceil(self.replicas);
            seen += entry.hits;
            let hits = (seen.div_ceil(self.replicas) - before).min(left);
            left -= hits;
            LogEntry { hits, ..entry }
        };
        let mut came: Vec<_> = belief.beyond(base).map(&mut share).filter(|entry| entry.hits > 0).collect();
        came.reverse();
        came.into()
    }
}

/// What one state holds more than another one, both in the present, rounded up. What each holds is rounded by itself: the difference
/// of that would be too little by a part of a hit.
fn more(state: &State, base: &State, limit: Limit, now: Timestamp) -> u64 {
    match (state, base) {
        (State::Bucket(state), State::Bucket(base)) => {
            TokenBucket { level: state.level.saturating_sub(base.level), ..*state }.used(limit, now)
        }
        (State::SlidingWindow(state), State::SlidingWindow(base)) if state.start == base.start => {
            let previous = state.previous.saturating_sub(base.previous);
            let current = state.current.saturating_sub(base.current);
            SlidingWindow { previous, current, ..*state }.used(limit, now)
        }
        _ => state.used(limit, now).saturating_sub(base.used(limit, now)),
    }
}
