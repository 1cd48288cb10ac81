//! Probes: is the process alive, and should requests be sent here?

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use crate::service::{Readiness, ServiceStatus};

/// `/livez` answers while the process runs; `/readyz` tells whether it can decide, and why not; `/healthcheck` is what
/// upstream's users probe.
pub fn router(status: Arc<ServiceStatus>) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/healthcheck", get(healthcheck))
        .with_state(status)
}

async fn ready(State(status): State<Arc<ServiceStatus>>) -> (StatusCode, String) {
    match status.readiness() {
        Readiness::Ready => (StatusCode::OK, "ok\n".into()),
        Readiness::Degraded(why) => (StatusCode::OK, format!("ok, degraded: {why}\n")),
        Readiness::NotReady(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}

async fn healthcheck(State(status): State<Arc<ServiceStatus>>) -> (StatusCode, String) {
    match status.readiness() {
        Readiness::Ready | Readiness::Degraded(_) => (StatusCode::OK, "OK".into()),
        Readiness::NotReady(why) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{why}\n")),
    }
}
