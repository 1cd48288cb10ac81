//! The pure core: descriptors in, rules matched, counters named, statuses folded into one verdict.
//!
//! Knows nothing of gRPC, YAML, Redis, threads or the time of day: requests are borrowed bytes, `now` is a
//! parameter, and nothing here waits or fails for a reason that lies outside its arguments.

pub mod request;

pub mod algorithm;
pub mod cost;
pub mod limit;
pub mod limit_share;
pub mod metadata;
pub mod period;
pub mod rules;
pub mod unit;

pub mod ticks;

pub mod fixed_window;
pub mod meter;
pub mod reading;
pub mod sliding_log;
pub mod sliding_window;
pub mod state;
pub mod token_bucket;

pub mod hit;
pub mod hit_shares;
pub mod key;
pub mod time;

pub mod explain;
pub mod plan;
pub mod verdict;

mod percent;
