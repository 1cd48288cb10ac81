//! A page of the HTTP port, and what its answers mean.

use axum::body::Body;
use http::{Request, StatusCode, header};

use super::question::Question;
use super::verdict::{Verdict, one_line};
use crate::cli::peer::{Wire, exchange};

/// The largest answer that is read; faults of many rule files are long.
const MOST_BYTES: usize = 8 << 20;

/// Asks for the page.
pub(super) async fn ask(question: &Question, path: &str, wire: Box<dyn Wire>) -> Verdict {
    let request = Request::get(path).header(header::HOST, "ratekeeper").body(Body::empty());
    let answer = match request {
        Ok(request) => exchange(wire, request, MOST_BYTES).await,
        Err(error) => Err(error.into()),
    };
    match answer {
        Ok((status, body)) => judge(question, status, &one_line(&body)),
        Err(error) => Verdict::NotHealthy {
            what: format!("{question} gives no answer: {error:#}"),
            help: wrong_port(question),
        },
    }
}

/// What this status and the words with it mean.
pub(super) fn judge(question: &Question, status: StatusCode, said: &str) -> Verdict {
    let what = match said {
        "" => format!("{question} answers {}", status.as_u16()),
        said => format!("{question} answers {}: {said}", status.as_u16()),
    };
    let help = match status {
        StatusCode::OK => return Verdict::Healthy(what),
        StatusCode::SERVICE_UNAVAILABLE if said.starts_with("draining") => "it was told to end".to_owned(),
        StatusCode::SERVICE_UNAVAILABLE => {
            "rules.paths says where rules are, and `ratekeeper check` what is wrong with them".into()
        }
        _ => wrong_port(question),
    };
    Verdict::NotHealthy { what, help }
}

fn wrong_port(question: &Question) -> String {
    format!(
        "is this ratekeeper's {}? --address names another, and --grpc asks the gRPC port",
        question.setting
    )
}
