//! What is shipped to watch ratekeeper with: dashboards, alerts, recording rules and runbooks, held to a running server.
//!
//! They need Debian's `prometheus` package, which `scripts/test-setup` installs.

mod alerts;
mod boards;
mod live;
mod promql;
mod scene;
