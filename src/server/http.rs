//! The pages over HTTP/1: decisions as JSON, probes, metrics, and what operators look at.
//!
//! Three routers for three listeners, because who may see what differs: the first two are for the cluster, admin is for
//! the machine itself.

pub mod admin;
pub mod decide;
pub mod probes;
pub mod scrape;

mod refusal;
