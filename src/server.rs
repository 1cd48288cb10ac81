//! The edge to callers: gRPC and HTTP, and the conversion between wire types and the domain's.
//!
//! Wire types end here. Rules, counters and the decision itself are the service's.

pub mod json;
