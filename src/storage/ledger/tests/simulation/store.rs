//! A store in a few lines: fixed windows, and settlements that may be told twice.

use std::collections::HashMap;

use super::*;

/// The store as the scripts are specified: fixed windows, and settlements that can be told twice.
#[derive(Default)]
pub(super) struct Store {
    counters: HashMap<Box<[u8]>, Counter>,
}

#[derive(Default, Clone)]
struct Counter {
    window: Option<Window>,
    last_settled: HashMap<usize, u64>,
}

impl Counter {
    /// The window at this time; what was settled belongs to it.
    fn at(&mut self, start: u64) -> &mut Window {
        if self.window.is_none_or(|window| window.start < start) {
            *self = Self { window: Some(Window { start, count: 0 }), ..Self::default() };
        }
        self.window.as_mut().unwrap()
    }
}

impl Store {
    pub(super) fn count(&mut self, hit: &Hit, now: Timestamp) -> (Window, Reading) {
        let start = Window::at(hit.limit.period, now).start;
        let window = self.counters.entry(hit.key.as_bytes().into()).or_default().at(start);
        let (after, reading) = window.count(hit.limit, hit.hits);
        *window = after;
        (after, reading)
    }

    pub(super) fn settle(&mut self, replica: usize, settlement: &Settlement) -> u64 {
        let counter = self.counters.entry(settlement.key.clone()).or_default();
        let window = *counter.at(read_in(settlement).start);
        if window.start > read_in(settlement).start {
            return 0;
        }
        let last = counter.last_settled.entry(replica).or_default();
        if *last < settlement.id.0 {
            *last = settlement.id.0;
            let count = window.count.max(read_in(settlement).count) + settlement.admitted;
            counter.window = Some(Window { count, ..window });
        }
        counter.window.unwrap().count
    }
}
