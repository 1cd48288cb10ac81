//! The sliding log: when each hit of the last period came. Exact, at the price of a place for every hit: in no time that is shorter than
//! a period do more than the limit pass.

use std::collections::VecDeque;

use crate::decision::limit::Limit;
use crate::decision::meter::Meter;
use crate::decision::time::Timestamp;

/// What one counter holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SlidingLog {
    /// Oldest first; no two of one millisecond, none of nothing. Those that are forgotten stay until something changes: a clock that goes
    /// back a little finds them again.
    entries: VecDeque<LogEntry>,
    /// How many at the front are forgotten now, and the hits of the others.
    forgotten: usize,
    total: u64,
}

/// Hits that came together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogEntry {
    /// When, in milliseconds since the epoch.
    pub at: u64,
    /// How many.
    pub hits: u64,
}

/// Hits to take from a log and to give back to it, the latest first. What is given back was there before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogChange {
    given: u64,
    taken: u64,
}

/// A log as it would be with a change, so that a request can be judged before anything is written, and without a copy of all hits.
/// It is made of one that is in the present.
#[derive(Debug)]
pub struct ChangedLog<'l> {
    log: &'l SlidingLog,
    change: LogChange,
}

impl Meter for ChangedLog<'_> {
    fn advance(&mut self, _limit: Limit, _now: Timestamp) {}

    fn used(&self, _limit: Limit, _now: Timestamp) -> u64 {
        self.left() + self.change.taken
    }

    fn take(&mut self, limit: Limit, hits: u64, now: Timestamp) {
        self.change.taken += hits.min(MOST_HITS.saturating_sub(self.used(limit, now)));
    }

    fn give_back(&mut self, _limit: Limit, hits: u64, _now: Timestamp) {
        let taken = hits.min(self.change.taken);
        self.change.taken -= taken;
        self.change.given += (hits - taken).min(self.left());
    }

    fn fits_at(&self, limit: Limit, hits: u64, now: Timestamp) -> Option<Timestamp> {
        let room = limit.capacity().checked_sub(hits)?;
        Some(self.forgotten_at(self.used(limit, now).saturating_sub(room), limit, now))
    }

    fn empty_at(&self, limit: Limit, now: Timestamp) -> Timestamp {
        self.forgotten_at(self.used(limit, now), limit, now)
    }
}

impl<'l> ChangedLog<'l> {
    /// The log with this change.
    #[must_use]
    pub fn new(log: &'l SlidingLog, change: LogChange) -> Self {
        Self { log, change }
    }

    /// The change, with all that was done since.
    #[must_use]
    pub fn change(&self) -> LogChange {
        self.change
    }

    /// Hits of the log that stay.
    fn left(&self) -> u64 {
        self.log.total - self.change.given
    }

    /// When so many hits are forgotten, the oldest first.
    fn forgotten_at(&self, hits: u64, limit: Limit, now: Timestamp) -> Timestamp {
        if hits == 0 {
            return now;
        }
        let newest =
            || self.log.last_of(self.left()).map_or(now.millis(), |newest| newest.at.max(now.millis()));
        let last = if hits <= self.left() { self.log.last_of(hits).map(|last| last.at) } else { None };
        Timestamp::from_millis(last.unwrap_or_else(newest)).after(limit.period.duration())
    }
}

impl Meter for SlidingLog {
    fn advance(&mut self, limit: Limit, now: Timestamp) {
        let ticks = limit.ticks();
        if self.is_far_ahead(limit, now) {
            *self = Self::default();
        }
        let is_forgotten = |entry: &LogEntry| entry.at.saturating_add(ticks.per_period()) <= now.millis();
        // From where it was the last time: mostly nothing has changed, or a few at the front.
        while let Some(oldest) = self.entries.get(self.forgotten)
            && is_forgotten(oldest)
        {
            self.total -= oldest.hits;
            self.forgotten += 1;
        }
        while let Some(last) = self.forgotten.checked_sub(1).and_then(|place| self.entries.get(place))
            && !is_forgotten(last)
        {
            self.total += last.hits;
            self.forgotten -= 1;
        }
    }

    fn used(&self, _limit: Limit, _now: Timestamp) -> u64 {
        self.total
    }

    fn take(&mut self, _limit: Limit, hits: u64, now: Timestamp) {
        self.forget();
        self.push(LogEntry { at: now.millis(), hits });
    }

    fn give_back(&mut self, _limit: Limit, hits: u64, _now: Timestamp) {
        self.forget();
        let mut left = hits;
        while let Some(newest) = self.entries.back_mut() {
            let given = newest.hits.min(left);
            newest.hits -= given;
            self.total -= given;
            left -= given;
            if newest.hits > 0 {
                break;
            }
            self.entries.pop_back();
        }
    }

    fn fits_at(&self, limit: Limit, hits: u64, now: Timestamp) -> Option<Timestamp> {
        self.unchanged().fits_at(limit, hits, now)
    }

    fn empty_at(&self, limit: Limit, now: Timestamp) -> Timestamp {
        self.unchanged().empty_at(limit, now)
    }
}

/// The most hits that a log holds, with those that an overdraft took.
const MOST_HITS: u64 = u32::MAX as u64;

/// Places that a log may keep though it does not need them.
const MOST_ROOM: usize = 16;

impl SlidingLog {
    /// A log of these entries; those that come before an earlier one are taken to have come with it.
    #[must_use]
    pub fn of(entries: impl IntoIterator<Item = LogEntry>) -> Self {
        let mut log = Self::default();
        entries.into_iter().for_each(|entry| log.push(entry));
        log
    }

    /// The entries that count, oldest first.
    pub fn live(&self) -> impl DoubleEndedIterator<Item = &LogEntry> {
        self.entries.range(self.forgotten.min(self.entries.len())..)
    }

    /// When the oldest entry that counts is forgotten.
    #[must_use]
    pub fn oldest_forgotten_at(&self, limit: Limit) -> Option<Timestamp> {
        let oldest = self.live().next()?;
        Some(Timestamp::from_millis(oldest.at).after(limit.period.duration()))
    }

    /// Whether it was kept by a clock that was wrong, and begins anew with the next hit.
    #[must_use]
    pub fn is_far_ahead(&self, limit: Limit, now: Timestamp) -> bool {
        self.entries.back().is_some_and(|newest| limit.ticks().is_far_ahead(newest.at, now))
    }

    /// Makes the change that a request was judged by, in the present.
    pub fn make(&mut self, change: LogChange, limit: Limit, now: Timestamp) {
        if change.given > 0 {
            self.give_back(limit, change.given, now);
        }
        if change.taken > 0 {
            self.take(limit, change.taken, now);
        }
    }

    /// The log with more hits among its own, which are in the order in which they came.
    #[must_use]
    pub fn with(&self, more: impl Iterator<Item = LogEntry>) -> Self {
        let (mut own, mut more) = (self.live().copied().peekable(), more.peekable());
        Self::of(std::iter::from_fn(|| match (own.peek(), more.peek()) {
            (Some(mine), Some(other)) if other.at < mine.at => more.next(),
            (None, Some(_)) => more.next(),
            _ => own.next(),
        }))
    }

    /// What counts here and not there, latest first.
    pub fn beyond(&self, other: &Self) -> impl Iterator<Item = LogEntry> {
        let mut others = other.live().rev().peekable();
        self.live().rev().filter_map(move |entry| {
            while others.next_if(|other| other.at > entry.at).is_some() {}
            let known = others.next_if(|other| other.at == entry.at).map_or(0, |other| other.hits);
            (entry.hits > known).then_some(LogEntry { hits: entry.hits - known, ..*entry })
        })
    }

    /// The bytes that its entries take, those that there is room for included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.entries.capacity() * size_of::<LogEntry>()
    }

    fn unchanged(&self) -> ChangedLog<'_> {
        ChangedLog::new(self, LogChange::default())
    }

    /// The entry with the last of so many hits, oldest first.
    fn last_of(&self, hits: u64) -> Option<&LogEntry> {
        if hits == self.total {
            return self.live().next_back();
        }
        let mut sum = 0;
        self.live().find(|entry| {
            sum += entry.hits;
            sum >= hits
        })
    }

    /// Takes away what is forgotten, and most of the room where little is left.
    fn forget(&mut self) {
        self.entries.drain(..self.forgotten.min(self.entries.len()));
        self.forgotten = 0;
        let (room, needed) = (self.entries.capacity(), 2 * self.entries.len() + 1);
        if room > MOST_ROOM && room > 2 * needed {
            self.entries.shrink_to(needed);
        }
    }

    /// The hits that count.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    fn push(&mut self, entry: LogEntry) {
        let entry = LogEntry { hits: entry.hits.min(MOST_HITS.saturating_sub(self.total)), ..entry };
        if entry.hits == 0 {
            return;
        }
        self.total += entry.hits;
        match self.entries.back_mut() {
            // A clock that is a little behind does not bring an old entry behind a new one.
            Some(newest) if newest.at >= entry.at => newest.hits += entry.hits,
            _ => self.entries.push_back(entry),
        }
    }
}
