//! Which counters were used up when they were last read: so few and so short-lived that most requests find the table empty.

use std::time::Duration;

use crate::decision::fixed_window::Window;
use crate::decision::hit::Hit;
use crate::decision::reading::Reading;
use crate::decision::request::Hits;
use crate::decision::sliding_log::SlidingLog;
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::storage::ledger::OverMemorySettings;
use crate::storage::table::{HashedKey, Table, Worth};

/// One part of the memory of being over.
#[derive(Debug)]
pub(super) struct OverMemory {
    /// None where the memory is off.
    table: Option<Table<Over>>,
    max_age: Duration,
}

/// A counter that is used up.
#[derive(Debug, Clone)]
struct Over {
    /// The count that was read, not a flag: what is over depends on the hit.
    counted: State,
    at: Timestamp,
    /// Of a log nobody here may know the entries behind the oldest, but for the one that was waited for.
    until: Timestamp,
    asked: Asked,
}

/// What a hit wanted of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    hits: Hits,
    capacity: u64,
}

impl Asked {
    fn by(hit: &Hit) -> Self {
        Self { hits: hit.hits, capacity: hit.limit.capacity() }
    }
}

/// Whether a hit that does not fit would, without the hits that came first of all.
fn waits_for_the_oldest(log: &SlidingLog, hit: &Hit) -> bool {
    let Hits::Take(amount) = hit.hits else { return false };
    let oldest = log.live().next().map_or(0, |oldest| oldest.hits);
    log.total() + u64::from(amount.max(1)) <= hit.limit.capacity() + oldest
}

/// After all that is remembered.
const NEVER: Timestamp = Timestamp::from_millis(u64::MAX);

impl Over {
    fn starts_after(&self, start: u64) -> bool {
        matches!(&self.counted, State::FixedWindow(window) if window.start > start)
    }
}

/// Any of them only saves a question.
impl Worth for Over {
    fn worth(&self, _key: &[u8]) -> u64 {
        0
    }
}

impl OverMemory {
    /// A memory of nothing.
    pub(super) fn new(settings: OverMemorySettings) -> Self {
        let table = (settings.max_entries > 0).then(|| Table::new(settings.max_entries));
        Self { table, max_age: settings.max_age }
    }

    /// Remembers a reading that leaves nothing for the next hit, and forgets the counter for any other.
    pub(super) fn note_reading(&mut self, key: HashedKey<'_>, hit: &Hit, counted: Window, at: Timestamp) {
        let used_up = counted.count >= u64::from(hit.limit.requests_per_unit);
        let takes = matches!(hit.hits, Hits::Take(_)) && !hit.role.shadow;
        let Some(table) = &mut self.table else { return };
        if !used_up || !takes {
            return self.forget(key);
        }
        let over = Over { counted: State::FixedWindow(counted), at, until: NEVER, asked: Asked::by(hit) };
        // No entry lives longer than it may be believed, for the room.
        let believed_until = at.after(self.max_age).secs() + 1;
        let expires = counted.end(hit.limit.period).min(believed_until);
        match table.find(key) {
            Some(id) if table.value(id).starts_after(counted.start) => {}
            Some(id) => table.update(id, over, expires),
            // What gives way here only costs a question to the store.
            None => drop(table.insert(key, over, expires, at)),
        }
    }

    /// The same for a meter.
    pub(super) fn note_meter(&mut self, key: HashedKey<'_>, hit: &Hit, counted: &State, at: Timestamp) {
        let used_up = counted.used(hit.limit, at) >= hit.limit.capacity();
        let takes = matches!(hit.hits, Hits::Take(_)) && !hit.role.shadow;
        let Some(table) = &mut self.table else { return };
        if !used_up || !takes {
            return self.forget(key);
        }
        let until = match counted {
            State::SlidingLog(log) => log.oldest_forgotten_at(hit.limit).unwrap_or(at),
            _ => NEVER,
        };
        let (counted, expires) = (counted.clone(), at.after(self.max_age).secs() + 1);
        let over = Over { counted, at, until, asked: Asked::by(hit) };
        match table.find(key) {
            Some(id) => table.update(id, over, expires),
            None => drop(table.insert(key, over, expires, at)),
        }
    }

    /// The denial of a hit that is over by what was read.
    pub(super) fn find(&self, key: HashedKey<'_>, hit: &Hit, now: Timestamp) -> Option<Reading> {
        let table = self.table.as_ref()?;
        let Over { counted, at, until, asked } = table.value(table.find(key)?);
        // A distance, not a difference: after a clock was set back, a reading must not stay young until it catches up.
        let age = Duration::from_millis(now.millis().abs_diff(at.millis()));
        if age >= self.max_age || now >= *until {
            return None;
        }
        match counted {
            State::FixedWindow(counted) => {
                let current = counted.start >= Window::at(hit.limit.period, now).start;
                let (_, reading) = counted.count(hit.limit, hit.hits);
                (current && reading.over).then_some(Reading::of_window(counted.count, true))
            }
            meter => {
                let mut meter = meter.clone();
                meter.advance(hit.limit, now);
                if let State::SlidingLog(log) = &meter
                    && *asked != Asked::by(hit)
                    && !waits_for_the_oldest(log, hit)
                {
                    return None;
                }
                Some(meter.count(hit.limit, hit.hits, now)).filter(|reading| reading.over)
            }
        }
    }

    /// Forgets a counter: hits were given back.
    pub(super) fn forget(&mut self, key: HashedKey<'_>) {
        if let Some(table) = &mut self.table
            && let Some(id) = table.find(key)
        {
            table.remove(id);
        }
    }

    /// Takes away what has expired, `most` at the most; says how many.
    pub(super) fn expire(&mut self, now: Timestamp, most: usize) -> usize {
        self.table.as_mut().map_or(0, |table| table.expire(now, most))
    }

    /// Counters remembered.
    pub(super) fn len(&self) -> usize {
        self.table.as_ref().map_or(0, Table::len)
    }
}
