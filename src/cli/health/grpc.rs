//! `grpc.health.v1`, and what its answers mean.

use std::error::Error;

use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::question::Question;
use super::tls::{Tls, refusal};
use super::verdict::Verdict;
use crate::cli::peer::Wire;

/// Asks about this name.
pub(super) async fn ask(
    question: &Question,
    service: &str,
    tls: Option<&Tls>,
    wire: Box<dyn Wire>,
) -> Verdict {
    let wire = match tls {
        None => wire,
        Some(tls) => match tls.secure(wire).await {
            Ok(wire) => wire,
            Err(why) => return not_healthy(format!("{question}: TLS fails: {}", why.what), why.help),
        },
    };
    match check(service, wire).await {
        Ok(status) => judge(question, status),
        Err(status) => failed(question, tls.is_some(), &status),
    }
}

async fn check(service: &str, wire: Box<dyn Wire>) -> Result<ServingStatus, Status> {
    let unable = |error: hyper::Error| Status::from_error(error.into());
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(wire)).await.map_err(unable)?;
    // Dropped with its end, or a call that it has not begun would wait for ever.
    let connection = async move { connection.await.map_err(unable) };
    let calls = tower::service_fn(move |request| sender.clone().send_request(request));
    let origin = http::Uri::from_static("http://ratekeeper");
    let request = HealthCheckRequest { service: service.to_owned() };
    let mut client = HealthClient::with_origin(calls, origin);
    let answer = client.check(request);
    tokio::pin!(answer, connection);
    let answer = tokio::select! {
        answer = &mut answer => answer,
        // It may end before what it has read is taken; and why it ended is what the call does not know.
        ended = &mut connection => match (answer.await, ended) {
            (Err(_), Err(error)) => Err(error),
            (answer, _) => answer,
        },
    }?;
    Ok(answer.into_inner().status())
}

fn judge(question: &Question, status: ServingStatus) -> Verdict {
    let what = format!("{question} answers {}", status.as_str_name());
    if status == ServingStatus::Serving {
        return Verdict::Healthy(what);
    }
    not_healthy(what, "it has no rules, or drains; `ratekeeper health --http` says which".into())
}

fn failed(question: &Question, secret: bool, status: &Status) -> Verdict {
    let innermost = std::iter::successors(status.source(), |&error| error.source()).last();
    let said = innermost.map_or_else(|| status.message().to_owned(), ToString::to_string);
    let what = format!("{question} gives no answer: {said}");
    let help = match status.code() {
        Code::NotFound => {
            return not_healthy(
                format!("{question} does not know that name"),
                "leave --service out to ask for the whole server".into(),
            );
        }
        // A server refuses a client's certificate after the handshake, and may have hung up before we look for its alert.
        _ if secret => refusal(&said).into(),
        _ => format!("is this ratekeeper's {}? --tls asks by TLS, --http the HTTP port", question.setting),
    };
    not_healthy(what, help)
}

fn not_healthy(what: String, help: String) -> Verdict {
    Verdict::NotHealthy { what, help }
}
