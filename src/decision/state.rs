//! What a counter holds, whichever algorithm it is of.

use crate::decision::algorithm::Algorithm;
use crate::decision::fixed_window::Window;
use crate::decision::limit::Limit;
use crate::decision::meter::{self, Awaited, Meter};
use crate::decision::reading::Reading;
use crate::decision::request::Hits;
use crate::decision::sliding_log::SlidingLog;
use crate::decision::sliding_window::SlidingWindow;
use crate::decision::time::Timestamp;
use crate::decision::token_bucket::TokenBucket;

/// What one counter holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// A window's count.
    FixedWindow(Window),
    /// The counts of two windows.
    SlidingWindow(SlidingWindow),
    /// The level of a token bucket or a leaky one.
    Bucket(TokenBucket),
    /// Every hit of a period.
    SlidingLog(Box<SlidingLog>),
}

/// Runs something on the meter that a state is; a fixed window is none.
macro_rules! metered {
    ($state:expr, $meter:ident => $run:expr, $window:ident => $otherwise:expr) => {
        match $state {
            State::FixedWindow($window) => $otherwise,
            State::SlidingWindow($meter) => $run,
            State::Bucket($meter) => $run,
            State::SlidingLog($meter) => {
                let $meter = $meter.as_mut();
                $run
            }
        }
    };
}

impl State {
    /// A counter of which nothing is known.
    #[must_use]
    pub fn begin(limit: Limit, now: Timestamp) -> Self {
        let mut state = match limit.algorithm {
            Algorithm::FixedWindow => Self::FixedWindow(Window::at(limit.period, now)),
            Algorithm::SlidingWindow => Self::SlidingWindow(SlidingWindow::default()),
            Algorithm::TokenBucket | Algorithm::LeakyBucket => Self::Bucket(TokenBucket::default()),
            Algorithm::SlidingLog => Self::SlidingLog(Box::default()),
        };
        state.advance(limit, now);
        state
    }

    /// The window, where it is a fixed one.
    #[must_use]
    pub fn window(&self) -> Option<Window> {
        if let Self::FixedWindow(window) = self { Some(*window) } else { None }
    }

    /// Whether the limit's algorithm keeps such a state.
    #[must_use]
    pub fn is_of(&self, algorithm: Algorithm) -> bool {
        match self {
            Self::FixedWindow(_) => algorithm == Algorithm::FixedWindow,
            Self::SlidingWindow(_) => algorithm == Algorithm::SlidingWindow,
            Self::Bucket(_) => algorithm.is_bucket(),
            Self::SlidingLog(_) => algorithm == Algorithm::SlidingLog,
        }
    }

    /// Brings the counter to the present. One that another algorithm kept begins anew.
    pub fn advance(&mut self, limit: Limit, now: Timestamp) {
        if !self.is_of(limit.algorithm) {
            *self = Self::begin(limit, now);
        }
        metered!(self, meter => meter.advance(limit, now), window => *window = window.advanced(limit.period, now));
    }

    /// Counts a hit on a counter that is in the present.
    pub fn count(&mut self, limit: Limit, hits: Hits, now: Timestamp) -> Reading {
        metered!(self, meter => meter::judge(meter, limit, hits, now), window => {
            let (after, reading) = window.count(limit, hits);
            *window = after;
            reading
        })
    }

    /// What is there, of a counter that is in the present: what is told of hits that left it so.
    #[must_use]
    pub fn look(&self, limit: Limit, now: Timestamp) -> Reading {
        let reading = Reading::of_window(self.used(limit, now), false);
        let then = match Awaited::after(Hits::Refund(0), reading, limit) {
            _ if !limit.algorithm.is_meter() => return reading,
            Awaited::Room(hits) => self.fits_at(limit, hits, now),
            Awaited::Empty => Some(self.empty_at(limit, now)),
        };
        Reading { reset: Some(meter::until(then, limit, now)), ..reading }
    }

    /// Takes hits, whether or not they fit.
    pub fn take(&mut self, limit: Limit, hits: u64, now: Timestamp) {
        metered!(self, meter => meter.take(limit, hits, now), window => window.count = window.count.saturating_add(hits));
    }

    /// Gives hits back.
    pub fn give_back(&mut self, limit: Limit, hits: u64, now: Timestamp) {
        metered!(self, meter => meter.give_back(limit, hits, now), window => window.count = window.count.saturating_sub(hits));
    }

    /// When so many hits would fit into a meter that is in the present; `None` where they never do, and of a window.
    #[must_use]
    pub fn fits_at(&self, limit: Limit, hits: u64, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::FixedWindow(_) => None,
            Self::SlidingWindow(meter) => meter.fits_at(limit, hits, now),
            Self::Bucket(meter) => meter.fits_at(limit, hits, now),
            Self::SlidingLog(meter) => meter.fits_at(limit, hits, now),
        }
    }

    /// What a counter that is in the present holds, in hits.
    #[must_use]
    pub fn used(&self, limit: Limit, now: Timestamp) -> u64 {
        match self {
            Self::FixedWindow(window) => window.count,
            Self::SlidingWindow(meter) => meter.used(limit, now),
            Self::Bucket(meter) => meter.used(limit, now),
            Self::SlidingLog(meter) => meter.used(limit, now),
        }
    }

    /// The bytes that it takes beside its own: those of a log.
    #[must_use]
    pub fn bytes_elsewhere(&self) -> usize {
        if let Self::SlidingLog(log) = self { size_of::<SlidingLog>() + log.bytes() } else { 0 }
    }

    /// When a counter that is in the present holds nothing any more, if nobody comes.
    #[must_use]
    pub fn empty_at(&self, limit: Limit, now: Timestamp) -> Timestamp {
        match self {
            Self::FixedWindow(window) => Timestamp::from_secs(window.end(limit.period)),
            Self::SlidingWindow(meter) => meter.empty_at(limit, now),
            Self::Bucket(meter) => meter.empty_at(limit, now),
            Self::SlidingLog(meter) => meter.empty_at(limit, now),
        }
    }
}

#[cfg(test)]
mod tests;
