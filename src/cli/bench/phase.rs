//! A stretch of load: until when requests may go out, and whether somebody asked to stop.
//!
//! One phase is shared by all threads and streams; warming up is a phase like any other, whose tally is dropped.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// What ends a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Requests go out for so long.
    Lasting(Duration),
    /// So many requests go out, over all streams.
    Requests(u64),
}

/// A running phase.
#[derive(Debug)]
pub struct Phase {
    begin: Instant,
    extent: Extent,
    deadline: Option<Instant>,
    remaining: AtomicU64,
    interrupted: AtomicBool,
}

impl Phase {
    /// Begins now.
    #[must_use]
    pub fn begin(extent: Extent) -> Self {
        let begin = Instant::now();
        let (deadline, remaining) = match extent {
            Extent::Lasting(duration) => (Some(begin + duration), u64::MAX),
            Extent::Requests(requests) => (None, requests),
        };
        Self {
            begin,
            extent,
            deadline,
            remaining: AtomicU64::new(remaining),
            interrupted: AtomicBool::new(false),
        }
    }

    /// When it began.
    pub fn began(&self) -> Instant {
        self.begin
    }

    /// What ends it.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Whether one more request may go out at `now`; if so, it is taken off the count.
    pub fn admit(&self, now: Instant) -> bool {
        if self.interrupted() || self.past_deadline(now) {
            return false;
        }
        // A bounded phase must not send one request more, so the last one is taken by whoever gets it.
        self.deadline.is_some() || self.take_one()
    }

    /// Whether no more requests go out.
    pub fn is_over(&self, now: Instant) -> bool {
        self.interrupted() || self.past_deadline(now) || self.remaining.load(Ordering::Relaxed) == 0
    }

    /// Ends the phase before its time.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Relaxed);
    }

    /// Whether it was ended before its time.
    pub fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    fn past_deadline(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| now >= deadline)
    }

    fn take_one(&self) -> bool {
        let one_less = |remaining: u64| remaining.checked_sub(1);
        self.remaining.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_phase_admits_exactly_its_count() {
        let phase = Phase::begin(Extent::Requests(1000));
        let admitted: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..1000).filter(|_| phase.admit(Instant::now())).count()))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(admitted, 1000);
        assert!(phase.is_over(Instant::now()));
    }

    #[test]
    fn a_timed_phase_ends_at_its_deadline() {
        let phase = Phase::begin(Extent::Lasting(Duration::from_secs(60)));
        let now = Instant::now();
        assert!(phase.admit(now) && !phase.is_over(now));
        let later = now + Duration::from_secs(61);
        assert!(!phase.admit(later) && phase.is_over(later));
    }

    #[test]
    fn an_interrupt_ends_it_at_once() {
        let phase = Phase::begin(Extent::Requests(10));
        phase.interrupt();
        assert!(!phase.admit(Instant::now()) && phase.is_over(Instant::now()));
    }
}
