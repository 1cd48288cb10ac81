//! Just enough of an HTTP/2 client (RFC 9113) for unary gRPC calls, without any input or output of its own.
//!
//! A whole client stack costs about half of what a server costs, and so hides what is to be measured. Here requests are
//! bytes that never change but for their keys, many of them go out in one write, and a connection's calls are entries
//! of one map. What a server may do to a client is all there: flow control both ways, settings, pings, padding,
//! continuations, resets, going away; and what it may not do ends the connection.

pub mod fields;
pub mod request;
pub mod session;
#[cfg(test)]
mod tests;
pub mod upload;
pub mod wire;
