//! What a request is found by in logs, recorded or not.

use super::{RULES, TRACE, ask_with, traceparent};
use crate::harness::{Ratekeeper, ask};

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
