//! Flights to Redis, linked to the requests that they carry, and the breaker.

use std::collections::HashSet;

use futures_util::future::join_all;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::{DECISION, ask_with, attribute, setup};
use crate::harness::collector::hex;
use crate::harness::ratekeeper::Setup;
use crate::harness::{Collector, Ratekeeper, Redis, ask, wait};

const FLIGHT: &str = "store flight";

/// Requests that wait at a time; more than fit the links of one span.
const CALLERS: usize = 60;

fn over(redis: &Redis, collector: &Collector) -> Setup {
    let url = redis.url();
    setup(collector, "sample_ratio: 0").settings(&format!(
        "store: redis\nredis: {{urls: [\"{url}\"], timeout: 999ms}}\nthreads: 1\n\
         breaker: {{failures: 1, backoff: 50ms, max_backoff: 100ms}}"
    ))
}

fn caller(index: usize) -> String {
    format!("00-{:032x}-{:016x}-01", 0xf00 + index, 0xa00 + index)
}

async fn ask_as(server: &Ratekeeper, index: usize) {
    ask_with(server, &ask("wide=hot"), &[("traceparent", &caller(index))]).await;
}

#[tokio::test]
async fn a_flight_is_linked_to_the_requests_that_it_carries() {
    let (redis, collector) = (Redis::start().await, Collector::grpc().await);
    let server = over(&redis, &collector).start().await;
    // The connection, and the script.
    wait::until("the store to decide", || async {
        ask_as(&server, 0).await;
        collector.spans().iter().any(|span| attribute(span, "ratekeeper.decided_by") == "store")
    })
    .await;
    redis.pause();
    let asked = join_all((1..=CALLERS).map(|index| ask_as(&server, index)));
    let resumed = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        redis.resume();
    };
    tokio::join!(asked, resumed);
    wait::until("all spans", || async {
        // Those of the first caller came before, or still come.
        let later = |span: &&Span| span.name == DECISION && !hex(&span.trace_id).ends_with("f00");
        collector.spans().iter().filter(later).count() == CALLERS
    })
    .await;
    let spans = collector.spans();
    let ids: HashSet<_> = spans
        .iter()
        .filter(|span| span.name == DECISION)
        .map(|span| (span.trace_id.clone(), span.span_id.clone()))
        .collect();
    let flights: Vec<&Span> = spans.iter().filter(|span| span.name == FLIGHT).collect();
    assert!(!flights.is_empty());
    let mut carried = 0;
    for flight in &flights {
        assert_eq!(flight.kind(), SpanKind::Client);
        let links: Vec<_> =
            flight.links.iter().map(|link| (link.trace_id.clone(), link.span_id.clone())).collect();
        let known = |link| ids.contains(link);
        assert!(links.iter().all(known), "a link to nothing: {flight:?}");
        let parent = (flight.trace_id.clone(), flight.parent_span_id.clone());
        assert_eq!(links.first(), Some(&parent), "the first is the parent");
        let requests: usize = attribute(flight, "ratekeeper.flight.requests").parse().unwrap();
        assert_eq!(requests, links.len() + flight.dropped_links_count as usize, "{flight:?}");
        assert!(links.len() <= 32);
        carried += requests;
    }
    let biggest = flights.iter().max_by_key(|flight| flight.links.len()).unwrap();
    assert!(biggest.links.len() > 1, "many wait for one flight: {biggest:?}");
    assert!(carried >= CALLERS, "{carried}");
    assert_eq!(attribute(biggest, "ratekeeper.flight.keys"), "1", "equal keys stand once");
    assert_eq!(attribute(biggest, "server.address"), redis.address.to_string());
}

#[tokio::test]
async fn requests_that_are_not_recorded_have_no_flights() {
    let (redis, collector) = (Redis::start().await, Collector::grpc().await);
    let server = over(&redis, &collector).start().await;
    for _ in 0..5 {
        ask_with(&server, &ask("wide=v"), &[]).await;
    }
    ask_as(&server, 1).await;
    collector.named(DECISION, 1).await;
    wait::until("the one flight", || async { collector.spans().iter().any(|span| span.name == FLIGHT) })
        .await;
    assert!(collector.spans().iter().filter(|span| span.name == FLIGHT).count() <= 1);
}

#[tokio::test]
async fn a_breaker_that_opens_and_closes_is_recorded() {
    let (mut redis, collector) = (Redis::start().await, Collector::grpc().await);
    let server = over(&redis, &collector).start().await;
    ask_as(&server, 1).await;
    redis.kill();
    wait::until("the outage", || async {
        ask_with(&server, &ask("wide=v"), &[]).await;
        !collector.named("breaker change", 0).await.is_empty()
    })
    .await;
    redis.start_again().await;
    let changes = collector.named("breaker change", 2).await;
    let (opened, closed) = (&changes[0], &changes[1]);
    assert_eq!(attribute(opened, "ratekeeper.breaker.to"), "open");
    assert_eq!(attribute(closed, "ratekeeper.breaker.to"), "closed");
    assert_eq!(attribute(opened, "ratekeeper.shard"), redis.address.to_string());
    assert!(!attribute(opened, "ratekeeper.breaker.why").is_empty());
    assert!(changes.len() == 2, "probes are left out: {changes:?}");
}
