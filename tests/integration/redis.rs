//! Limits that replicas share through Redis: exact while it is there, bounded while it is not, exact again soon after.
//!
//! Real servers and the real binary; what fails is a real server or the wire to it. Callers have all the time that they
//! need, so that a machine that is busy with other tests fails none of them; what they waited is printed.

mod admin_page;
mod cluster;
mod connections;
mod error_replies;
mod exactness;
mod fleet;
mod load;
mod managed_cluster;
mod meter_outages;
mod meters;
mod outages;
mod passwords;
mod per_second;
mod proxies;
mod regions;
mod ring;
mod ring_growth;
mod scene;
mod sentinel;
mod settlement;
mod several_limits;
mod single_keys;
mod start;
mod tls;
