//! Flights: each is one write to a server, of one call or several, and the wait for the answers.

use std::pin::Pin;
use std::task::{Context, Poll};

use redis::aio::MultiplexedConnection;
use redis::{Cmd, Pipeline, RedisResult, Value};
use tokio::time::Instant;

use crate::storage::redis::errand::Expiry;
use crate::storage::redis::leg::Leg;
use crate::storage::trace::FlightSpan;

/// The client library's replies to the commands of one flight.
type Replies = Pin<Box<dyn Future<Output = RedisResult<Vec<Value>>> + Send>>;

/// What is under way together.
pub(super) struct Flight {
    pub(super) legs: Vec<Leg>,
    pub(super) launched: Instant,
    /// Where it carries recorded requests.
    pub(super) span: Option<Box<FlightSpan>>,
    replies: Replies,
}

/// A flight that is back, with a reply for each leg.
pub(super) struct Landed {
    pub(super) legs: Vec<Leg>,
    pub(super) launched: Instant,
    pub(super) span: Option<Box<FlightSpan>>,
    pub(super) replies: RedisResult<Vec<Value>>,
}

/// The flights that are under way on one connection, oldest first.
#[derive(Default)]
pub(super) struct Air {
    flights: Vec<Flight>,
}

impl Flight {
    /// Sends the legs' commands as soon as the flight is polled and the connection is driven.
    pub(super) fn new(
        legs: Vec<Leg>,
        commands: Vec<Cmd>,
        connection: MultiplexedConnection,
        span: Option<Box<FlightSpan>>,
    ) -> Self {
        Self { legs, launched: Instant::now(), span, replies: Box::pin(send(commands, connection)) }
    }
}

impl Air {
    /// How many are under way.
    pub(super) fn len(&self) -> usize {
        self.flights.len()
    }

    /// Takes one more.
    pub(super) fn add(&mut self, flight: Flight) {
        self.flights.push(flight);
    }

    /// When the oldest was launched.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.flights.first().map(|flight| flight.launched)
    }

    /// The next flight that is back. Polls them all: the younger ones have to be sent.
    pub(super) fn poll_landed(&mut self, context: &mut Context<'_>) -> Poll<Landed> {
        let mut landed = Poll::Pending;
        for (index, flight) in self.flights.iter_mut().enumerate() {
            if landed.is_pending() {
                landed = flight.replies.as_mut().poll(context).map(|replies| (index, replies));
            } else {
                break;
            }
        }
        landed.map(|(index, replies)| {
            let Flight { legs, launched, span, .. } = self.flights.remove(index);
            let replies = replies.map(|replies| without_asking(&legs, replies));
            Landed { legs, launched, span, replies }
        })
    }

    /// Tells those whose time is over.
    pub(super) fn expire(&mut self, expiry: &mut Expiry) {
        self.flights.iter_mut().flat_map(|flight| &mut flight.legs).for_each(|leg| leg.expire(expiry));
    }

    /// Everything that is under way and will not come back.
    pub(super) fn into_flights(self) -> impl Iterator<Item = Flight> {
        self.flights.into_iter()
    }
}

/// Leaves out what was answered to ASKING.
fn without_asking(legs: &[Leg], replies: Vec<Value>) -> Vec<Value> {
    if !legs.iter().any(Leg::asks) {
        return replies;
    }
    let mut replies = replies.into_iter();
    legs.iter().filter_map(|leg| replies.nth(usize::from(leg.asks()))).collect()
}

async fn send(commands: Vec<Cmd>, mut connection: MultiplexedConnection) -> RedisResult<Vec<Value>> {
    if let [command] = commands.as_slice() {
        return connection.send_packed_command(command).await.map(|value| vec![value]);
    }
    let mut pipeline = Pipeline::with_capacity(commands.len());
    let count = commands.len();
    for command in commands {
        pipeline.add_command(command);
    }
    connection.send_packed_commands(&pipeline, 0, count).await
}
