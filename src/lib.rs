//! ratekeeper: the rate limit decision service for Envoy and Istio.
//!
//! The layers, and who may import whom (held by `tests/integration/layers.rs`):
//!
//! ```text
//! main → cli, app → server → service → storage → decision
//!                             config  → decision
//! telemetry is a leaf that every layer's own files for metrics and traces may use
//! secrets is a leaf of files that others write, for storage, server, app, cli and telemetry
//! ```
//!
//! Read them from the inside out: a pure core that decides, a store that counts, files that configure,
//! the use case that puts them together, and the edges that speak to the world.

pub mod decision;
pub mod storage;

pub mod config;
pub mod service;

pub mod server;

pub mod app;
pub mod cli;

pub mod secrets;
pub mod telemetry;
