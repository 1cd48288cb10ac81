//! `/decision-log`: what the decision log does, and `PUT` to have it do otherwise until the next start.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::decision::verdict::Outcome;
use crate::server::http::refusal::refuse;
use crate::service::DecisionLog;
use crate::service::decision_log::{Change, DecisionLogSettings};

/// What is told where there is none.
const OFF: &str = "there is no decision log; set decision_log.output and start again";

/// What the log does.
#[derive(Debug, Serialize)]
struct DecisionLogPage {
    outcomes: Vec<&'static str>,
    sample_ratio: f64,
    max_per_second: u32,
    hash: Vec<String>,
    drop: Vec<String>,
}

/// What it shall do; what is left out stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeBody {
    outcomes: Option<Vec<String>>,
    sample_ratio: Option<f64>,
    max_per_second: Option<u32>,
    hash: Option<Vec<String>>,
    drop: Option<Vec<String>>,
}

/// The routes.
pub(super) fn router<S: Clone + Send + Sync + 'static>(log: Option<Arc<DecisionLog>>) -> Router<S> {
    Router::new().route("/decision-log", get(show).put(change)).with_state(log)
}

async fn show(State(log): State<Option<Arc<DecisionLog>>>) -> Response {
    match log {
        Some(log) => Json(DecisionLogPage::from(log.settings())).into_response(),
        None => refuse(StatusCode::NOT_FOUND, OFF),
    }
}

async fn change(
    State(log): State<Option<Arc<DecisionLog>>>,
    body: Result<Json<ChangeBody>, JsonRejection>,
) -> Response {
    let Some(log) = log else { return refuse(StatusCode::CONFLICT, OFF) };
    let Json(ChangeBody { outcomes, sample_ratio, max_per_second, hash, drop }) = match body {
        Ok(body) => body,
        Err(rejection) => return refuse(StatusCode::BAD_REQUEST, &rejection.body_text()),
    };
    match log.change(&Change { outcomes, sample_ratio, max_per_second, hash, drop }) {
        Ok(settings) => {
            let page = DecisionLogPage::from(settings);
            tracing::info!(
                outcomes = page.outcomes.join(","),
                sample_ratio = page.sample_ratio,
                max_per_second = page.max_per_second,
                hash = page.hash.join(","),
                drop = page.drop.join(","),
                "the decision log was changed by an operator, until the next start"
            );
            Json(page).into_response()
        }
        Err(fault) => refuse(StatusCode::BAD_REQUEST, &fault),
    }
}

impl From<DecisionLogSettings> for DecisionLogPage {
    fn from(settings: DecisionLogSettings) -> Self {
        Self {
            outcomes: settings.outcomes.iter().map(Outcome::name).collect(),
            sample_ratio: settings.sample_ratio,
            max_per_second: settings.max_per_second,
            hash: settings.hash,
            drop: settings.drop,
        }
    }
}
