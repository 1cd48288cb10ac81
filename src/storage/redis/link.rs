//! A runtime thread's way to one server.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

pub use crate::storage::redis::pilot::LinkSettings;

use crate::decision::time::Timestamp;
use crate::storage::redis::call::{Packer, Passenger};
use crate::storage::redis::errand::{Errand, TimeQuestion};
use crate::storage::redis::failure::Failure;
use crate::storage::redis::mend::Mend;
use crate::storage::redis::node::NodeAddress;
use crate::storage::redis::observer::Observer;
use crate::storage::redis::order::{Counts, GiveBack, Order, Outcome, Settlement, States, Ticket, Way};
use crate::storage::redis::pilot::Pilot;
use crate::storage::redis::queue::{self, Queue};
use crate::storage::redis::shard_time::ShardTime;

/// Asks one server to count. Its task ends when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct Link {
    errands: mpsc::Sender<Errand>,
}

impl Link {
    /// Opens a link on the runtime that this is called on. It connects by itself and goes on trying.
    #[must_use]
    pub fn open(address: NodeAddress, settings: LinkSettings, observer: Arc<dyn Observer>) -> Self {
        let (errands, inlet) = mpsc::channel(queue::CAPACITY);
        let (queue, packer) = (Queue::new(inlet), Packer::default());
        let pilot = Pilot { address, settings, observer, queue, packer, time: None };
        tokio::spawn(pilot.run());
        Self { errands }
    }

    /// Counts an order's hits, all or none; answers by the deadline.
    pub async fn count(&self, order: Order, deadline: Instant) -> Outcome<Counts> {
        let (ticket, answer) = Ticket::new(deadline);
        self.ask(Errand::Count(Passenger { order, ticket }), answer).await
    }

    /// Settles what was admitted while the server was away. The keys must share a slot.
    pub async fn settle(
        &self,
        settlements: &[Settlement],
        now: Timestamp,
        deadline: Instant,
    ) -> Outcome<States> {
        let (ticket, answer) = Ticket::new(deadline);
        self.ask(Errand::Mend(Mend::settle(settlements, now, ticket)), answer).await
    }

    /// Gives back what was counted for requests that were denied elsewhere. The keys must share a slot.
    pub async fn give_back(
        &self,
        amounts: &[GiveBack],
        way: Way,
        now: Timestamp,
        deadline: Instant,
    ) -> Outcome<States> {
        let (ticket, answer) = Ticket::new(deadline);
        self.ask(Errand::Mend(Mend::give_back(amounts, way, now, ticket)), answer).await
    }

    /// Reads the server's clock: whether it answers, without a request that could be lost.
    pub async fn probe(&self, deadline: Instant) -> Outcome<ShardTime> {
        let (ticket, answer) = Ticket::new(deadline);
        self.ask(Errand::Time(TimeQuestion::Probe(ticket)), answer).await
    }

    async fn ask<T>(&self, errand: Errand, answer: oneshot::Receiver<Outcome<T>>) -> Outcome<T> {
        match self.errands.try_send(errand) {
            Ok(()) => answer.await.unwrap_or(Outcome::Unknown(Failure::Closed)),
            Err(mpsc::error::TrySendError::Full(_)) => Outcome::NotDone(Failure::Overloaded),
            Err(mpsc::error::TrySendError::Closed(_)) => Outcome::NotDone(Failure::Closed),
        }
    }
}
