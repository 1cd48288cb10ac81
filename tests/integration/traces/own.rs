//! What the server does by itself: reloads.

use opentelemetry_proto::tonic::trace::v1::status::StatusCode;

use super::{RULES, attribute, setup};
use crate::harness::{Collector, http};

const RELOAD: &str = "reload rules";

#[tokio::test]
async fn reloads_are_recorded_whatever_the_ratio() {
    let collector = Collector::grpc().await;
    let server = setup(&collector, "sample_ratio: 0").start().await;
    let first = collector.named(RELOAD, 1).await.remove(0);
    assert_eq!((attribute(&first, "ratekeeper.reload.rules"), first.parent_span_id.len()), ("3".into(), 0));
    assert_eq!(attribute(&first, "ratekeeper.reload.domains"), "1");
    assert!(!attribute(&first, "ratekeeper.reload.fingerprint").is_empty());
    server.write_rules("rules-0.yaml", &RULES.replace("unit: year", "unit: eon"));
    let failed = collector.named(RELOAD, 2).await.remove(1);
    let status = failed.status.unwrap();
    assert_eq!(status.code(), StatusCode::Error);
    assert!(status.message.contains("eon"), "{}", status.message);
    assert_ne!(failed.trace_id, first.trace_id);
}

#[tokio::test]
async fn nothing_is_recorded_where_that_is_not_set() {
    let server = crate::harness::Ratekeeper::with_rules(RULES).await;
    assert!(!server.log().contains("OpenTelemetry"), "{}", server.log());
    let metrics = http::get(server.listen.metrics, "/metrics").await.unwrap().text();
    assert!(metrics.contains("ratekeeper_spans_exported_total 0"), "{metrics}");
}
