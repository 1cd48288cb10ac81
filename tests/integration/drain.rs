//! The end of a server that was asked to end: readiness first, then a pause, then nobody is cut off.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use rustix::process::Signal;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::harness::callers::{self, Body, call_until_told_to_go, request};
use crate::harness::{Ratekeeper, ask, http, tell, wait};

const RULES: &str =
    "{domain: mesh, descriptors: [{key: k, rate_limit: {unit: year, requests_per_unit: 1000000000}}]}";

#[tokio::test]
async fn readiness_fails_first_while_calls_are_still_answered() {
    let setup = Ratekeeper::setup().rules(RULES).settings("drain: {pause: 2s, deadline: 10s}");
    let mut server = setup.start().await;
    let begin = Instant::now();
    server.signal(Signal::TERM);
    wait::until("readiness to fail", || async {
        http::get(server.listen.http, "/readyz").await.is_ok_and(|answer| answer.status == 503)
    })
    .await;
    assert!(
        tell(&server.ask(&ask("k=v")).await).starts_with("OK"),
        "new connections are served in the pause"
    );
    assert_eq!(server.end().await.code(), Some(0));
    assert!(begin.elapsed() >= Duration::from_secs(2), "the pause is kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_that_was_taken_is_lost() {
    let mut server = Ratekeeper::with_rules(RULES).await;
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        callers.spawn(call_until_told_to_go(connect(&server).await, ask("k=v"), Duration::ZERO));
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(server.stop().await.code(), Some(0));
    for outcome in callers.join_all().await {
        assert!(outcome.answered > 0, "it had begun");
        assert_eq!(outcome.lost, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_call_that_never_ends_is_cut_at_the_deadline() {
    let setup = Ratekeeper::setup().rules(RULES).settings("drain: {pause: 0s, deadline: 1s}");
    let mut server = setup.start().await;
    let mut unfinished = connect(&server).await;
    // A frame that announces more than it brings, in a body that does not end.
    let (_keep, body) = endless(Bytes::from_static(&[0, 0, 0, 0, 9, 1]));
    let call = tokio::spawn(unfinished.send_request(request(body)));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begin = Instant::now();
    assert_eq!(server.stop().await.code(), Some(0), "asked to end, it did");
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    drop(call);
}

async fn connect(server: &Ratekeeper) -> SendRequest<Body> {
    callers::connect(TcpStream::connect(server.listen.grpc).await.unwrap()).await
}

/// A body of this beginning, that ends when what keeps it is dropped.
fn endless(start: Bytes) -> (tokio::sync::oneshot::Sender<()>, Body) {
    let (keep, end) = tokio::sync::oneshot::channel::<()>();
    let rest = async move {
        let _ = end.await;
        None::<Result<hyper::HeaderMap, std::convert::Infallible>>
    };
    (keep, Full::new(start).with_trailers(rest).boxed_unsync())
}
