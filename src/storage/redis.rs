//! Counters that many replicas share, in Redis: the scripts, one connection, and the task that flies it.
//!
//! A [`link::Link`] is a replica's way to one server for one runtime thread. Which server a key belongs to, what happens
//! while a server is away, and what time it is there, are decided by others. This folder alone names the client library.

pub mod credentials;
pub mod failure;
pub mod link;
pub mod names;
pub mod node;
pub mod observer;
pub mod order;
pub mod packed;
pub mod scan;
pub mod shard_time;
pub mod side;
pub mod slot_map;
pub mod tls;

mod alarm;
mod backoff;
mod call;
mod connection;
mod errand;
mod flight;
mod leg;
mod mend;
mod pilot;
mod queue;
mod remarks;
mod script;
mod told;

#[cfg(test)]
pub(crate) mod tests;
