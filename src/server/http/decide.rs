//! `POST /json`: the rate limit service as proto3 JSON.

mod body;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use ratekeeper_proto::RateLimitResponse;
use ratekeeper_proto::rate_limit_response::Code;

use self::body::{Bodies, MAX_BODY_BYTES, Read, Turn};
use crate::server::caller::{Caller, request_id};
use crate::server::json;
use crate::server::responder::Responder;
use crate::server::unanswered::Unanswered;
use crate::service::Clock;
use crate::service::decision_log::CallerIds;
use crate::storage::CounterStore;

/// What answers requests.
#[derive(Debug)]
struct Decider<S, C> {
    responder: Arc<Responder<S, C>>,
    bodies: Bodies,
}

/// The route of `/json`: 200 for OK, 429 for over limit, 400 for a bad body, 503 where nothing could be decided.
pub fn router<S: CounterStore, C: Clock>(responder: Arc<Responder<S, C>>) -> Router {
    Router::new()
        .route("/json", post(decide::<S, C>))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(Arc::new(Decider { responder, bodies: Bodies::new() }))
}

async fn decide<S: CounterStore, C: Clock>(
    State(decider): State<Arc<Decider<S, C>>>,
    request: Request,
) -> Response {
    // The body goes with the request.
    let id = request_id(request.headers()).map(str::to_owned);
    let Read { message, large } = match decider.bodies.read(request).await {
        Ok(read) => read,
        Err(unread) => return refuse(unread.status(), &unread),
    };
    let ids = CallerIds { request_id: id.as_deref(), trace_id: None };
    let caller = Caller { patience: None, ids };
    match decider.responder.respond(&message, caller).await {
        Ok(answer) => write(answer, large).await,
        Err(unanswered) => refuse(status(unanswered), &unanswered),
    }
}

/// The answer to a large request can be large, too.
async fn write(answer: RateLimitResponse, large: Option<Turn>) -> Response {
    match large {
        None => encode(&answer),
        Some(turn) => {
            let encoded = tokio::task::spawn_blocking(move || (encode(&answer), turn)).await;
            encoded
                .map_or_else(|error| refuse(StatusCode::INTERNAL_SERVER_ERROR, &error), |(answer, _)| answer)
        }
    }
}

fn encode(answer: &RateLimitResponse) -> Response {
    let code =
        if answer.overall_code() == Code::OverLimit { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::OK };
    match json::encode_response(answer) {
        Ok(body) => (code, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(fault) => {
            tracing::error!(%fault, "an answer has no JSON form; simplify the metadata of the rules that it names");
            refuse(StatusCode::SERVICE_UNAVAILABLE, &fault)
        }
    }
}

fn refuse(status: StatusCode, why: &impl std::fmt::Display) -> Response {
    (status, format!("{why}\n")).into_response()
}

fn status(unanswered: Unanswered) -> StatusCode {
    match unanswered {
        Unanswered::Refused(_) => StatusCode::BAD_REQUEST,
        Unanswered::NoRules(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

#[cfg(test)]
mod tests {
    use ratekeeper_proto::prost_types::value::Kind;
    use ratekeeper_proto::prost_types::{Struct, Value};

    use super::*;

    #[test]
    fn an_answer_without_a_json_form_is_no_decision() {
        let number = Value { kind: Some(Kind::NumberValue(f64::NAN)) };
        let metadata = Struct { fields: [("number".to_owned(), number)].into() };
        let answer = RateLimitResponse { dynamic_metadata: Some(metadata), ..RateLimitResponse::default() };
        assert_eq!(encode(&answer).status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(encode(&RateLimitResponse::default()).status(), StatusCode::OK);
    }
}
