//! What a request is found by in logs, recorded or not.

use super::{RULES, TRACE, ask_with, setup, traceparent};
use crate::harness::{Collector, Ratekeeper, ask, http};

/// From a slow bucket to a request that was that slow, for those that are recorded alone.
#[tokio::test]
async fn a_recorded_request_is_the_exemplar_of_its_duration() {
    let collector = Collector::grpc().await;
    let server = setup(&collector, "sample_ratio: 0").start().await;
    let exemplars = || async {
        let mut request = http::request(hyper::Method::GET, "/metrics", "");
        request.headers_mut().insert("accept", "application/openmetrics-text".parse().unwrap());
        let page = http::send(server.listen.metrics, request).await.unwrap().text();
        page.lines().filter(|line| line.contains(" # {trace_id=")).map(str::to_owned).collect::<Vec<_>>()
    };
    ask_with(&server, &ask("free"), &[("traceparent", &traceparent("00"))]).await;
    assert_eq!(exemplars().await, [""; 0]);
    ask_with(&server, &ask("free"), &[("traceparent", &traceparent("01"))]).await;
    let found = exemplars().await;
    assert!(
        found.len() == 1 && found[0].starts_with("ratekeeper_request_duration_seconds_bucket{"),
        "{found:?}"
    );
    assert!(found[0].contains(&format!("{{trace_id=\"{TRACE}\"}}")), "{found:?}");
}

#[tokio::test]
async fn lines_about_a_request_name_it_and_its_trace() {
    let server = Ratekeeper::setup().rules(RULES).settings("log: {level: debug, format: json}").start().await;
    let headers = [("x-request-id", "req-7"), ("traceparent", &traceparent("00"))];
    ask_with(&server, &ask("k=v").domain(""), &headers).await;
    server.logged("a request was not answered").await;
    let log = server.log();
    let line = log.lines().find(|line| line.contains("a request was not answered")).unwrap();
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!((&line["request_id"], &line["trace_id"]), (&"req-7".into(), &TRACE.into()));
    ask_with(&server, &ask("k=v").domain(""), &[]).await;
    server.logged(r#""request_id":"-","trace_id":"-""#).await;
}
