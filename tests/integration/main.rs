//! All integration tests, in one binary so that they link once. The modules mirror what callers and operators see.
//!
//! They need what `scripts/test-setup` installs; `make test` runs both.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "a failing test shows the logs of what it started")]

mod harness;
mod harness_tests;

mod allocations;
mod answers;
mod bad_input;
mod canary;
mod cli;
mod compose;
mod counters;
mod decision_log;
mod demo;
mod docs;
mod drain;
mod envoy_http;
mod envoy_tcp;
mod examples;
mod explain;
mod health;
mod health_command;
mod http_surface;
mod image;
mod layers;
mod logging;
mod meshes;
mod metrics;
mod monitoring;
mod pod;
mod redis;
mod reload;
mod rolling;
mod rule_files;
mod settings;
mod systemd;
mod tls;
mod traces;
mod upstream_names;
