//! Histograms that many threads fill without a lock.
//!
//! prometheus-client's own histogram takes a lock for each observation, which all threads would share.

mod cells;
mod counts;
mod exemplars;
mod latency;

pub use self::counts::CountHistogram;
pub use self::exemplars::TraceId;
pub use self::latency::LatencyHistogram;
