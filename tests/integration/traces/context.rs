//! Whose trace a request belongs to, and who decides whether it is recorded.

use super::{DECISION, PARENT, TRACE, ask_with, place, setup, traceparent};
use crate::harness::{Collector, ask, http};

fn callers() -> (String, String) {
    (TRACE.to_owned(), PARENT.to_owned())
}

#[tokio::test]
async fn a_callers_trace_goes_on_in_every_form() {
    let collector = Collector::grpc().await;
    let server = setup(&collector, "sample_ratio: 0").start().await;
    let w3c = traceparent("01");
    let single = format!("{TRACE}-{PARENT}-1");
    let forms: [&[(&str, &str)]; 3] = [
        &[("traceparent", &w3c), ("tracestate", "a=1"), ("tracestate", "b=2")],
        &[("b3", &single)],
        &[("x-b3-traceid", TRACE), ("x-b3-spanid", PARENT), ("x-b3-sampled", "1")],
    ];
    for (index, headers) in forms.into_iter().enumerate() {
        ask_with(&server, &ask("free"), headers).await;
        let spans = collector.named(DECISION, index + 1).await;
        assert_eq!(place(&spans[index]), callers(), "{headers:?}");
        assert_ne!(spans[index].span_id, spans[index].parent_span_id);
    }
    assert_eq!(
        collector.spans().into_iter().find(|span| span.name == DECISION).unwrap().trace_state,
        "a=1,b=2"
    );
}

#[tokio::test]
async fn the_json_port_reads_the_same_headers() {
    let collector = Collector::grpc().await;
    let server = setup(&collector, "sample_ratio: 0").start().await;
    let body = r#"{"domain": "mesh", "descriptors": [{"entries": [{"key": "free"}]}]}"#;
    let mut request = http::request(hyper::Method::POST, "/json", body);
    request.headers_mut().insert("b3", format!("{TRACE}-{PARENT}-d").parse().unwrap());
    assert_eq!(http::send(server.listen.http, request).await.unwrap().status, 200);
    let spans = collector.named("POST /json", 1).await;
    assert_eq!(place(&spans[0]), callers());
    assert_eq!(super::attribute(&spans[0], "http.response.status_code"), "200");
}

/// What is recorded of requests with these headers, by the time that a later request's span has come.
async fn recorded(ratio: &str, headers: &[(&str, &str)]) -> Vec<(String, String)> {
    let collector = Collector::grpc().await;
    let server = setup(&collector, &format!("sample_ratio: {ratio}")).start().await;
    for _ in 0..3 {
        ask_with(&server, &ask("free"), headers).await;
    }
    let last = "00-0000000000000000000000000000beef-00000000000000aa-01";
    ask_with(&server, &ask("free"), &[("traceparent", last)]).await;
    let is_last = |span: &opentelemetry_proto::tonic::trace::v1::Span| place(span).0.ends_with("beef");
    crate::harness::wait::until("the last span", || async { collector.spans().iter().any(is_last) }).await;
    let spans = collector.spans().into_iter().filter(|span| span.name == DECISION && !is_last(span));
    spans.map(|span| place(&span)).collect()
}

#[tokio::test]
async fn what_the_caller_does_not_record_is_not_recorded_here() {
    assert_eq!(recorded("1", &[("traceparent", &traceparent("00"))]).await, []);
    assert_eq!(recorded("1", &[("b3", "0")]).await, []);
    assert_eq!(recorded("1", &[("x-b3-sampled", "0")]).await, []);
}

#[tokio::test]
async fn without_a_decision_the_ratio_decides() {
    assert_eq!(recorded("0", &[]).await, []);
    assert_eq!(recorded("0", &[("b3", &format!("{TRACE}-{PARENT}"))]).await, []);
    assert_eq!(recorded("1", &[("b3", &format!("{TRACE}-{PARENT}"))]).await, vec![callers(); 3]);
}

#[tokio::test]
async fn what_is_malformed_is_as_if_it_were_not_there() {
    let malformed = format!("00-{TRACE}-{PARENT}-01-and-more");
    let own = recorded("1", &[("traceparent", &malformed), ("b3", "nonsense"), ("tracestate", "?")]).await;
    assert_eq!(own.len(), 3);
    assert!(own.iter().all(|(trace, parent)| trace != TRACE && parent.is_empty()), "{own:?}");
    assert!(own[0].0 != own[1].0 && own[1].0 != own[2].0, "each is a trace of its own: {own:?}");
}
