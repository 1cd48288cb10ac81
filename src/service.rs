//! The use case: one request in, one verdict out.
//!
//! Joins a snapshot of the rules, one reading of the clock and a store. Knows nothing of wires, and of files only that of the
//! decision log, which a thread of its own writes: whoever reads rules publishes them in the [`Rulebook`], and every edge asks
//! the [`Limiter`].

pub mod clock;
pub mod counters;
pub mod decision_log;
pub mod limiter;
pub mod metrics;
pub mod outcomes;
pub mod rulebook;
pub mod statistics;
pub mod status;

pub use clock::{Clock, ManualClock, SystemClock};
pub use counters::Counters;
pub use decision_log::DecisionLog;
pub use limiter::{Asker, Limiter, NoRules};
pub use rulebook::{Rulebook, Snapshot};
pub use status::{Readiness, ServiceStatus};
