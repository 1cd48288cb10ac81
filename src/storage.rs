//! Where counts live. A store counts a request's hits at a given time; it knows nothing of rules, wires or clocks.

pub mod local;
pub mod redis;

use std::future::Future;

use smallvec::SmallVec;

use crate::decision::fixed_window::Reading;
use crate::decision::hit::Batch;
use crate::decision::time::Timestamp;

/// What a store read for each hit of a batch, in the batch's order.
pub type Readings = SmallVec<[Reading; 2]>;

/// Counts hits.
pub trait CounterStore: Send + Sync + 'static {
    /// Counts every hit of the batch, in order, so that a key that stands twice counts twice; gives one reading for each.
    fn count(&self, batch: Batch<'_>, now: Timestamp) -> impl Future<Output = Readings> + Send;
}
