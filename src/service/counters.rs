//! Counters in operators' hands: listed, looked up and reset, each with the rule that counts in it.
//!
//! A store knows keys and counts, a rule knows limits; here the two are put together. Nothing of it is on the way of a decision:
//! a listing goes in small steps, is bounded in time, and few of them run at a time.

mod asked;
mod found;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::decision::key::CounterKey;
use crate::decision::limit_share::LimitShare;
use crate::decision::rules::named::HashedValues;
use crate::decision::state::State;
use crate::service::clock::Clock;
use crate::service::rulebook::{Rulebook, Snapshot};
use crate::storage::inspect::{Held, Inspected, Position, Step, StoredCounter, Stranger, Unread, Walk};

pub use asked::{Asked, CounterFault, Filter, Which};
pub use found::{FoundCounter, FoundRule};

/// How long one page may take; what is not looked at by then is for the next one.
const PAGE_TIME: Duration = Duration::from_secs(2);

/// Listings and resets that run at a time.
const AT_A_TIME: usize = 2;

/// Counters that a step looks at where the one before has found nothing, at first and at the most.
const FIRST_STRIDE: usize = 16;
const LONGEST_STRIDE: usize = 256;

/// Keys and values of others that one page names.
const MOST_NAMED: usize = 20;

/// Looks at the counters of a store, and resets them.
pub struct Counters {
    rulebook: Arc<Rulebook>,
    store: Inspected,
    clock: Arc<dyn Clock>,
    limit_share: LimitShare,
    turns: Semaphore,
}

/// What a page has room for, and where it begins.
#[derive(Debug, Clone, Default)]
pub struct PageStart {
    /// Where an earlier page ended.
    pub from: Option<Position>,
    /// Counters after which a page ends; it may have a few more.
    pub most: usize,
}

/// Some counters of a listing.
#[derive(Debug, Default)]
pub struct Page {
    /// Those that were looked for and count at present.
    pub counters: Vec<FoundCounter>,
    /// What else was met.
    pub besides: Besides,
    /// Where the next page begins; nothing at the end.
    pub next: Option<Position>,
}

/// What a walk has met beside counters.
#[derive(Debug, Default)]
pub struct Besides {
    /// Keys that look like counters and are none, or hold something else; the first of them.
    pub foreign: Vec<Foreign>,
    /// Shards that did not answer.
    pub unread: Vec<Unread>,
}

/// Something of others where a counter could be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// Its key: any bytes.
    pub key: Vec<u8>,
    /// The shard that it lives on.
    pub shard: Option<Arc<str>>,
    /// Why it is no counter.
    pub why: Arc<str>,
}

/// What a reset has done.
#[derive(Debug, Default)]
pub struct Reset {
    /// Counters that were there and are not any more.
    pub counters: usize,
    /// What else was met.
    pub besides: Besides,
    /// Where to go on; nothing at the end.
    pub next: Option<Position>,
    /// How long other replicas may go on to deny, from memory.
    pub believed_elsewhere_for: Duration,
}

impl Counters {
    /// The counters of this store, by the rules of this book, of whose limits this part is given out here.
    #[must_use]
    pub fn new(
        rulebook: Arc<Rulebook>,
        store: Inspected,
        clock: Arc<dyn Clock>,
        limit_share: LimitShare,
    ) -> Self {
        Self { rulebook, store, clock, limit_share, turns: Semaphore::new(AT_A_TIME) }
    }

    /// A page of the counters that the filter means.
    ///
    /// # Errors
    /// Where the filter names a rule that is not in force.
    pub async fn list(&self, filter: &Filter, start: PageStart) -> Result<Page, CounterFault> {
        let snapshot = self.snapshot();
        let pattern = filter.pattern(snapshot.as_deref())?;
        let _turn = self.turns.acquire().await;
        let (mut walk, end) = (self.store.walk(pattern, start.from), Instant::now() + PAGE_TIME);
        let (mut page, mut hashed, mut stride) = (Page::default(), HashedValues::default(), 0);
        loop {
            let room = start.most.saturating_sub(page.counters.len());
            if room == 0 || Instant::now() >= end || walk.position().is_none() {
                page.next = walk.position();
                return Ok(page);
            }
            let most = room.max(stride);
            let met = self.step(&mut walk, most, filter, snapshot.as_ref(), &mut page.besides, hashed).await;
            // Where little is found, steps grow; else a page would seldom be of the size that was asked for.
            stride = if met.0.is_empty() { (2 * stride).clamp(FIRST_STRIDE, LONGEST_STRIDE) } else { 0 };
            page.counters.extend(met.0);
            hashed = met.1;
        }
    }

    /// Resets the counters that the filter means, for as long as a page takes.
    ///
    /// # Errors
    /// Where the filter names a rule that is not in force.
    pub async fn reset_all(&self, filter: &Filter, from: Option<Position>) -> Result<Reset, CounterFault> {
        let snapshot = self.snapshot();
        let pattern = filter.pattern(snapshot.as_deref())?;
        let _turn = self.turns.acquire().await;
        let (mut walk, end) = (self.store.walk(pattern, from), Instant::now() + PAGE_TIME);
        let (mut reset, mut hashed) = (self.nothing_reset(), HashedValues::default());
        while walk.position().is_some() && Instant::now() < end {
            let met =
                self.step(&mut walk, usize::MAX, filter, snapshot.as_ref(), &mut reset.besides, hashed).await;
            let keys: Vec<CounterKey> = met.0.into_iter().map(|counter| counter.key).collect();
            hashed = met.1;
            match walk.reset(&keys).await {
                Ok(gone) => reset.counters += gone,
                Err(unread) => note_unread(&mut reset.besides, unread),
            }
        }
        reset.next = walk.position();
        Ok(reset)
    }

    /// One counter, whether or not anything is counted in it.
    ///
    /// # Errors
    /// Where no counter is named, or several are, or its shard does not answer.
    pub async fn get(&self, which: &Which) -> Result<FoundCounter, CounterFault> {
        let snapshot = self.snapshot();
        let asked = which.find(snapshot.as_deref(), self.limit_share)?;
        let stored = self.store.read(&asked.key, self.clock.now()).await?;
        asked.found(stored, snapshot.as_deref(), self.limit_share).ok_or(CounterFault::NoKey)
    }

    /// Resets the counters of one rule for these entries, whatever is in their place: one, where the rule has one limit.
    ///
    /// # Errors
    /// Where no counter is named, or its shard does not answer.
    pub async fn reset(&self, which: &Which) -> Result<Reset, CounterFault> {
        let mut counters = 0;
        for asked in which.find_all(self.snapshot().as_deref(), self.limit_share)? {
            counters += usize::from(self.store.reset(&asked.key).await?);
        }
        Ok(Reset { counters, ..self.nothing_reset() })
    }

    fn snapshot(&self) -> Option<Arc<Snapshot>> {
        self.rulebook.current().as_ref().map(Arc::clone)
    }

    fn nothing_reset(&self) -> Reset {
        Reset { believed_elsewhere_for: self.store.believed_elsewhere_for(), ..Reset::default() }
    }

    /// One step of a walk: the counters in it that the filter means, with what is known of hashed values.
    async fn step(
        &self,
        walk: &mut Walk,
        most: usize,
        filter: &Filter,
        snapshot: Option<&Arc<Snapshot>>,
        besides: &mut Besides,
        hashed: HashedValues,
    ) -> (Vec<FoundCounter>, HashedValues) {
        let Step { counters, strangers, unread, .. } = walk.step(most, self.clock.now()).await;
        unread.into_iter().for_each(|unread| note_unread(besides, unread));
        strangers.into_iter().for_each(|stranger| note_foreign(besides, Foreign::from(stranger)));
        let (counting, others): (Vec<_>, Vec<_>) = counters.into_iter().partition(StoredCounter::counts);
        others.iter().filter_map(Foreign::of).for_each(|foreign| note_foreign(besides, foreign));
        if counting.is_empty() {
            // A walk through memory never waits, and must not keep this thread from others.
            tokio::task::yield_now().await;
            return (Vec::new(), hashed);
        }
        let (filter, snapshot, share) = (filter.clone(), snapshot.map(Arc::clone), self.limit_share);
        // Finding rules takes its time where there are many, and this thread answers requests, too.
        let found = tokio::task::spawn_blocking(move || {
            find_rules(counting, &filter, snapshot.as_deref(), share, hashed)
        });
        found.await.unwrap_or_default()
    }
}

fn find_rules(
    counters: Vec<StoredCounter>,
    filter: &Filter,
    snapshot: Option<&Snapshot>,
    share: LimitShare,
    mut hashed: HashedValues,
) -> (Vec<FoundCounter>, HashedValues) {
    let find = |stored| FoundCounter::new(stored, None, snapshot, share, &mut hashed);
    let found = counters.into_iter().filter_map(find);
    (found.filter(|counter| !counter.has_forgotten() && filter.means(counter)).collect(), hashed)
}

fn note_foreign(besides: &mut Besides, foreign: Foreign) {
    if besides.foreign.len() < MOST_NAMED {
        besides.foreign.push(foreign);
    }
}

fn note_unread(besides: &mut Besides, unread: Unread) {
    if !besides.unread.contains(&unread) && besides.unread.len() < MOST_NAMED {
        besides.unread.push(unread);
    }
}

impl StoredCounter {
    /// Whether it counts in a window that runs. Counters of no domain are those that shards are probed with.
    fn counts(&self) -> bool {
        let Some(name) = crate::decision::key::name::CounterName::read(self.key.as_bytes()) else {
            return false;
        };
        let counts = match &self.held {
            Held::State(State::FixedWindow(window)) => window.advanced(name.kind.period, self.now) == *window,
            // Whether a meter has forgotten everything is known with its limit, later.
            Held::State(_) => true,
            Held::Nothing | Held::Foreign(_) => false,
        };
        counts && !name.domain.is(b"")
    }
}

impl Foreign {
    /// What is in a counter's place, where it is not ours.
    fn of(counter: &StoredCounter) -> Option<Self> {
        let Held::Foreign(why) = &counter.held else { return None };
        let (key, shard) = (counter.key.as_bytes().to_vec(), counter.shard.clone());
        Some(Self { key, shard, why: Arc::clone(why) })
    }
}

impl From<Stranger> for Foreign {
    fn from(stranger: Stranger) -> Self {
        let why = "its key is none of this format".into();
        Self { key: stranger.key, shard: Some(stranger.shard), why }
    }
}

impl std::fmt::Debug for Counters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Counters").field("store", &self.store).finish_non_exhaustive()
    }
}
