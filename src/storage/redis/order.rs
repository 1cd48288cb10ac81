//! What a link is asked to do, and what becomes of it.

use smallvec::SmallVec;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::decision::algorithm::Algorithm;
use crate::decision::hit::{Batch, DeniedRequests, Hit, Leniency};
use crate::decision::key::CounterKey;
use crate::decision::limit::Limit;
use crate::decision::reading::Reading;
use crate::decision::sliding_log::LogEntry;
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::storage::redis::failure::{Failure, ForeignValue};
use crate::storage::slot::Slot;
use crate::storage::trace::TraceContext;

/// The hits of one request that go to one server: most requests have one.
pub type OrderHits = SmallVec<[Hit; 1]>;

/// What a server counted, for each hit in the order's order. A key whose value is not ours fails alone.
pub type Counts = SmallVec<[Result<Counted, ForeignValue>; 1]>;

/// A counter as it is after a settlement or after hits were given back, for each that was named.
pub type States = SmallVec<[Result<State, ForeignValue>; 1]>;

/// A time of day, and by whose clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Now {
    /// By the server's, as it is estimated.
    There(Timestamp),
    /// By this replica's own, where no server's is known. The link corrects it when it has connected.
    Here(Timestamp),
}

/// How something reaches the keys that it names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Route {
    /// The slot that all the keys are in. Orders for one slot may share a script call.
    pub slot: Slot,
    /// With what else it may be sent.
    pub way: Way,
}

/// How an order is sent: to single servers straight, to a proxy by its key, to a node of a Redis Cluster as that demands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Way {
    /// As any other.
    #[default]
    Straight,
    /// In a script call that names its key and no other: a proxy sends each call to the server of its first key.
    OneKey,
    /// In a script call of its own: its slot is being moved, and the keys of others may be elsewhere already.
    Apart,
    /// Apart, and after ASKING, to the node that the slot is being moved to.
    Asking,
}

/// Hits of one request, to be counted together by one server.
#[derive(Debug, Clone)]
pub struct Order {
    /// The hits; the same key may stand more than once.
    pub hits: OrderHits,
    /// What becomes of them where the request is denied.
    pub mode: Mode,
    /// The time now.
    pub now: Now,
    /// Where the keys are.
    pub route: Route,
    /// The request's span, where it is recorded.
    pub trace: Option<TraceContext>,
}

/// What becomes of an order's hits where they deny their request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They count.
    Count,
    /// They leave no counter changed.
    CountUnlessDenied {
        /// As [`Leniency::quota_left`].
        quota_left: bool,
    },
}

/// What became of something that was asked of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<T> {
    /// It was done, and this is what the server told.
    Done(T),
    /// The server surely did nothing.
    NotDone(Failure),
    /// It was sent, and nothing was heard of it.
    Unknown(Failure),
}

/// One hit, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// What counting it told.
    pub reading: Reading,
    /// The counter afterwards: the window that it was counted in, with the count of the reading; or what is in the meter.
    pub state: State,
}

impl Counted {
    /// When the window it was counted in started, in seconds since the epoch; 0 of a meter, which has none.
    #[must_use]
    pub fn window_start(&self) -> u64 {
        self.state.window().map_or(0, |window| window.start)
    }
}

/// What a replica admitted in a counter's window while the server was away.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// The counter.
    pub key: CounterKey,
    /// The limit that it was last held against.
    pub limit: Limit,
    /// What this replica last read of it; an empty window or meter where it read nothing.
    pub read: State,
    /// What it admitted since, and what it sent and heard nothing of.
    pub admitted: u64,
    /// Of a log: when they came.
    pub came: Box<[LogEntry]>,
    /// Whose settlement this is: sent twice, it counts once.
    pub id: SettlementId,
}

/// Tells settlements of one counter's window apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettlementId {
    /// The replica, by a number that no other one has.
    pub replica: u64,
    /// Which of its outages; a later one has a higher number.
    pub outage: u64,
}

/// Hits that are given back because their request was denied elsewhere.
#[derive(Debug, Clone)]
pub struct GiveBack {
    /// The counter.
    pub key: CounterKey,
    /// The limit that they were held against.
    pub limit: Limit,
    /// When the window started in which they were counted; in another one nothing is given back. A meter has none.
    pub window_start: u64,
    /// How many.
    pub amount: u32,
}

/// Where an answer is awaited, and until when.
#[derive(Debug)]
pub(super) struct Ticket<T> {
    pub(super) begun: Instant,
    pub(super) deadline: Instant,
    reply: Option<oneshot::Sender<Outcome<T>>>,
}

impl Order {
    /// The algorithm of its hits. Where hits count by themselves they are all of one, because each has a script of its own.
    pub(super) fn algorithm(&self) -> Algorithm {
        self.hits.first().map_or_else(Algorithm::default, |hit| hit.limit.algorithm)
    }
}

impl Mode {
    /// The mode for a request's hits.
    #[must_use]
    pub fn of(batch: &Batch<'_>) -> Self {
        let Leniency { never_denies, quota_left } = batch.leniency;
        match batch.denied_requests {
            DeniedRequests::Ignore if !never_denies => Mode::CountUnlessDenied { quota_left },
            // What is never denied always counts.
            _ => Mode::Count,
        }
    }
}

impl<T> Ticket<T> {
    /// A ticket, and where its answer will come.
    pub(super) fn new(deadline: Instant) -> (Self, oneshot::Receiver<Outcome<T>>) {
        let (reply, answer) = oneshot::channel();
        (Self { begun: Instant::now(), deadline, reply: Some(reply) }, answer)
    }

    /// Whether somebody still waits for an answer.
    pub(super) fn is_awaited(&self) -> bool {
        self.reply.as_ref().is_some_and(|reply| !reply.is_closed())
    }

    /// Answers, where that was not done yet. Says whether somebody was told.
    pub(super) fn answer(&mut self, outcome: Outcome<T>) -> bool {
        self.reply.take().is_some_and(|reply| reply.send(outcome).is_ok())
    }

    /// Answers with a failure: `Unknown` unless it says that nothing was done.
    pub(super) fn fail(&mut self, failure: &Failure) -> bool {
        self.answer(match failure.is_refusal() {
            true => Outcome::NotDone(failure.clone()),
            false => Outcome::Unknown(failure.clone()),
        })
    }
}
