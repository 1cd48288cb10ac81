//! What the world can see: logs, traces, and the pieces that every layer's own metrics file builds on. Knows no layer but
//! `secrets`, for the collector's certificates.

pub mod exposition;
pub mod histogram;
pub mod logs;
pub mod process;
pub mod samples;
pub mod statsd;
pub mod trace;
