//! Each algorithm again, from the list of all its hits and without regard to what that costs.
//!
//! Only two things are taken from the implementation, because they are rules and no consequences: how far ahead a counter is believed,
//! and what time is rounded down to.

use super::{Step, Told};
use crate::decision::algorithm::Algorithm;
use crate::decision::limit::Limit;
use crate::decision::request::Hits;

/// The most that a counter has room for, in hits times ticks.
const ROOM: u128 = 1 << 52;

/// A counter that remembers everything. Times are in milliseconds.
pub(super) trait Model {
    fn advance(&mut self, limit: Limit, now: u64);
    fn used(&self, limit: Limit) -> u128;
    fn add(&mut self, limit: Limit, hits: u128);
    fn remove(&mut self, limit: Limit, hits: u128);
}

pub(super) fn of(limit: Limit) -> Box<dyn Model> {
    match limit.algorithm {
        Algorithm::FixedWindow => Box::<FixedWindow>::default(),
        Algorithm::SlidingWindow => Box::<SlidingWindow>::default(),
        Algorithm::TokenBucket | Algorithm::LeakyBucket => Box::<Bucket>::default(),
        Algorithm::SlidingLog => Box::<Log>::default(),
    }
}

/// What the model answers: a hit that does not fit takes nothing, but for fixed windows and overdrafts.
pub(super) fn told(model: &mut dyn Model, step: &Step) -> Told {
    let limit = step.limit;
    model.advance(limit, step.now.millis());
    let over = match step.hits {
        Hits::Refund(0) => false,
        Hits::Refund(hits) => {
            model.remove(limit, hits.into());
            false
        }
        Hits::Take(hits) => {
            let over = model.used(limit) + u128::from(hits) > limit.burst.into();
            let takes = !over || limit.overdraft || limit.algorithm == Algorithm::FixedWindow;
            if takes && hits > 0 {
                model.add(limit, hits.into());
            }
            over
        }
    };
    Told { count: model.used(limit), over, used: model.used(limit) }
}

fn length(limit: Limit) -> u64 {
    u64::from(limit.period.seconds()) * 1_000
}

/// What time is rounded down to: milliseconds where twice the capacity has room in them.
fn grain(limit: Limit) -> u64 {
    if 2 * u128::from(limit.burst) * u128::from(length(limit)) > ROOM { 1_000 } else { 1 }
}

/// Whether something that happened then is believed now.
fn is_believed(then: u64, now: u64) -> bool {
    then <= now + 2_000
}

/// Takes so many hits from the end of a list.
fn pop<T>(list: &mut Vec<(T, u128)>, mut hits: u128) {
    while let Some((_, last)) = list.last_mut() {
        let taken = hits.min(*last);
        (*last, hits) = (*last - taken, hits - taken);
        if *last > 0 {
            break;
        }
        list.pop();
    }
}

fn sum<T>(list: &[(T, u128)], of: impl Fn(&T) -> bool) -> u128 {
    list.iter().filter(|(at, _)| of(at)).map(|(_, hits)| hits).sum()
}

/// The hits of the window that runs.
#[derive(Default)]
struct FixedWindow {
    window: u64,
    hits: Vec<(u64, u128)>,
}

impl Model for FixedWindow {
    fn advance(&mut self, limit: Limit, now: u64) {
        let running = now / length(limit);
        if self.window < running || self.window * length(limit) / 1_000 > now / 1_000 + 2 {
            (self.window, self.hits) = (running, Vec::new());
        }
    }

    fn used(&self, _limit: Limit) -> u128 {
        sum(&self.hits, |_| true)
    }

    fn add(&mut self, _limit: Limit, hits: u128) {
        self.hits.push((self.window, hits));
    }

    fn remove(&mut self, _limit: Limit, hits: u128) {
        pop(&mut self.hits, hits);
    }
}

/// Hits with their windows' numbers.
#[derive(Default)]
struct SlidingWindow {
    now: u64,
    window: u64,
    hits: Vec<(u64, u128)>,
}

impl Model for SlidingWindow {
    fn advance(&mut self, limit: Limit, now: u64) {
        if self.window * length(limit) / 1_000 > now / 1_000 + 2 {
            *self = Self::default();
        }
        // Where nothing is held, nothing is remembered.
        let held = if sum(&self.hits, |_| true) == 0 { 0 } else { self.window };
        (self.now, self.window) = (now, held.max(now / length(limit)));
        let before = self.window.saturating_sub(1);
        self.hits.retain(|(window, _)| *window >= before);
    }

    fn used(&self, limit: Limit) -> u128 {
        let current = sum(&self.hits, |window| *window == self.window);
        let previous = sum(&self.hits, |window| *window < self.window);
        // The part of the window before that is within one period from now.
        let passed = self.now.saturating_sub(self.window * length(limit)) / grain(limit) * grain(limit);
        let weighted = previous * u128::from(length(limit) - passed);
        current + weighted.div_ceil(length(limit).into())
    }

    fn add(&mut self, limit: Limit, hits: u128) {
        let current = sum(&self.hits, |window| *window == self.window);
        let room = (ROOM / u128::from(length(limit) / grain(limit))).min(u32::MAX.into());
        self.hits.push((self.window, hits.min(room - current)));
    }

    fn remove(&mut self, _limit: Limit, hits: u128) {
        pop(&mut self.hits, hits);
    }
}

/// Every hit with what had drained until then, both in hits times ticks. What is in the bucket is what came since it last was empty, less
/// what drained since then: the most that any such sum comes to.
#[derive(Default)]
struct Bucket {
    now: u64,
    drained: u128,
    hits: Vec<(u128, u128)>,
}

impl Bucket {
    fn level(&self) -> u128 {
        let mut since = 0;
        let levels = self.hits.iter().rev().map(|(drained, hits)| {
            since += hits;
            since.saturating_sub(self.drained - drained)
        });
        levels.max().unwrap_or(0)
    }

    fn ticks(limit: Limit) -> u128 {
        (length(limit) / grain(limit)).into()
    }

    /// What counts as drained before it is: what drains in the rest of a tick, less than a hit, from a bucket that would be empty then.
    fn due(limit: Limit) -> u128 {
        let (rate, ticks) = (u128::from(limit.requests_per_unit.max(1)), Self::ticks(limit));
        let is_small = rate + ticks > u128::from(limit.burst.max(1)) * ticks;
        if is_small { rate.min(ticks) - 1 } else { 0 }
    }
}

impl Model for Bucket {
    fn advance(&mut self, limit: Limit, now: u64) {
        if !is_believed(self.now, now) {
            *self = Self::default();
        }
        let tick = now / grain(limit) * grain(limit);
        let passed = tick.saturating_sub(self.now) / grain(limit);
        self.drained += u128::from(passed) * u128::from(limit.requests_per_unit.max(1));
        self.now = if self.level() == 0 { tick } else { self.now.max(tick) };
    }

    fn used(&self, limit: Limit) -> u128 {
        self.level().saturating_sub(Self::due(limit)).div_ceil(Self::ticks(limit))
    }

    fn add(&mut self, limit: Limit, hits: u128) {
        let room = ROOM - self.level();
        self.hits.push((self.drained, room.min(hits * Self::ticks(limit))));
    }

    /// What is given back has drained at once.
    fn remove(&mut self, limit: Limit, hits: u128) {
        self.drained += hits * Self::ticks(limit);
    }
}

/// Every hit with its time. What is forgotten is found again by a clock that goes back, until something changes.
#[derive(Default)]
struct Log {
    now: u64,
    hits: Vec<(u64, u128)>,
}

impl Log {
    fn newest(&self) -> u64 {
        self.hits.last().map_or(0, |(at, _)| *at)
    }

    fn forget(&mut self, limit: Limit) {
        self.hits.retain(|(at, _)| *at + length(limit) > self.now);
    }
}

impl Model for Log {
    fn advance(&mut self, _limit: Limit, now: u64) {
        self.now = now;
        if !is_believed(self.newest(), now) {
            self.hits.clear();
        }
    }

    fn used(&self, limit: Limit) -> u128 {
        sum(&self.hits, |at| *at + length(limit) > self.now)
    }

    fn add(&mut self, limit: Limit, hits: u128) {
        self.forget(limit);
        let hits = hits.min(u128::from(u32::MAX) - self.used(limit));
        // Nothing comes before what came earlier.
        self.hits.extend((hits > 0).then_some((self.newest().max(self.now), hits)));
    }

    fn remove(&mut self, limit: Limit, hits: u128) {
        self.forget(limit);
        pop(&mut self.hits, hits);
    }
}
