//! What a request's span says.

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::{DECISION, ask_with, attribute, setup, traceparent};
use crate::harness::collector::text;
use crate::harness::{Ask, Collector, Ratekeeper, ask};

/// What each request's span says, once all of them have come.
async fn spans(settings: &str, asks: &[Ask]) -> (Ratekeeper, Vec<Span>) {
    let collector = Collector::grpc().await;
    let server = setup(&collector, settings).start().await;
    for (index, ask) in asks.iter().enumerate() {
        ask_with(&server, ask, &[("traceparent", &traceparent("01")), ("x-request-id", "req-1")]).await;
        collector.named(DECISION, index + 1).await;
    }
    (server, collector.named(DECISION, asks.len()).await)
}

#[track_caller]
fn check(span: &Span, expected: &[(&str, &str)]) {
    let found: Vec<_> = expected.iter().map(|(name, _)| (*name, attribute(span, name))).collect();
    let found: Vec<_> = found.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn what_was_decided_and_by_which_rule() {
    let (server, spans) =
        spans("", &[ask("k=v"), ask("free").also("k=v").also("other=v"), ask("k=v").domain("")]).await;
    let file = server.rules().join("rules-0.yaml");
    let line = format!("{}:3", file.display());
    let rule =
        [("ratekeeper.rule", "k"), ("ratekeeper.rule.location", &line), ("ratekeeper.rule.name", "once")];
    for span in &spans {
        assert_eq!(span.kind(), SpanKind::Server);
        check(
            span,
            &[
                ("rpc.system", "grpc"),
                ("rpc.service", "envoy.service.ratelimit.v3.RateLimitService"),
                ("rpc.method", "ShouldRateLimit"),
                ("ratekeeper.request_id", "req-1"),
            ],
        );
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
    }
    check(&spans[0], &rule);
    check(
        &spans[0],
        &[
            ("ratekeeper.domain", "mesh"),
            ("ratekeeper.denied", "false"),
            ("ratekeeper.outcome", "near"),
            ("ratekeeper.decided_by", "store"),
            ("rpc.grpc.status_code", "0"),
        ],
    );
    check(&spans[1], &rule);
    check(&spans[1], &[("ratekeeper.denied", "true"), ("ratekeeper.outcome", "over")]);
    let events: Vec<_> =
        spans[1].events.iter().map(|event| text(&event.attributes, "ratekeeper.outcome")).collect();
    assert_eq!(events, ["allowed", "over", "no_rule"]);
    let by: Vec<_> =
        spans[1].events.iter().map(|event| text(&event.attributes, "ratekeeper.decided_by")).collect();
    assert_eq!(by, ["rules", "store", "rules"]);
    check(&spans[2], &[("rpc.grpc.status_code", "3"), ("ratekeeper.domain", "")]);
}

#[tokio::test]
async fn values_are_recorded_only_where_that_is_set() {
    let secret = ask("k=hunter2");
    let (_, without) = spans("", std::slice::from_ref(&secret)).await;
    assert!(!format!("{without:?}").contains("hunter2"), "{without:?}");
    let (_, with) = spans("record_values: true", &[secret]).await;
    assert_eq!(text(&with[0].events[0].attributes, "ratekeeper.descriptor"), "k=hunter2");
}
