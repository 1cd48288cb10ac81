//! Flying: launching what waits, landing what comes back, until the connection ends.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use redis::Value;
use tokio::time::Instant;

use super::Pilot;
use crate::storage::redis::connection::{Connection, closed_by_peer};
use crate::storage::redis::credentials::{LOGIN_AGAIN, Login};
use crate::storage::redis::errand::{Errand, Expiry, TimeQuestion};
use crate::storage::redis::failure::Failure;
use crate::storage::redis::flight::{Air, Flight, Landed};
use crate::storage::redis::leg::Leg;
use crate::storage::redis::observer::{CallEnd, FlightReport};
use crate::storage::redis::order::Now;
use crate::storage::redis::queue::Event;
use crate::storage::redis::script::KnownScripts;
use crate::storage::trace::{FlightSpan, Load};

/// Flights under way at a time: enough that the next leaves while one is being answered, few enough that orders gather.
const MAX_FLIGHTS: usize = 4;

/// Keys in a flight: more would hold Redis up for other callers. One order may bring more; orders are never split.
const MAX_KEYS: usize = 64;

/// Orders in a flight, however few keys they share.
const MAX_ORDERS: usize = 512;

/// A connection that lived this long was of use even if nobody asked anything.
const LONG_LIFE: Duration = Duration::from_secs(1);

/// How a connection ended.
pub(super) struct Flown {
    pub(super) was_of_use: bool,
    pub(super) end: Failure,
}

/// One connection's state.
struct Airspace {
    connection: Connection,
    air: Air,
    known: KnownScripts,
    time_due: Instant,
    landed: bool,
    /// When a login that is newer than the connection's may be presented.
    login_due: Instant,
    /// Ready when the server's name has another address; nothing where it has no name.
    renamed: Option<Renaming>,
    /// Why nothing more is launched on this connection.
    leaving: Option<Failure>,
}

/// Gives the name's new address when it has one.
type Renaming = Pin<Box<dyn Future<Output = SocketAddr> + Send>>;

/// What came first.
enum Happening {
    Lost,
    Renamed(SocketAddr),
    Landed(Landed),
    Queue(Event),
}

impl Pilot {
    /// Flies on this connection until it ends. `None` where nobody holds the link any more.
    pub(super) async fn fly(&mut self, connection: Connection) -> Option<Flown> {
        let begun = Instant::now();
        let mut airspace = Airspace {
            renamed: self.watch_name(&connection),
            connection,
            air: Air::default(),
            known: KnownScripts::default(),
            time_due: begun + self.settings.time_interval,
            landed: false,
            login_due: begun,
            leaving: None,
        };
        self.queue.ring_by(airspace.time_due);
        let end = loop {
            if airspace.leaving.is_none() {
                self.launch_all(&mut airspace);
            }
            let happening = tokio::select! {
                biased;
                happening = poll_fn(|context| airspace.poll(context)) => happening,
                event = self.queue.event() => Happening::Queue(event),
            };
            match happening {
                Happening::Landed(landed) => self.land(landed, &mut airspace),
                Happening::Renamed(to) => {
                    self.observer.renamed(to);
                    airspace.leaving.get_or_insert(Failure::Io("its name has another address now".into()));
                }
                Happening::Queue(Event::Filled) => {}
                Happening::Queue(Event::Closed) => {
                    self.observer.ended(airspace.air.len());
                    return None;
                }
                Happening::Queue(Event::Deadline) => self.keep_deadlines(&mut airspace),
                Happening::Lost => break airspace.leaving.take().unwrap_or_else(closed_by_peer),
            }
            if airspace.air.len() == 0
                && let Some(failure) = airspace.leaving.take()
            {
                break failure;
            }
        };
        self.crash(airspace.air, &end);
        Some(Flown { was_of_use: airspace.landed || begun.elapsed() >= LONG_LIFE, end })
    }

    /// Looks the server's name up from time to time: its former address may go on answering.
    fn watch_name(&self, connection: &Connection) -> Option<Renaming> {
        let (host, peer) = (self.address.host_name()?.to_owned(), connection.peer?);
        Some(Box::pin(self.settings.names.clone().moved(host, peer, self.settings.name_interval)))
    }

    /// Launches what waits, as far as there is room in the air.
    fn launch_all(&mut self, airspace: &mut Airspace) {
        while airspace.air.len() < MAX_FLIGHTS && !self.queue.is_empty() {
            let mut expiry = self.expiry();
            let legs = self.load(&mut expiry);
            self.finish(&expiry);
            if legs.is_empty() {
                return;
            }
            let prefix = self.settings.key_prefix.as_bytes();
            let mut commands = Vec::with_capacity(legs.len());
            legs.iter().for_each(|leg| leg.write(prefix, &mut airspace.known, &mut commands));
            let span = self.trace(&legs);
            let flight = Flight::new(legs, commands, airspace.connection.commands(), span);
            self.queue.ring_by(flight.launched + self.settings.connect_timeout);
            airspace.air.add(flight);
            self.observer.launched();
        }
    }

    /// The span of a flight that carries recorded requests.
    fn trace(&self, legs: &[Leg]) -> Option<Box<FlightSpan>> {
        let tracer = &self.settings.tracer;
        let recorded = legs.iter().filter(|_| tracer.is_on()).flat_map(Leg::traces);
        let load = || Load {
            server: &self.address,
            calls: legs.len(),
            orders: legs.iter().map(Leg::orders).sum(),
            keys: legs.iter().map(Leg::keys).sum(),
        };
        FlightSpan::begin(tracer, recorded, load).map(Box::new)
    }

    /// Takes a flight's load from what waits.
    fn load(&mut self, expiry: &mut Expiry) -> Vec<Leg> {
        let (mut legs, mut keys, mut orders) = (Vec::new(), 0, 0);
        while keys < MAX_KEYS
            && orders < MAX_ORDERS
            && let Some(errand) = self.queue.take(expiry)
        {
            orders += 1;
            match errand {
                Errand::Count(passenger) => {
                    let now = match passenger.order.now {
                        Now::There(now) => now,
                        Now::Here(own) => self.time.map_or(own, |time| time.at(Instant::now())),
                    };
                    keys += self.packer.add(passenger, now);
                }
                Errand::Mend(mend) => {
                    keys += mend.keys();
                    legs.push(Leg::Mend(mend));
                }
                Errand::Time(question) => legs.push(Leg::Time(question)),
                Errand::Login(login) => legs.push(Leg::Login(login)),
            }
        }
        legs.extend(self.packer.finish().into_iter().map(Leg::Count));
        legs
    }

    fn land(&mut self, landed: Landed, airspace: &mut Airspace) {
        let Landed { legs, launched, span, replies } = landed;
        self.observer.ended(1);
        let replies = match replies {
            Ok(replies) if replies.len() == legs.len() => Ok(replies),
            Ok(_) => Err(Failure::Other("answers are missing".into())),
            Err(error) => Err(Failure::of_connection(&error)),
        };
        if let Some(span) = span {
            span.end(
                replies.as_ref().map_or_else(|failure| Some(failure.clone()), |it| refusal(it)).as_ref(),
            );
        }
        let replies = match replies {
            Ok(replies) => replies,
            Err(failure) => return self.lose(legs, launched, failure, airspace),
        };
        let mut report = FlightReport { orders: 0, keys: 0, calls: 0, duration: launched.elapsed() };
        for (mut leg, reply) in legs.into_iter().zip(replies) {
            let end = if leg.is_awaited() { CallEnd::Answered } else { CallEnd::Late };
            match (leg.land(&reply, launched), &leg) {
                (outcome, Leg::Login(login)) => self.login_landed(login, outcome.err().as_ref(), airspace),
                (Ok(None), _) => {
                    report.add(&leg);
                    self.tell_call(&leg, end, report.duration);
                }
                (Ok(Some(time)), _) => {
                    airspace.landed = true;
                    self.observer.time_read(time);
                }
                (Err(failure), _) => self.land_failed(leg, launched, failure, airspace),
            }
        }
        if report.calls > 0 {
            airspace.landed = true;
            self.observer.landed(report);
        }
    }

    /// A call that was answered with an error.
    fn land_failed(&mut self, mut leg: Leg, launched: Instant, failure: Failure, airspace: &mut Airspace) {
        if failure == Failure::NoScript {
            airspace.known.forget();
            self.observer.script_missing();
            return self.queue.put_back(leg.into_errands());
        }
        self.tell_call(&leg, CallEnd::of_error(&failure), launched.elapsed());
        self.tell_failure(leg.fail(&failure), &failure);
        if failure.wants_another_connection() {
            airspace.leaving.get_or_insert(failure);
        }
    }

    /// A flight that did not come back. Nobody knows what became of it, and nothing more comes on this connection.
    fn lose(&mut self, legs: Vec<Leg>, launched: Instant, failure: Failure, airspace: &mut Airspace) {
        let failure = airspace.leaving.get_or_insert(failure).as_unknown();
        let told = self.fail_all(legs, launched, &failure);
        self.tell_failure(told, &failure);
    }

    fn keep_deadlines(&mut self, airspace: &mut Airspace) {
        let mut expiry = self.expiry();
        if airspace.air.oldest().is_some_and(|launched| launched.elapsed() >= self.settings.patience) {
            // Nothing comes back, and so it is the server's failure however short the callers' patience.
            expiry.blame();
        }
        self.queue.expire(&mut expiry);
        airspace.air.expire(&mut expiry);
        if let Some(oldest) = airspace.air.oldest()
            && expiry.is_over(oldest + self.settings.connect_timeout)
        {
            airspace.connection.close();
            airspace.leaving = Some(Failure::Timeout);
        }
        if expiry.is_over(airspace.time_due) {
            airspace.time_due = Instant::now() + self.settings.time_interval;
            self.queue.ring_by(airspace.time_due);
            self.queue.push(Errand::Time(TimeQuestion::Routine));
            self.present_login(airspace);
        }
        self.finish(&expiry);
    }

    /// Sends the current login ahead of all that waits, where the connection has another one.
    fn present_login(&mut self, airspace: &mut Airspace) {
        let now = Instant::now();
        if airspace.login_due > now {
            return;
        }
        if let Some(login) = &self.address.credentials().now().current
            && !Arc::ptr_eq(login, &airspace.connection.login)
        {
            airspace.login_due = now + LOGIN_AGAIN;
            self.queue.put_back(vec![Errand::Login(Arc::clone(login))]);
        }
    }

    /// A server that refuses a login leaves the connection to the one before it, which is good enough to count with.
    fn login_landed(&mut self, login: &Arc<Login>, refusal: Option<&Failure>, airspace: &mut Airspace) {
        let credentials = self.address.credentials();
        match refusal {
            None => {
                airspace.connection.login = Arc::clone(login);
                airspace.login_due = Instant::now();
                credentials.accepted(login, &self.address);
            }
            Some(failure) => credentials.refused(&self.address, failure),
        }
    }

    /// Everything in the air when the connection ended.
    fn crash(&mut self, air: Air, end: &Failure) {
        let failure = end.as_unknown();
        self.observer.ended(air.len());
        let told = air.into_flights().map(|flight| {
            if let Some(span) = flight.span {
                span.end(Some(&failure));
            }
            self.fail_all(flight.legs, flight.launched, &failure)
        });
        let told = told.sum();
        self.tell_failure(told, &failure);
    }
}

/// The first reply that is an error.
fn refusal(replies: &[Value]) -> Option<Failure> {
    replies.iter().find_map(|reply| match reply {
        Value::ServerError(error) => Some(Failure::of_reply(error)),
        _ => None,
    })
}

impl Airspace {
    /// Drives the connection, then looks at what came of it: answers that arrived before the end count.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Happening> {
        // The first look sends what was just added; the last one takes what driving brought.
        if let Poll::Ready(landed) = self.air.poll_landed(context) {
            return Poll::Ready(Happening::Landed(landed));
        }
        let closed = self.connection.poll_closed(context);
        if let Poll::Ready(landed) = self.air.poll_landed(context) {
            return Poll::Ready(Happening::Landed(landed));
        }
        if closed.is_ready() {
            return Poll::Ready(Happening::Lost);
        }
        let renamed = self.renamed.as_mut().map_or(Poll::Pending, |renamed| renamed.as_mut().poll(context));
        renamed.map(|to| {
            self.renamed = None;
            Happening::Renamed(to)
        })
    }
}
