//! Telling the observer, and whoever waits, what became of calls.

use std::time::Duration;

use tokio::time::Instant;

use super::Pilot;
use crate::storage::redis::failure::Failure;
use crate::storage::redis::leg::Leg;
use crate::storage::redis::observer::{CallEnd, CallReport, FlightReport};

impl Pilot {
    /// Tells of a script call that is over; of anything else nothing.
    pub(super) fn tell_call(&self, leg: &Leg, end: CallEnd, duration: Duration) {
        if leg.is_call() {
            self.observer.called(CallReport { orders: leg.orders(), end, duration });
        }
    }

    /// Ends the calls of a flight that did not come back; says how many were told.
    pub(super) fn fail_all(&self, legs: Vec<Leg>, launched: Instant, failure: &Failure) -> usize {
        let (end, duration) = (CallEnd::of_silence(failure), launched.elapsed());
        legs.into_iter()
            .map(|mut leg| {
                self.tell_call(&leg, end, duration);
                leg.fail(failure)
            })
            .sum()
    }

    /// Tells of a failure, where somebody was.
    pub(super) fn tell_failure(&self, told: usize, failure: &Failure) {
        if told > 0 {
            self.observer.failed(failure, told);
        }
    }
}

impl FlightReport {
    /// Takes in a call that was answered.
    pub(super) fn add(&mut self, leg: &Leg) {
        self.orders += leg.orders();
        self.keys += leg.keys();
        self.calls += 1;
    }
}
