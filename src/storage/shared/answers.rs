//! One request's readings while they come in: from memory, from shards, from the fallback.

use smallvec::SmallVec;

use crate::decision::algorithm::Algorithm;
use crate::decision::hit::{Batch, DeniedRequests, Hit, HitAnswer, Source};
use crate::decision::reading::Reading;
use crate::decision::time::Timestamp;
use crate::storage::HitAnswers;
use crate::storage::Moment;
use crate::storage::ledger::Ledger;
use crate::storage::redis::order::{Counts, Mode, Outcome};
use crate::storage::shared::Group;
use crate::storage::shared::shard::{Shard, add};
use crate::storage::shared::shards::Shards;
use crate::storage::shared::topology::Topology;
use crate::storage::slot::Slot;

/// A request's hits and what is known of each.
#[derive(Debug)]
pub(super) struct Answers<'b> {
    pub(super) batch: Batch<'b>,
    pub(super) ledger: &'b Ledger,
    pub(super) topology: &'b Topology,
    /// Where each hit's counter lives.
    pub(super) slots: SmallVec<[Slot; 2]>,
    pub(super) known: SmallVec<[Known; 2]>,
}

/// What is known of a hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing yet.
    Nothing,
    /// Its shard was not asked or did not count it, or nobody knows whether it did.
    Away,
    /// Answered from the memory of being over.
    Recalled(Reading),
    /// Counted by its shard.
    Counted { reading: Reading, window_start: u64 },
    /// Decided without its shard.
    Rescued(Reading),
}

impl Known {
    /// The reading, once there is one.
    pub(super) fn reading(self) -> Option<Reading> {
        self.answer().map(|answer| answer.reading)
    }

    /// The answer, once there is one.
    fn answer(self) -> Option<HitAnswer> {
        match self {
            Known::Nothing | Known::Away => None,
            Known::Recalled(reading) => Some(HitAnswer { reading, source: Source::Memory }),
            Known::Counted { reading, .. } => Some(HitAnswer { reading, source: Source::Store }),
            Known::Rescued(reading) => Some(HitAnswer { reading, source: Source::Fallback }),
        }
    }
}

impl<'b> Answers<'b> {
    pub(super) fn new(batch: Batch<'b>, shards: &'b Shards, topology: &'b Topology) -> Self {
        let slots = batch.hits.iter().map(|hit| shards.slot_of(hit)).collect();
        let known = SmallVec::from_elem(Known::Nothing, batch.hits.len());
        Self { batch, ledger: &shards.ledger, topology, slots, known }
    }

    /// The shard that has the counter of this hit.
    pub(super) fn shard(&self, index: usize) -> &'b Shard {
        self.topology.shard_of(self.slots[index])
    }

    /// Answers hits whose counters are known to be over. Where denied requests are ignored only a request with one hit is:
    /// of several, none may count when one denies, and what the others would read is not known here.
    pub(super) fn recall(&mut self, own: Timestamp) {
        if self.batch.denied_requests == DeniedRequests::Ignore && self.batch.hits.len() > 1 {
            return;
        }
        for (index, hit) in self.batch.hits.iter().enumerate() {
            if let Some(reading) = self.ledger.known_over(hit, self.shard(index).now(own)) {
                self.known[index] = Known::Recalled(reading);
            }
        }
    }

    /// The hits of which nothing is known, slot by slot, or key by key.
    pub(super) fn unanswered(&self) -> SmallVec<[Group; 1]> {
        let mut groups: SmallVec<[Group; 1]> = SmallVec::new();
        let together = Mode::of(&self.batch) != Mode::Count;
        let places = self.known.iter().zip(&self.slots).enumerate();
        for (index, (_, &slot)) in places.filter(|(_, (known, _))| **known == Known::Nothing) {
            let key = |index: usize| &self.batch.hits[index].key;
            let apart = self.shard(index).group().placement().keeps_keys_apart();
            // Hits that count by themselves are counted by a script of their algorithm's own.
            let algorithm = |index: usize| self.batch.hits[index].limit.algorithm;
            let script = |index| if together { Algorithm::FixedWindow } else { algorithm(index) };
            let fits = |group: &&mut Group| {
                let first = group.hits[0];
                group.slot == slot && script(first) == script(index) && (!apart || key(first) == key(index))
            };
            match groups.iter_mut().find(fits) {
                Some(group) => group.hits.push(index),
                None => groups.push(Group { slot, hits: SmallVec::from_slice(&[index]) }),
            }
        }
        groups
    }

    /// Takes down what a shard answered, nothing where it was not asked.
    pub(super) fn take(&mut self, group: &Group, outcome: Option<Outcome<Counts>>, at: &Moment) {
        if let Some(Outcome::Done(counts)) = outcome {
            return self.take_counts(group, &counts, at);
        }
        for &index in &group.hits {
            self.known[index] = Known::Away;
        }
    }

    fn take_counts(&mut self, group: &Group, counts: &Counts, at: &Moment) {
        let shard = self.topology.shard_of(group.slot);
        let now = shard.now(at.now);
        for (&index, count) in group.hits.iter().zip(counts) {
            let hit: &Hit = &self.batch.hits[index];
            self.known[index] = match count {
                Ok(counted) => {
                    self.ledger.note_reading(hit, &counted.state, now);
                    Known::Counted { reading: counted.reading, window_start: counted.window_start() }
                }
                Err(foreign) => {
                    add(&shard.figures.foreign, 1);
                    tracing::debug!(key = ?hit.key, %foreign, "a counter's key holds what is not ours");
                    Known::Away
                }
            };
        }
    }

    /// The answers, in the batch's order.
    pub(super) fn into_hit_answers(self) -> HitAnswers {
        let answer = |known: Known| known.answer().expect("every hit was asked for, recalled or rescued");
        self.known.into_iter().map(answer).collect()
    }
}
