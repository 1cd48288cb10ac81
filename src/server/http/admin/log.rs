//! `/log`: what is logged, and changing it while the server runs, for a while or until the next start.
//!
//! Changes are made by PUT and DELETE, which no page of another site can make a browser send to this port unasked.

use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::server::http::refusal::refuse;
use crate::telemetry::logs::in_force::{ChangeFault, LogControl};
use crate::telemetry::logs::levels::Levels;

/// Nobody looks at more detail for longer than this without asking again.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The route.
pub(super) fn router<S: Clone + Send + Sync + 'static>(control: LogControl) -> Router<S> {
    Router::new().route("/log", get(show).put(change).delete(go_back)).with_state(control)
}

/// What is logged.
#[derive(Debug, Serialize)]
struct LogPage {
    /// The levels in force.
    level: String,
    /// Those of the settings.
    configured: String,
    /// When those of the settings hold again; nothing: not by itself.
    back_in_seconds: Option<u64>,
}

/// What is to be logged.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    level: String,
    #[serde(rename = "for")]
    period: Option<String>,
}

/// Why nothing is changed.
enum Refusal {
    Question(String),
    Fault(ChangeFault),
}

async fn show(State(control): State<LogControl>) -> Json<LogPage> {
    Json(page(&control))
}

async fn change(
    State(control): State<LogControl>,
    RawQuery(query): RawQuery,
    body: String,
) -> Result<Json<LogPage>, Refusal> {
    let query = query.unwrap_or_default();
    let asked = match (query.trim(), body.trim()) {
        (query, "") => query,
        ("", body) => body,
        _ => return Err(Refusal::Question("say it in the query or in the body, not in both".into())),
    };
    let Change { level, period } =
        serde_urlencoded::from_str(asked).map_err(|fault| Refusal::Question(fault.to_string()))?;
    let levels: Levels = level.parse().map_err(ChangeFault::from)?;
    let period = period.as_deref().map(read_period).transpose()?;
    tell(
        || control.change(&levels, period),
        || {
            tracing::info!(%levels, seconds = period.map(|period| period.as_secs()), "an operator asks to change what is logged");
        },
    )?;
    Ok(Json(page(&control)))
}

async fn go_back(State(control): State<LogControl>) -> Result<Json<LogPage>, Refusal> {
    tell(
        || control.go_back(),
        || {
            tracing::info!(levels = %control.configured(), "an operator asks for the log levels of the settings");
        },
    )?;
    Ok(Json(page(&control)))
}

/// Makes a change, and logs it by the levels before or by those after, whichever let the line through.
fn tell(change: impl FnOnce() -> Result<(), ChangeFault>, line: impl Fn()) -> Result<(), ChangeFault> {
    let told = tracing::enabled!(tracing::Level::INFO);
    if told {
        line();
    }
    change()?;
    if !told {
        line();
    }
    Ok(())
}

fn page(control: &LogControl) -> LogPage {
    let in_force = control.in_force();
    let left = |until: Instant| until.saturating_duration_since(Instant::now()).as_secs_f64().ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a day of seconds at the most"
    )]
    let whole = |seconds: f64| seconds as u64;
    LogPage {
        level: in_force.levels.to_string(),
        configured: control.configured().to_string(),
        back_in_seconds: in_force.until.map(left).map(whole),
    }
}

/// A period as durations are written in settings: `90s`, `10m`, `2h`.
fn read_period(text: &str) -> Result<Duration, Refusal> {
    let refuse = || {
        Refusal::Question(format!("`for` must be written as 90s, 10m or 2h, from 1s to 24h, not as {text:?}"))
    };
    let unit = text.find(|sign: char| !sign.is_ascii_digit()).ok_or_else(refuse)?;
    let (number, unit) = text.split_at(unit);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        _ => return Err(refuse()),
    };
    let number: u64 = number.parse().map_err(|_| refuse())?;
    let period = Duration::from_secs(number.saturating_mul(seconds));
    if period.is_zero() || period > LONGEST { Err(refuse()) } else { Ok(period) }
}

impl From<ChangeFault> for Refusal {
    fn from(fault: ChangeFault) -> Self {
        match fault {
            ChangeFault::Levels(fault) => Self::Question(fault.to_string()),
            gone @ ChangeFault::Gone(_) => Self::Fault(gone),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, why) = match self {
            Refusal::Question(why) => (StatusCode::BAD_REQUEST, why),
            Refusal::Fault(fault) => (StatusCode::INTERNAL_SERVER_ERROR, fault.to_string()),
        };
        refuse(status, &why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_a_number_and_a_unit_within_a_day() {
        let read = |text| read_period(text).ok().map(|period| period.as_secs());
        assert_eq!(["90s", "10m", "24h"].map(read), [Some(90), Some(600), Some(86_400)]);
        for bad in [
            "",
            "10",
            "m",
            "0s",
            "25h",
            "1d",
            "-1s",
            "1.5h",
            "99999999999999999999s",
            "18446744073709551615h",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
