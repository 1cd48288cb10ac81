//! What waits for a place in a flight.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::storage::redis::call::Passenger;
use crate::storage::redis::credentials::Login;
use crate::storage::redis::failure::Failure;
use crate::storage::redis::mend::Mend;
use crate::storage::redis::order::{Outcome, Ticket};
use crate::storage::redis::shard_time::ShardTime;

/// One thing that a link is asked to do.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are orders, and a box would be an allocation for each"
)]
pub(super) enum Errand {
    Count(Passenger),
    Mend(Mend),
    Time(TimeQuestion),
    /// Who we are has changed: the pilot's own.
    Login(Arc<Login>),
}

/// A question for the server's time: somebody's probe, or the pilot's own.
#[derive(Debug)]
pub(super) enum TimeQuestion {
    Probe(Ticket<ShardTime>),
    Routine,
}

/// Goes through deadlines: who is told now that time is over, and when to look again.
#[derive(Debug)]
pub(super) struct Expiry {
    now: Instant,
    patience: Duration,
    /// How many were told after they had waited long enough for it to be the server's failure.
    pub(super) told: usize,
    /// The earliest deadline of the others.
    pub(super) next: Option<Instant>,
}

impl Errand {
    /// Whether somebody still waits for it.
    pub(super) fn is_awaited(&self) -> bool {
        match self {
            Errand::Count(passenger) => passenger.ticket.is_awaited(),
            Errand::Mend(mend) => mend.ticket.is_awaited(),
            Errand::Time(TimeQuestion::Probe(ticket)) => ticket.is_awaited(),
            Errand::Time(TimeQuestion::Routine) | Errand::Login(_) => true,
        }
    }

    /// When its time is over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Errand::Count(passenger) => Some(passenger.ticket.deadline),
            Errand::Mend(mend) => Some(mend.ticket.deadline),
            Errand::Time(TimeQuestion::Probe(ticket)) => Some(ticket.deadline),
            Errand::Time(TimeQuestion::Routine) | Errand::Login(_) => None,
        }
    }

    /// When it was asked for.
    fn begun(&self) -> Option<Instant> {
        match self {
            Errand::Count(passenger) => Some(passenger.ticket.begun),
            Errand::Mend(mend) => Some(mend.ticket.begun),
            Errand::Time(TimeQuestion::Probe(ticket)) => Some(ticket.begun),
            Errand::Time(TimeQuestion::Routine) | Errand::Login(_) => None,
        }
    }

    /// Says that it was not sent; true where somebody was told.
    pub(super) fn give_up(&mut self, failure: &Failure) -> bool {
        match self {
            Errand::Count(passenger) => passenger.ticket.answer(Outcome::NotDone(failure.clone())),
            Errand::Mend(mend) => mend.ticket.answer(Outcome::NotDone(failure.clone())),
            Errand::Time(TimeQuestion::Probe(ticket)) => ticket.answer(Outcome::NotDone(failure.clone())),
            Errand::Time(TimeQuestion::Routine) | Errand::Login(_) => false,
        }
    }
}

impl Expiry {
    /// Nobody looked at yet.
    pub(super) fn at(now: Instant, patience: Duration) -> Self {
        Self { now, patience, told: 0, next: None }
    }

    /// Takes everybody to have waited long enough.
    pub(super) fn blame(&mut self) {
        self.patience = Duration::ZERO;
    }

    /// Looks at the ticket of something that was sent.
    pub(super) fn check<T>(&mut self, ticket: &mut Ticket<T>) {
        if ticket.is_awaited() && self.is_over(ticket.deadline) {
            let begun = ticket.begun;
            let told = ticket.answer(Outcome::Unknown(Failure::Timeout));
            self.note(begun, told);
        }
    }

    /// Looks at an errand that was not sent; says whether it still waits.
    pub(super) fn check_waiting(&mut self, errand: &mut Errand) -> bool {
        let over = errand.deadline().is_some_and(|deadline| self.is_over(deadline));
        if let Some(begun) = errand.begun().filter(|_| over) {
            let told = errand.give_up(&Failure::Timeout);
            self.note(begun, told);
        }
        !over
    }

    fn note(&mut self, begun: Instant, told: bool) {
        let waited = self.now.saturating_duration_since(begun);
        self.told += usize::from(told && waited >= self.patience);
    }

    /// Looks at a time by which something else is to be looked at.
    pub(super) fn is_over(&mut self, deadline: Instant) -> bool {
        if deadline > self.now {
            self.next = Some(self.next.map_or(deadline, |next| next.min(deadline)));
        }
        deadline <= self.now
    }
}
