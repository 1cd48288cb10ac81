//! `/metrics` for Prometheus, in the form that it asks for.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::telemetry::exposition::{Exposition, Format};

/// The route of `/metrics`.
pub fn router(metrics: Arc<Exposition>) -> Router {
    Router::new().route("/metrics", get(page)).with_state(metrics)
}

async fn page(State(metrics): State<Arc<Exposition>>, headers: HeaderMap) -> Response {
    let accept = headers.get_all(header::ACCEPT).into_iter();
    let format = Format::accepted(accept.filter_map(|line| line.to_str().ok()));
    written(metrics.page(format), format.content_type())
}

/// A page of metrics, or why there is none.
pub(super) fn written(page: Result<String, fmt::Error>, content_type: &'static str) -> Response {
    match page {
        Ok(page) => ([(header::CONTENT_TYPE, content_type)], page).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be written");
            (StatusCode::INTERNAL_SERVER_ERROR, "metrics cannot be written\n").into_response()
        }
    }
}
