//! Where counts live. A store counts a request's hits at a given time; it knows nothing of rules, wires or clocks.

pub mod breaker;
pub mod inspect;
pub mod ledger;
pub mod local;
pub mod redis;
pub mod shared;
pub mod slot;
pub mod trace;

mod chance;
mod table;

use std::future::Future;
use std::sync::Arc;

use smallvec::SmallVec;
use tokio::time::Instant;

use crate::decision::hit::{Batch, HitAnswer};
use crate::decision::reading::Reading;
use crate::decision::time::Timestamp;
use crate::storage::local::LocalStore;
use crate::storage::shared::SharedStore;
use crate::storage::trace::TraceContext;

/// What was read for each hit of a batch, in the batch's order.
pub type Readings = SmallVec<[Reading; 2]>;

/// What came of each hit of a batch, in the batch's order.
pub type HitAnswers = SmallVec<[HitAnswer; 2]>;

/// When a batch is counted, until when its caller waits, and where that is recorded.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The time of day.
    pub now: Timestamp,
    /// When an answer is worth nothing any more, where the caller said so.
    pub deadline: Option<Instant>,
    /// The request's span, where it is recorded.
    pub trace: Option<TraceContext>,
}

/// The store of a process: one of those that there are.
#[derive(Debug)]
pub enum Store {
    /// In this process's memory.
    Local(Arc<LocalStore>),
    /// Shared with other replicas.
    Shared(SharedStore),
}

impl CounterStore for Store {
    async fn count(&self, batch: Batch<'_>, at: Moment) -> HitAnswers {
        match self {
            Store::Local(store) => store.count(batch, at).await,
            Store::Shared(store) => store.count(batch, at).await,
        }
    }

    fn time(&self, own: Timestamp) -> Timestamp {
        match self {
            Store::Local(store) => store.time(own),
            Store::Shared(store) => store.time(own),
        }
    }
}

/// Counts hits.
pub trait CounterStore: Send + Sync + 'static {
    /// Counts every hit of the batch, in order, so that a key that stands twice counts twice; gives one answer for each.
    fn count(&self, batch: Batch<'_>, at: Moment) -> impl Future<Output = HitAnswers> + Send;

    /// What time it is where counters live, by which their windows go; `own` is this replica's time.
    fn time(&self, own: Timestamp) -> Timestamp {
        own
    }
}
