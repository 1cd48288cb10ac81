//! When requests are due at a fixed rate: request k of a phase at its beginning + k / rate, whatever the server does.
//!
//! Connections take turns, so that each has an arithmetic schedule of its own and needs to ask nobody. A request whose
//! time has come goes out on the first stream that is free; until then it waits here, and its latency counts from when
//! it was due.

use std::num::NonZeroU64;
use std::time::Duration;

use tokio::time::Instant;

use super::phase::{Extent, Phase};

/// How long after the end of a phase its last requests may still go out, where all streams were busy for a while.
const CATCH_UP: Duration = Duration::from_millis(200);

/// One connection's part of the requests of a phase.
#[derive(Debug, Clone)]
pub struct Schedule {
    begin: Instant,
    rate: NonZeroU64,
    /// The next request, counted over all connections.
    next: u64,
    step: u64,
    /// How many there are over all connections.
    count: u64,
    give_up: Option<Instant>,
}

/// A turn among all connections.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// The connection's number, from 0.
    pub number: u64,
    /// How many there are.
    pub of: u64,
}

impl Schedule {
    /// The requests of `phase` that fall to one connection.
    #[must_use]
    pub fn new(phase: &Phase, rate: NonZeroU64, turn: Turn) -> Self {
        let (count, give_up) = match phase.extent() {
            Extent::Requests(requests) => (requests, None),
            Extent::Lasting(duration) => {
                (due_within(duration, rate), Some(phase.began() + duration + CATCH_UP))
            }
        };
        Self { begin: phase.began(), rate, next: turn.number, step: turn.of.max(1), count, give_up }
    }

    /// When the next request is due, if there is one to come.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        (self.next < self.count).then(|| self.begin + offset(self.next, self.rate))
    }

    /// When the next request was due, which is taken off the schedule, if its time has come.
    pub fn take_due(&mut self, now: Instant) -> Option<Instant> {
        let due = self.next_due().filter(|due| *due <= now)?;
        self.next = self.next.saturating_add(self.step);
        Some(due)
    }

    /// How many requests are left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.count.saturating_sub(self.next).div_ceil(self.step)
    }

    /// Whether what is left does not go out any more.
    #[must_use]
    pub fn is_over(&self, now: Instant) -> bool {
        self.next >= self.count || self.give_up.is_some_and(|give_up| now >= give_up)
    }
}

/// The time between the beginning and a request.
fn offset(request: u64, rate: NonZeroU64) -> Duration {
    let (seconds, rest) = (request / rate, request % rate);
    let nanos = u128::from(rest) * 1_000_000_000 / u128::from(rate.get());
    Duration::new(seconds, u32::try_from(nanos).unwrap_or(0))
}

/// How many requests are due before so much time has passed; the first one is due at once.
fn due_within(duration: Duration, rate: NonZeroU64) -> u64 {
    let requests = (duration.as_nanos() * u128::from(rate.get())).div_ceil(1_000_000_000);
    u64::try_from(requests).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedules(extent: Extent, rate: u64, connections: u64) -> (Instant, Vec<Schedule>) {
        let phase = Phase::begin(extent);
        let rate = NonZeroU64::new(rate).unwrap();
        let of = |number| Schedule::new(&phase, rate, Turn { number, of: connections });
        (phase.began(), (0..connections).map(of).collect())
    }

    /// All requests fall due at even distances, over all connections.
    #[track_caller]
    fn check(extent: Extent, rate: u64, connections: u64, expected_micros: impl Iterator<Item = u64>) {
        let (begin, mut schedules) = schedules(extent, rate, connections);
        let late = begin + Duration::from_secs(3600);
        let left: u64 = schedules.iter().map(Schedule::left).sum();
        let mut due: Vec<Duration> = schedules
            .iter_mut()
            .flat_map(|schedule| std::iter::from_fn(|| schedule.take_due(late)))
            .map(|due| due - begin)
            .collect();
        due.sort();
        assert_eq!(due, expected_micros.map(Duration::from_micros).collect::<Vec<_>>());
        assert_eq!(due.len() as u64, left);
        assert!(schedules.iter().all(|schedule| schedule.left() == 0 && schedule.is_over(begin)));
    }

    #[test]
    fn requests_are_due_at_even_distances() {
        check(Extent::Lasting(Duration::from_secs(2)), 1000, 3, (0..2000).map(|request| request * 1000));
        check(Extent::Requests(7), 100, 2, (0..7).map(|request| request * 10_000));
        check(Extent::Lasting(Duration::from_millis(1500)), 1, 64, [0, 1_000_000].into_iter());
        check(Extent::Requests(1), 1, 64, [0].into_iter());
    }

    #[test]
    fn nothing_is_taken_before_its_time() {
        let (begin, mut schedules) = schedules(Extent::Requests(4), 10, 2);
        let second = &mut schedules[1];
        let due = begin + Duration::from_millis(100);
        assert_eq!((second.next_due(), second.take_due(begin)), (Some(due), None));
        assert_eq!(second.take_due(due), Some(due));
        assert_eq!(second.take_due(due), None);
    }

    #[test]
    fn a_timed_phase_ends_even_if_requests_are_left() {
        let (begin, schedules) = schedules(Extent::Lasting(Duration::from_secs(1)), 10, 1);
        assert!(!schedules[0].is_over(begin + Duration::from_secs(1)));
        assert!(schedules[0].is_over(begin + Duration::from_secs(1) + CATCH_UP));
    }
}
