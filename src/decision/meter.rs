//! What the algorithms have in common whose denied hits take nothing: they hold an amount, which time makes less.
//!
//! How much a meter holds, in whole hits and rounded up, says everything: so many fit as are left of the limit's capacity. Every
//! such algorithm is a [`Meter`], and [`judge`] is the rule for all of them. Its twin for Redis is `storage/redis/scripts/meter.lua`.

use std::time::Duration;

use crate::decision::limit::Limit;
use crate::decision::reading::Reading;
use crate::decision::request::Hits;
use crate::decision::time::Timestamp;

/// A counter that holds an amount, which time makes less. Between two uses it is as it was left; whoever asks it brings it to the
/// present first, by [`Meter::advance`].
pub trait Meter {
    /// Lets the time until `now` pass. A clock that is a little behind finds the meter as it was; one that is far behind finds it
    /// empty, because a clock that was wrong once must not fill it for long. One that holds nothing is no more than one that is not there:
    /// stores forget such, and must say the same before and after.
    fn advance(&mut self, limit: Limit, now: Timestamp);

    /// What it holds, in hits, rounded up.
    fn used(&self, limit: Limit, now: Timestamp) -> u64;

    /// Takes hits, whether or not they fit.
    fn take(&mut self, limit: Limit, hits: u64, now: Timestamp);

    /// Gives hits back, the latest first; never below nothing.
    fn give_back(&mut self, limit: Limit, hits: u64, now: Timestamp);

    /// When so many hits would fit, if nobody else comes; `None` where they never do.
    fn fits_at(&self, limit: Limit, hits: u64, now: Timestamp) -> Option<Timestamp>;

    /// When it holds nothing any more, if nobody comes.
    fn empty_at(&self, limit: Limit, now: Timestamp) -> Timestamp;
}

/// What the caller of a meter waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// So many hits fit.
    Room(u64),
    /// Nothing is held any more.
    Empty,
}

impl Awaited {
    /// What a caller waits for after a hit that left the meter at this count: where it was denied, that it passes; where nothing remains, that
    /// one more passes, because whoever is told that nothing remains wants to know how long; else that all is back.
    #[must_use]
    pub fn after(hits: Hits, Reading { count, over, .. }: Reading, limit: Limit) -> Self {
        match hits {
            // After an overdraft the next one waits longer than this one would have; what it wants is not known.
            Hits::Take(amount) if over => Self::Room(u64::from(amount.max(1))),
            _ if count >= limit.capacity() => Self::Room(1),
            _ => Self::Empty,
        }
    }
}

/// Counts a hit on a meter that is in the present. Over means that the hits do not fit in beside what it holds, so that a look at a meter
/// that is just full passes.
pub fn judge(meter: &mut impl Meter, limit: Limit, hits: Hits, now: Timestamp) -> Reading {
    let (count, over) = match hits {
        Hits::Take(amount) => take(meter, limit, u64::from(amount), now),
        Hits::Refund(amount) => {
            if amount > 0 {
                meter.give_back(limit, u64::from(amount), now);
            }
            (meter.used(limit, now), false)
        }
    };
    let reading = Reading { count, over, reset: None };
    let then = match Awaited::after(hits, reading, limit) {
        Awaited::Room(hits) => meter.fits_at(limit, hits, now),
        Awaited::Empty => Some(meter.empty_at(limit, now)),
    };
    Reading { reset: Some(until(then, limit, now)), ..reading }
}

/// The count with the hits, and whether they went over.
fn take(meter: &mut impl Meter, limit: Limit, amount: u64, now: Timestamp) -> (u64, bool) {
    let used = meter.used(limit, now);
    let over = used.saturating_add(amount) > limit.capacity();
    if amount > 0 && (!over || limit.overdraft) {
        meter.take(limit, amount, now);
    }
    (if over && !limit.overdraft { used } else { meter.used(limit, now) }, over)
}

/// The time until then. What never comes is told as one whole period: nobody is told to come back at once, or never.
#[must_use]
pub fn until(then: Option<Timestamp>, limit: Limit, now: Timestamp) -> Duration {
    then.map_or(limit.period.duration(), |then| {
        Duration::from_millis(then.millis().saturating_sub(now.millis()))
    })
}
