//! What happened to the requests of a phase: counts, errors by kind, and how long answers took.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::answer::{CallError, Decision};
use super::latencies::{HIGHEST_NANOS, Latencies};
use super::slices::{Slice, Slices};

/// Beyond this, a delay by the generator is as long as what is measured.
const LATE: Duration = Duration::from_millis(1);

/// Counts of requests and their latencies, over all and second by second.
#[derive(Debug, Clone)]
pub struct Tally {
    begin: Instant,
    sent: u64,
    answered: u64,
    over_limit: u64,
    errors: BTreeMap<CallError, u64>,
    latencies: Latencies,
    slices: Slices,
    punctuality: Punctuality,
}

/// How requests that were due at their time went out; nothing of it happens where each waits for the one before.
#[derive(Debug, Clone, Default)]
struct Punctuality {
    planned: u64,
    waited: u64,
    late: u64,
    delays: Latencies,
}

impl Tally {
    /// Nothing happened yet; seconds are counted from now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            begin: Instant::now(),
            sent: 0,
            answered: 0,
            over_limit: 0,
            errors: BTreeMap::new(),
            latencies: Latencies::new(),
            slices: Slices::default(),
            punctuality: Punctuality::default(),
        }
    }

    /// So many requests are to fall due.
    pub fn plan(&mut self, requests: u64) {
        self.punctuality.planned += requests;
    }

    /// No more of them will, because the phase ended before its time.
    pub fn cancel_unsent(&mut self) {
        self.punctuality.planned = 0;
    }

    /// A request went out that had been due. The delay is from when it could have gone out at the latest: when it was
    /// due, or, if it `waited` for a stream, when the server let it have one.
    pub fn send_due(&mut self, delay: Duration, waited: bool) {
        self.sent += 1;
        self.punctuality.waited += u64::from(waited);
        self.punctuality.late += u64::from(delay > LATE);
        self.punctuality.delays.record(nanos(delay));
    }

    /// A request went out.
    pub fn send(&mut self) {
        self.sent += 1;
    }

    /// A request that had gone out ended so, after so long, at `now`.
    pub fn end_at(&mut self, outcome: Result<Decision, CallError>, elapsed: Duration, now: Instant) {
        match outcome {
            Ok(decision) => {
                self.answered += 1;
                self.over_limit += u64::from(decision == Decision::OverLimit);
                let nanos = nanos(elapsed);
                self.latencies.record(nanos);
                self.slices.record(now.saturating_duration_since(self.begin), nanos);
            }
            Err(error) => self.fail(error, 1),
        }
    }

    /// Something failed without an answer.
    pub fn fail(&mut self, error: CallError, count: u64) {
        if count > 0 {
            *self.errors.entry(error).or_default() += count;
        }
    }

    /// Everything still under way has been given up.
    pub fn give_up(&mut self) {
        let open = self.open();
        self.fail(CallError::Timeout, open);
    }

    /// Adds what another thread saw; both began at about the same time.
    pub fn merge(&mut self, other: &Tally) {
        self.sent += other.sent;
        self.answered += other.answered;
        self.over_limit += other.over_limit;
        for (error, count) in &other.errors {
            self.fail(*error, *count);
        }
        self.latencies.merge(&other.latencies);
        self.slices.merge(&other.slices);
        self.punctuality.planned += other.punctuality.planned;
        self.punctuality.waited += other.punctuality.waited;
        self.punctuality.late += other.punctuality.late;
        self.punctuality.delays.merge(&other.punctuality.delays);
    }

    /// Requests that went out.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Requests that were decided.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.answered
    }

    /// Requests that were denied.
    #[must_use]
    pub fn over_limit(&self) -> u64 {
        self.over_limit
    }

    /// What failed, and how often.
    #[must_use]
    pub fn errors(&self) -> &BTreeMap<CallError, u64> {
        &self.errors
    }

    /// Requests that ended one way or the other; it grows as long as the server does anything.
    #[must_use]
    pub fn ended(&self) -> u64 {
        self.answered + self.failed()
    }

    /// The latency that this share of the answers stayed within.
    #[must_use]
    pub fn latency_at(&self, quantile: f64) -> Duration {
        self.latencies.within(quantile)
    }

    /// How long answers took, in full.
    #[must_use]
    pub fn latencies(&self) -> &Latencies {
        &self.latencies
    }

    /// What happened second by second in a phase that lasted so long.
    #[must_use]
    pub fn slices(&self, elapsed: Duration) -> Vec<Slice> {
        self.slices.over(elapsed)
    }

    /// Requests that fell due but did not go out.
    #[must_use]
    pub fn unsent(&self) -> u64 {
        self.punctuality.planned.saturating_sub(self.sent)
    }

    /// Requests that fell due while no stream was free.
    #[must_use]
    pub fn waited(&self) -> u64 {
        self.punctuality.waited
    }

    /// Requests that the generator itself sent more than a millisecond late.
    #[must_use]
    pub fn late(&self) -> u64 {
        self.punctuality.late
    }

    /// The delay by the generator itself that this share of the requests that were due stayed within.
    #[must_use]
    pub fn delay_at(&self, quantile: f64) -> Duration {
        self.punctuality.delays.within(quantile)
    }

    fn open(&self) -> u64 {
        self.sent.saturating_sub(self.ended())
    }

    fn failed(&self) -> u64 {
        let of_requests = |(error, _): &(&CallError, &u64)| **error != CallError::ConnectionRefused;
        self.errors.iter().filter(of_requests).map(|(_, count)| count).sum()
    }
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(HIGHEST_NANOS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(milliseconds: impl IntoIterator<Item = u64>) -> Tally {
        let mut tally = Tally::new();
        for latency in milliseconds {
            tally.send();
            tally.end_at(Ok(Decision::Ok), Duration::from_millis(latency), Instant::now());
        }
        tally
    }

    #[track_caller]
    fn check_latency(tally: &Tally, quantile: f64, expected_ms: f64) {
        let measured = tally.latency_at(quantile).as_secs_f64() * 1e3;
        assert!((measured / expected_ms - 1.0).abs() < 0.002, "{quantile}: {measured} ms");
    }

    #[test]
    fn quantiles_are_those_of_the_answers() {
        let tally = answered(1..=1000);
        check_latency(&tally, 0.5, 500.0);
        check_latency(&tally, 0.99, 990.0);
        check_latency(&tally, 1.0, 1000.0);
    }

    #[test]
    fn merged_tallies_count_as_one() {
        let mut tally = answered(1..=500);
        let (mut other, now) = (answered(501..=1000), Instant::now());
        other.send();
        other.end_at(Ok(Decision::OverLimit), Duration::from_millis(1), now);
        other.send();
        other.end_at(Err(CallError::Status(14)), Duration::from_millis(1), now);
        tally.merge(&other);
        assert_eq!((tally.sent(), tally.answered(), tally.over_limit()), (1002, 1001, 1));
        assert_eq!(tally.errors(), &BTreeMap::from([(CallError::Status(14), 1)]));
        check_latency(&tally, 0.5, 500.0);
    }

    #[test]
    fn answers_belong_to_the_second_in_which_they_came() {
        let mut tally = Tally::new();
        for second in [0, 1, 1, 2] {
            let now = tally.begin + Duration::from_secs(second);
            tally.end_at(Ok(Decision::Ok), Duration::from_millis(1), now);
            tally.end_at(Err(CallError::Malformed), Duration::from_millis(1), now);
        }
        let mut total = Tally::new();
        total.merge(&tally);
        let decisions = |slice: &Slice| slice.decisions;
        assert_eq!(total.slices(Duration::from_secs(3)).iter().map(decisions).collect::<Vec<_>>(), [1, 2, 1]);
    }

    #[test]
    fn latencies_beyond_the_bounds_are_kept_at_the_bounds() {
        let tally = answered([3_600_000]);
        check_latency(&tally, 1.0, 60_000.0);
    }

    #[test]
    fn what_was_due_and_did_not_go_out_is_told() {
        let (mut tally, mut other) = (Tally::new(), Tally::new());
        tally.plan(10);
        other.plan(5);
        tally.send_due(Duration::from_millis(2), false);
        tally.send_due(Duration::from_millis(1), false);
        other.send_due(Duration::from_millis(4), true);
        tally.merge(&other);
        assert_eq!((tally.sent(), tally.waited(), tally.unsent(), tally.late()), (3, 1, 12, 2));
        assert!(
            tally.delay_at(1.0) > Duration::from_millis(3) && tally.delay_at(0.5) < Duration::from_millis(3)
        );
        tally.cancel_unsent();
        assert_eq!(tally.unsent(), 0);
    }

    #[test]
    fn giving_up_counts_what_is_still_open() {
        let mut tally = answered([1, 2]);
        tally.give_up();
        assert!(tally.errors().is_empty());
        tally.send();
        tally.send();
        tally.end_at(Err(CallError::Malformed), Duration::ZERO, Instant::now());
        tally.fail(CallError::ConnectionRefused, 3);
        tally.give_up();
        assert_eq!(tally.errors().get(&CallError::Timeout), Some(&1));
        assert_eq!(tally.ended(), tally.sent());
    }
}
