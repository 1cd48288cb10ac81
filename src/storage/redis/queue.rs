//! What waits to be sent, bounded, and the alarm for the deadlines of all that was asked.

use std::collections::VecDeque;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::storage::redis::alarm::Alarm;
use crate::storage::redis::errand::{Errand, Expiry};

/// Errands that wait at the most, on either side of the channel. At 100,000 requests a second, and a budget of 10 ms,
/// a thousand wait when a server does not answer.
pub(super) const CAPACITY: usize = 4_096;

/// What there is to do.
#[derive(Debug)]
pub(super) struct Queue {
    inlet: mpsc::Receiver<Errand>,
    incoming: Vec<Errand>,
    waiting: VecDeque<Errand>,
    alarm: Alarm,
}

/// What the queue has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// There are new errands.
    Filled,
    /// A deadline has come.
    Deadline,
    /// Nobody will ask for anything any more.
    Closed,
}

impl Queue {
    /// A queue that is fed through `inlet`.
    pub(super) fn new(inlet: mpsc::Receiver<Errand>) -> Self {
        Self { inlet, incoming: Vec::new(), waiting: VecDeque::new(), alarm: Alarm::new() }
    }

    /// Waits for something to do. May be dropped at any point: nothing is lost.
    pub(super) async fn event(&mut self) -> Event {
        let room = CAPACITY.saturating_sub(self.waiting.len());
        let came = tokio::select! {
            biased;
            count = self.inlet.recv_many(&mut self.incoming, room), if room > 0 => count,
            () = self.alarm.rung() => return Event::Deadline,
        };
        if came == 0 {
            return Event::Closed;
        }
        for errand in self.incoming.drain(..) {
            if let Some(deadline) = errand.deadline() {
                self.alarm.ring_by(deadline);
            }
            self.waiting.push_back(errand);
        }
        Event::Filled
    }

    /// The first that somebody waits for and whose time is not over.
    pub(super) fn take(&mut self, expiry: &mut Expiry) -> Option<Errand> {
        while let Some(mut errand) = self.waiting.pop_front() {
            if expiry.check_waiting(&mut errand) && errand.is_awaited() {
                return Some(errand);
            }
        }
        None
    }

    /// Whether something waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Puts errands to the front, in their order: they were taken and not done.
    pub(super) fn put_back(&mut self, errands: Vec<Errand>) {
        errands.into_iter().rev().for_each(|errand| self.waiting.push_front(errand));
    }

    /// Adds an errand of the pilot's own.
    pub(super) fn push(&mut self, errand: Errand) {
        self.waiting.push_back(errand);
    }

    /// Tells those whose time is over.
    pub(super) fn expire(&mut self, expiry: &mut Expiry) {
        self.waiting.retain_mut(|errand| expiry.check_waiting(errand));
    }

    /// Sees to it that [`Event::Deadline`] comes by then.
    pub(super) fn ring_by(&mut self, deadline: Instant) {
        self.alarm.ring_by(deadline);
    }
}
