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
use crate::server::caller::{Caller, Correlation};
use crate::server::http::refusal::refuse;
use crate::server::json::{self, EncodeFault};
use crate::server::responder::Responder;
use crate::service::Clock;
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
    mut request: Request,
) -> Response {
    // A body is read without them.
    let headers = std::mem::take(request.headers_mut());
    let caller = Caller::json(&headers);
    let Read { message, large } = match decider.bodies.read(request).await {
        Ok(read) => read,
        Err(unread) => return refuse(unread.status(), &unread),
    };
    match decider.responder.respond(&message, &caller).await {
        Ok(answer) => write(answer, large, &caller).await,
        Err(unanswered) => refuse(unanswered.http_status(), &unanswered),
    }
}

/// The answer to a large request can be large, too.
async fn write(answer: RateLimitResponse, large: Option<Turn>, caller: &Caller<'_>) -> Response {
    let encoded = match large {
        None => encode(&answer),
        Some(turn) => match tokio::task::spawn_blocking(move || (encode(&answer), turn)).await {
            Ok((encoded, _turn)) => encoded,
            Err(error) => return refuse(StatusCode::INTERNAL_SERVER_ERROR, &error),
        },
    };
    encoded.unwrap_or_else(|fault| {
        let Correlation { request_id, trace_id } = caller.correlation();
        tracing::error!(request_id, trace_id, %fault, "an answer has no JSON form; simplify the metadata of the rules that it names");
        refuse(StatusCode::SERVICE_UNAVAILABLE, &fault)
    })
}

fn encode(answer: &RateLimitResponse) -> Result<Response, EncodeFault> {
    let code =
        if answer.overall_code() == Code::OverLimit { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::OK };
    let body = json::encode_response(answer)?;
    Ok((code, [(header::CONTENT_TYPE, "application/json")], body).into_response())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use ratekeeper_proto::prost_types::value::Kind;
    use ratekeeper_proto::prost_types::{Struct, Value};

    use super::*;

    #[tokio::test]
    async fn an_answer_without_a_json_form_is_no_decision() {
        let number = Value { kind: Some(Kind::NumberValue(f64::NAN)) };
        let metadata = Struct { fields: [("number".to_owned(), number)].into() };
        let answer = RateLimitResponse { dynamic_metadata: Some(metadata), ..RateLimitResponse::default() };
        let headers = HeaderMap::new();
        let status = async |answer| write(answer, None, &Caller::json(&headers)).await.status();
        assert_eq!(status(answer).await, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(status(RateLimitResponse::default()).await, StatusCode::OK);
    }
}
