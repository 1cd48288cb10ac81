//! The token bucket, and the leaky one, which holds one hit: the generic cell rate algorithm (ITU-T I.371) in its form with a level.
//!
//! A bucket's level falls steadily, by the limit's hits in each period; a hit passes where the level with it is no higher than the burst. It
//! is the same as a bucket of tokens seen from the other side: what it holds are tokens that were taken and have not come back yet.
//! Levels are in hits times ticks of a period, so that nothing is ever rounded: after any time exactly as much has drained as is due. That
//! is also why it holds a level and a time and not one "theoretical arrival time": that would be a fraction for most limits, and would change
//! its meaning whenever the limit does. Within any time t, no more than burst + limit × t / period pass, and who asks all the time gets
//! limit × t / period. Both cannot be had of a bucket that holds one hit where the hits' distance is no whole number of ticks: a third of a
//! second would be 334 ms for ever. There a hit passes in the tick in which it fits ([`TokenBucket::brim`]), so t may be a tick more.
//! What has drained since the last use drained at the limit of today: one that changed in between counts from then on.

use crate::decision::limit::Limit;
use crate::decision::meter::Meter;
use crate::decision::ticks::{MOST, Ticks};
use crate::decision::time::Timestamp;

/// What one counter holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenBucket {
    /// Hits that have not drained yet, times the ticks in a period.
    pub level: u64,
    /// The tick at which it was so.
    pub at: u64,
}

impl Meter for TokenBucket {
    fn advance(&mut self, limit: Limit, now: Timestamp) {
        let ticks = limit.ticks();
        let tick = ticks.at(now);
        if ticks.is_far_ahead(self.at, now) {
            *self = Self { level: 0, at: tick };
        } else if tick > self.at || self.level == 0 {
            let drained = tick.saturating_sub(self.at).saturating_mul(rate(limit));
            *self = Self { level: self.level.saturating_sub(drained), at: tick };
        }
    }

    fn used(&self, limit: Limit, _now: Timestamp) -> u64 {
        self.level.saturating_sub(slack(limit)).div_ceil(limit.ticks().per_period())
    }

    fn take(&mut self, limit: Limit, hits: u64, _now: Timestamp) {
        let amount = hits.saturating_mul(limit.ticks().per_period());
        self.level = self.level.saturating_add(amount).min(MOST);
    }

    fn give_back(&mut self, limit: Limit, hits: u64, _now: Timestamp) {
        let amount = hits.saturating_mul(limit.ticks().per_period());
        self.level = self.level.saturating_sub(amount);
    }

    fn fits_at(&self, limit: Limit, hits: u64, now: Timestamp) -> Option<Timestamp> {
        let room = limit.capacity().checked_sub(hits)?;
        Some(self.falls_to(level_of(room, limit), limit, now))
    }

    fn empty_at(&self, limit: Limit, now: Timestamp) -> Timestamp {
        self.falls_to(level_of(0, limit), limit, now)
    }
}

impl TokenBucket {
    /// The highest level that it may have with a hit that passes.
    #[must_use]
    pub fn brim(limit: Limit) -> u64 {
        level_of(limit.capacity(), limit)
    }

    /// What it holds, in whole hits and rounded up, where nobody knows its limit.
    #[must_use]
    pub fn hits(self, ticks: Ticks) -> u64 {
        self.level.div_ceil(ticks.per_period())
    }

    /// When the level is no higher than this.
    fn falls_to(&self, level: u64, limit: Limit, now: Timestamp) -> Timestamp {
        match self.level.saturating_sub(level) {
            0 => now,
            above => limit.ticks().begin(self.at.saturating_add(above.div_ceil(rate(limit)))),
        }
    }
}

/// The highest level at which it is said to hold so many hits.
fn level_of(hits: u64, limit: Limit) -> u64 {
    hits.saturating_mul(limit.ticks().per_period()).saturating_add(slack(limit))
}

/// What drains in a tick. Of a limit of 0, which lets nothing pass anyway, a bucket that was filled under another one drains all the same.
fn rate(limit: Limit) -> u64 {
    u64::from(limit.requests_per_unit.max(1))
}

/// What still drains within the tick that runs, less than one hit: taken for drained already where it would be lost, because a bucket that is
/// asked in every tick would be empty before the next one. Where it holds a hit more than drains in a tick, nothing is lost.
fn slack(limit: Limit) -> u64 {
    let (rate, per_period) = (rate(limit), limit.ticks().per_period());
    let others = limit.capacity().saturating_sub(1);
    if rate > others.saturating_mul(per_period) { rate.min(per_period) - 1 } else { 0 }
}
