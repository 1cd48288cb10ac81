//! A run second by second: how many decisions there were in each, and how long they took.
//!
//! Bounded however long the run: when there are too many slices, neighbours become one, so that slices are then two
//! seconds long, then four.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::latencies::{HIGHEST_NANOS, LOWEST_NANOS};

/// More than a plot can show; ten minutes second by second.
const MOST_SLICES: usize = 600;

/// Two digits do for a plot, and make a slice of about 10 KiB.
const DIGITS: u8 = 2;

/// What happened, by the time since the beginning.
#[derive(Debug, Clone, Default)]
pub struct Slices {
    /// A slice lasts two to this power seconds.
    doublings: u32,
    slices: Vec<Histogram<u32>>,
}

/// A piece of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Slice {
    /// When it began, in seconds from the beginning of the measured phase.
    pub start_seconds: f64,
    /// How long it lasted.
    pub seconds: f64,
    /// Requests that got a decision in it.
    pub decisions: u64,
    /// The same per second.
    pub decisions_per_second: f64,
    /// 99 % of them were answered within so many microseconds; nothing where there were none.
    pub p99_us: Option<f64>,
}

impl Slices {
    /// An answer came so long after the beginning, and took so many nanoseconds.
    pub fn record(&mut self, since_begin: Duration, nanos: u64) {
        let index = self.reach(since_begin.as_secs());
        self.slices[index].saturating_record(nanos);
    }

    /// Adds what another thread saw since the same beginning.
    pub fn merge(&mut self, other: &Self) {
        let mut other = other.clone();
        while self.doublings < other.doublings {
            self.widen();
        }
        while other.doublings < self.doublings {
            other.widen();
        }
        self.extend_to(other.slices.len());
        for (slice, other) in self.slices.iter_mut().zip(&other.slices) {
            add(slice, other);
        }
    }

    /// The slices of a run that lasted so long. Answers that came after its end, and a last slice that is shorter than
    /// half of the others, belong to the one before: their rate would say nothing.
    #[must_use]
    pub fn over(&self, elapsed: Duration) -> Vec<Slice> {
        let width = Duration::from_secs(1 << self.doublings);
        let whole = elapsed.as_nanos() / width.as_nanos();
        let more = elapsed.as_nanos() % width.as_nanos() * 2 >= width.as_nanos();
        let count = usize::try_from(whole + u128::from(more))
            .map_or(MOST_SLICES, |count| count.clamp(1, MOST_SLICES));
        let mut slices = self.slices.clone();
        slices.resize_with(count.max(slices.len()), empty);
        let late = slices.split_off(count);
        if let Some(last) = slices.last_mut() {
            late.iter().for_each(|late| add(last, late));
        }
        let starts = std::iter::successors(Some(Duration::ZERO), |start| Some(*start + width));
        let ends = starts.clone().skip(1).take(count - 1).chain([elapsed]);
        slices.iter().zip(starts.zip(ends)).map(|(slice, (start, end))| describe(slice, start, end)).collect()
    }

    /// The place of the slice with this second, which is there then.
    fn reach(&mut self, second: u64) -> usize {
        loop {
            match usize::try_from(second >> self.doublings) {
                Ok(index) if index < MOST_SLICES => {
                    self.extend_to(index + 1);
                    return index;
                }
                _ => self.widen(),
            }
        }
    }

    fn extend_to(&mut self, count: usize) {
        if self.slices.len() < count {
            self.slices.resize_with(count, empty);
        }
    }

    fn widen(&mut self) {
        self.doublings += 1;
        let mut narrow = std::mem::take(&mut self.slices).into_iter();
        while let Some(mut wide) = narrow.next() {
            if let Some(second) = narrow.next() {
                add(&mut wide, &second);
            }
            self.slices.push(wide);
        }
    }
}

fn empty() -> Histogram<u32> {
    Histogram::new_with_bounds(LOWEST_NANOS, HIGHEST_NANOS, DIGITS)
        .expect("a low bound of at least 1, a high one of twice that, and up to 5 digits are accepted")
}

fn add(slice: &mut Histogram<u32>, other: &Histogram<u32>) {
    // Both have the same bounds, so nothing can fall outside.
    let _ = slice.add(other);
}

fn describe(slice: &Histogram<u32>, start: Duration, end: Duration) -> Slice {
    let seconds = end.saturating_sub(start).as_secs_f64();
    Slice {
        start_seconds: start.as_secs_f64(),
        seconds,
        decisions: slice.len(),
        decisions_per_second: super::report::per(slice.len(), seconds),
        p99_us: (!slice.is_empty()).then(|| super::report::micros(slice.value_at_quantile(0.99))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One answer at each of these milliseconds, after one millisecond.
    fn answered(at_ms: impl IntoIterator<Item = u64>) -> Slices {
        let mut slices = Slices::default();
        at_ms.into_iter().for_each(|at| slices.record(Duration::from_millis(at), 1_000_000));
        slices
    }

    #[track_caller]
    fn check(slices: &Slices, elapsed_ms: u64, expected: &[(f64, f64, u64)]) {
        let found = slices.over(Duration::from_millis(elapsed_ms));
        let found: Vec<_> =
            found.iter().map(|slice| (slice.start_seconds, slice.seconds, slice.decisions)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn answers_are_counted_in_their_second() {
        check(&answered([0, 999, 1000, 2500]), 3000, &[(0.0, 1.0, 2), (1.0, 1.0, 1), (2.0, 1.0, 1)]);
    }

    #[test]
    fn a_second_without_answers_is_there_too() {
        let slices = answered([0, 2000]);
        check(&slices, 4000, &[(0.0, 1.0, 1), (1.0, 1.0, 0), (2.0, 1.0, 1), (3.0, 1.0, 0)]);
        let slices = slices.over(Duration::from_secs(4));
        assert_eq!((slices[1].p99_us, slices[1].decisions_per_second), (None, 0.0));
        assert!((slices[0].p99_us.unwrap() / 1000.0 - 1.0).abs() < 0.02, "{:?}", slices[0]);
    }

    #[test]
    fn a_short_rest_belongs_to_the_slice_before() {
        check(&answered([0, 1000, 2003]), 2004, &[(0.0, 1.0, 1), (1.0, 1.004, 2)]);
        check(&answered([0, 1000]), 1500, &[(0.0, 1.0, 1), (1.0, 0.5, 1)]);
        check(&answered([0]), 20, &[(0.0, 0.02, 1)]);
        check(&answered([]), 0, &[(0.0, 0.0, 0)]);
    }

    #[test]
    fn long_runs_have_wider_slices_and_lose_nothing() {
        let slices = answered((0..1201).map(|second| second * 1000));
        let found = slices.over(Duration::from_secs(1201));
        assert_eq!((found.len(), found[0].seconds, found[0].decisions), (300, 4.0, 4));
        assert_eq!(found.iter().map(|slice| slice.decisions).sum::<u64>(), 1201);
        let week = answered([0, 7 * 86_400_000]);
        assert!(week.slices.len() <= MOST_SLICES && week.doublings == 10);
    }

    #[test]
    fn threads_of_other_widths_count_as_one() {
        let mut slices = answered([0, 1000, 5000]);
        slices.merge(&answered((0..700).map(|second| second * 1000)));
        let found = slices.over(Duration::from_secs(700));
        assert_eq!((found.len(), found[0].decisions, found[2].decisions), (350, 4, 3));
        let mut wide = answered([0, 700_000]);
        wide.merge(&answered([0, 1000, 5000]));
        assert_eq!(wide.over(Duration::from_secs(701))[0].decisions, 3);
    }
}
