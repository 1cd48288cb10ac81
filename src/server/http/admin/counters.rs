//! `/counters`, `/counter` and `POST /counters/reset`: what is counted, and letting it begin anew.
//!
//! A reset wants a JSON body: no page of another site can make a browser send one to this port unasked.

pub mod page;

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::de::DeserializeOwned;

use self::page::{CounterLine, CounterPage, CounterQuery, ListQuery, ResetPage, ResetQuery};
use crate::decision::algorithm::Algorithm;
use crate::decision::period::Period;
use crate::server::http::refusal::refuse;
use crate::service::Counters;
use crate::service::counters::{CounterFault, Filter, PageStart, Which};
use crate::storage::inspect::Position;

/// Counters of a page where nobody says how many.
const DEFAULT_PAGE: usize = 100;

/// Counters of a page at the most.
const LARGEST_PAGE: usize = 1_000;

/// The routes.
pub(super) fn router<S: Clone + Send + Sync + 'static>(counters: Arc<Counters>) -> Router<S> {
    Router::new()
        .route("/counters", get(list))
        .route("/counter", get(one))
        .route("/counters/reset", post(reset))
        .with_state(counters)
}

/// Why a question is not answered.
enum Refusal {
    /// It cannot be read, or does not say what is meant.
    Question(String),
    /// There is nothing to tell.
    Fault(CounterFault),
}

async fn list(
    State(counters): State<Arc<Counters>>,
    RawQuery(query): RawQuery,
) -> Result<Json<CounterPage>, Refusal> {
    let ListQuery { domain, rule, prefix, algorithm, limit, cursor } = read(query)?;
    let algorithm = algorithm.map(|name| self::algorithm(&name)).transpose()?;
    let filter = Filter { domain, rule, prefix: prefix.unwrap_or_default(), algorithm };
    let most = limit.unwrap_or(DEFAULT_PAGE).clamp(1, LARGEST_PAGE);
    let page = counters.list(&filter, PageStart { from: position(cursor)?, most }).await?;
    Ok(Json(page.into()))
}

async fn one(
    State(counters): State<Arc<Counters>>,
    RawQuery(query): RawQuery,
) -> Result<Json<CounterLine>, Refusal> {
    let which = which(read(query)?)?;
    let which =
        which.ok_or_else(|| Refusal::Question("name a counter: key, or domain and entries".into()))?;
    Ok(Json(counters.get(&which).await?.into()))
}

async fn reset(
    State(counters): State<Arc<Counters>>,
    query: Result<Json<ResetQuery>, JsonRejection>,
) -> Result<Json<ResetPage>, Refusal> {
    let Json(query) = query.map_err(|rejection| Refusal::Question(rejection.body_text()))?;
    let ResetQuery { key, entries, unit, domain, rule, prefix, algorithm, all, cursor } = query;
    let (one, held) = match all {
        true => (None, algorithm.map(|name| self::algorithm(&name)).transpose()?),
        false => (algorithm, None),
    };
    let (prefix, named) = (prefix.unwrap_or_default(), domain.clone());
    let filter = Filter { domain: named, rule, prefix, algorithm: held };
    let is_filtered = filter.rule.is_some() || !filter.prefix.is_empty();
    let reset = match which(CounterQuery { key, domain, entries, unit, algorithm: one })? {
        Some(_) if all || is_filtered || cursor.is_some() => {
            return Err(Refusal::Question("one counter is named, and others; it is either or".into()));
        }
        Some(which) => counters.reset(&which).await?,
        None if all => counters.reset_all(&filter, position(cursor)?).await?,
        None => {
            return Err(Refusal::Question(
                "name one counter by key, or by domain and entries; all that a filter means are reset with \"all\": true".into(),
            ));
        }
    };
    tracing::info!(counters = reset.counters, "counters were reset by an operator");
    Ok(Json(reset.into()))
}

/// The one counter that is named, if one is.
fn which(query: CounterQuery) -> Result<Option<Which>, Refusal> {
    let unit = query.unit.map(|name| unit(&name)).transpose()?;
    let algorithm = query.algorithm.map(|name| algorithm(&name)).transpose()?;
    if algorithm.is_some() && query.entries.is_none() && query.key.is_none() {
        return Err(Refusal::Question("an algorithm belongs to entries; name them, too".into()));
    }
    Ok(match (query.key, query.entries) {
        (Some(key), None) if query.domain.is_none() && unit.is_none() && algorithm.is_none() => {
            Some(Which::OfKey(key))
        }
        (Some(_), _) => {
            return Err(Refusal::Question(
                "a key says everything; leave out domain, entries, unit and algorithm".into(),
            ));
        }
        (None, Some(entries)) => {
            let domain = query.domain.ok_or_else(|| Refusal::Question("name the domain, too".into()))?;
            Some(Which::OfEntries { domain, entries, period: unit, algorithm })
        }
        (None, None) if unit.is_some() => {
            return Err(Refusal::Question("a unit belongs to entries; name them, too".into()));
        }
        (None, None) => None,
    })
}

fn unit(text: &str) -> Result<Period, Refusal> {
    text.parse().map_err(|fault| Refusal::Question(format!("`{text}` is no unit: it {fault}")))
}

fn algorithm(name: &str) -> Result<Algorithm, Refusal> {
    Algorithm::from_name(name).ok_or_else(|| {
        let names = Algorithm::ALL.map(Algorithm::name).join(", ");
        Refusal::Question(format!("`{name}` is no algorithm; there are {names}"))
    })
}

fn position(cursor: Option<String>) -> Result<Option<Position>, Refusal> {
    let read = |text: String| text.parse().map_err(|fault| Refusal::Question(format!("cursor: {fault}")));
    cursor.map(read).transpose()
}

fn read<T: DeserializeOwned>(query: Option<String>) -> Result<T, Refusal> {
    let query = query.unwrap_or_default();
    serde_urlencoded::from_str(&query).map_err(|fault| Refusal::Question(fault.to_string()))
}

impl From<CounterFault> for Refusal {
    fn from(fault: CounterFault) -> Self {
        Self::Fault(fault)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, why) = match self {
            Refusal::Question(why) => (StatusCode::BAD_REQUEST, why),
            Refusal::Fault(fault) => (status(&fault), fault.to_string()),
        };
        refuse(status, &why)
    }
}

fn status(fault: &CounterFault) -> StatusCode {
    match fault {
        CounterFault::Entries(_) | CounterFault::NoKey | CounterFault::SeveralLimits { .. } => {
            StatusCode::BAD_REQUEST
        }
        CounterFault::NoSuchRule(..)
        | CounterFault::NoSuchDomain(_)
        | CounterFault::NoRule { .. }
        | CounterFault::OtherAlgorithms { .. }
        | CounterFault::NoLimit(_) => StatusCode::NOT_FOUND,
        CounterFault::NoRules | CounterFault::Unread(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
