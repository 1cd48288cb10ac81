//! `POST /json`: the rate limit service as proto3 JSON.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use ratekeeper_proto::rate_limit_response::Code;

use crate::server::json;
use crate::server::responder::Responder;
use crate::server::unanswered::Unanswered;
use crate::service::Clock;
use crate::storage::CounterStore;

/// JSON takes far more memory when it is read than protobuf, so a body may be at most this large, whatever gRPC may send.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// The route of `/json`: 200 for OK, 429 for over limit, 400 for a bad body, 503 where nothing could be decided.
pub fn router<S: CounterStore, C: Clock>(responder: Arc<Responder<S, C>>) -> Router {
    Router::new()
        .route("/json", post(decide::<S, C>))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(responder)
}

async fn decide<S: CounterStore, C: Clock>(
    State(responder): State<Arc<Responder<S, C>>>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return refuse_body(&rejection),
    };
    let message = match json::decode_request(&body) {
        Ok(message) => message,
        Err(fault) => return (StatusCode::BAD_REQUEST, format!("{fault}\n")).into_response(),
    };
    let answer = match responder.respond(&message, None).await {
        Ok(answer) => answer,
        Err(unanswered) => return (status(unanswered), format!("{unanswered}\n")).into_response(),
    };
    let code =
        if answer.overall_code() == Code::OverLimit { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::OK };
    match json::encode_response(&answer) {
        Ok(body) => (code, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(fault) => {
            tracing::error!(%fault, "an answer has no JSON form; simplify the metadata of the rules that it names");
            (StatusCode::INTERNAL_SERVER_ERROR, format!("{fault}\n")).into_response()
        }
    }
}

fn refuse_body(rejection: &BytesRejection) -> Response {
    let why = match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            format!("the body is larger than {MAX_BODY_BYTES} bytes; use gRPC for such requests\n")
        }
        _ => format!("the body cannot be read: {rejection}\n"),
    };
    (rejection.status(), why).into_response()
}

fn status(unanswered: Unanswered) -> StatusCode {
    match unanswered {
        Unanswered::Refused(_) => StatusCode::BAD_REQUEST,
        Unanswered::NoRules(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
