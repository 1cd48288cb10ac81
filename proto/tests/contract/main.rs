//! Holds the wire contract: generated code is what the `.proto` files give, they are what Envoy's API says, and
//! bytes go through as callers send them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod envoy_api;
mod generated;
mod sources;
mod wire;
