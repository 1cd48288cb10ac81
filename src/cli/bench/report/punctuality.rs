//! Whether requests went out when they were due, and what to think of the figures where they did not.

use std::fmt;
use std::iter::Sum;

use serde::Serialize;

use super::super::tally::Tally;
use super::{Latency, as_f64};

/// More late requests than one in so many may have made the slowest per cent of the answers.
const ONE_IN: u64 = 100;

/// How well the load kept to its rate.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Punctuality {
    /// Requests per second that were due.
    pub rate: u64,
    /// By how much the generator itself was late: from when a request was due and a stream was free until it went out.
    pub delay_us: Latency,
    /// Requests that were late by more than a millisecond in this sense.
    pub late: u64,
    /// Requests that fell due while no stream was free.
    pub waited: u64,
    /// Requests that fell due but did not go out.
    pub unsent: u64,
}

/// Requests that did not go out when they were due, where there were too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OffSchedule {
    requests: u64,
    late: u64,
    unsent: u64,
}

impl Punctuality {
    /// What was counted at this rate.
    #[must_use]
    pub fn of(rate: u64, tally: &Tally) -> Self {
        let delay_us = Latency::of(|quantile| tally.delay_at(quantile));
        Self { rate, delay_us, late: tally.late(), waited: tally.waited(), unsent: tally.unsent() }
    }
}

impl OffSchedule {
    /// Of so many requests that went out, so many did so late, and others did not at all; nothing where all is well.
    #[must_use]
    pub fn of(requests: u64, late: u64, unsent: u64) -> Option<Self> {
        let is_off = unsent > 0 || late.saturating_mul(ONE_IN) > requests;
        is_off.then_some(Self { requests, late, unsent })
    }
}

impl Sum for OffSchedule {
    fn sum<I: Iterator<Item = Self>>(lapses: I) -> Self {
        lapses.fold(Self::default(), |sum, lapse| Self {
            requests: sum.requests + lapse.requests,
            late: sum.late + lapse.late,
            unsent: sum.unsent + lapse.unsent,
        })
    }
}

impl fmt::Display for Punctuality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rate, delay_us: Latency { p50, p99, max, .. }, waited, unsent, .. } = self;
        write!(
            f,
            "{rate} per second, sent late by p50 {p50:.0} µs, p99 {p99:.0} µs, max {max:.0} µs; {waited} waited for a stream, {unsent} not sent"
        )
    }
}

impl fmt::Display for OffSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, late, unsent } = *self;
        let is_late = late.saturating_mul(ONE_IN) > requests;
        if is_late {
            let percent = as_f64(late) / as_f64(requests) * 100.0;
            write!(
                f,
                "this program sent {percent:.1} % of the requests over 1 ms late, so latencies say more about it than about \
                 the server: leave it a core of its own, or lower --rate"
            )?;
        }
        if unsent > 0 {
            let due = requests + unsent;
            let separator = if is_late { "; " } else { "" };
            write!(
                f,
                "{separator}{unsent} of {due} requests that were due never went out, so latencies leave the worst of them \
                 out: lower --rate, or raise --connections and --streams"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(requests: u64, late: u64, unsent: u64, expected: &[&str]) {
        let text = OffSchedule::of(requests, late, unsent).map(|lapse| lapse.to_string());
        assert_eq!(text.is_some(), !expected.is_empty(), "{text:?}");
        let text = text.unwrap_or_default();
        assert!(expected.iter().all(|part| text.contains(part)), "{text}");
        assert_eq!(text.contains("never went out"), unsent > 0, "{text}");
    }

    #[test]
    fn one_per_cent_may_be_late_and_none_missing() {
        check(10_000, 100, 0, &[]);
        check(10_000, 101, 0, &["1.0 % of the requests over 1 ms late"]);
        check(10_000, 100, 1, &["1 of 10001 requests that were due never went out"]);
        check(0, 0, 5, &["5 of 5 requests"]);
        check(100, 50, 100, &["50.0 % of the requests", "; 100 of 200 requests"]);
        check(0, 0, 0, &[]);
    }
}
