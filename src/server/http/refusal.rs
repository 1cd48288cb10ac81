//! How an HTTP page says no: a status, and one line of plain text that says why.

use std::fmt::Display;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// The answer to a request that gets no other one.
pub(super) fn refuse(status: StatusCode, why: &(impl Display + ?Sized)) -> Response {
    (status, format!("{why}\n")).into_response()
}
