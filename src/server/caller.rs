//! What a caller tells of itself beside its question.

use std::time::Duration;

use http::{HeaderMap, HeaderName};

use crate::server::deadline::patience;
use crate::service::decision_log::CallerIds;

/// The id that a proxy gives the request of its user.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Who asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Caller<'a> {
    /// How long it waits, where it said so.
    pub patience: Option<Duration>,
    /// How its request is known elsewhere.
    pub ids: CallerIds<'a>,
}

impl<'a> Caller<'a> {
    /// What the headers of a gRPC call tell.
    #[must_use]
    pub fn of_grpc(headers: &'a HeaderMap) -> Self {
        Self {
            patience: patience(headers),
            ids: CallerIds { request_id: request_id(headers), trace_id: None },
        }
    }
}

/// The id of the request, where it is a text.
#[must_use]
pub fn request_id(headers: &HeaderMap) -> Option<&str> {
    headers.get(&REQUEST_ID).and_then(|id| id.to_str().ok())
}
