//! Collectors of all kinds, and none.

use std::time::Duration;

use tokio::net::TcpListener;

use super::{DECISION, RULES, ask_with, setup, traceparent};
use crate::harness::metrics::Metrics;
use crate::harness::{Authority, Collector, Ratekeeper, ask, http, ports, tell, wait};

async fn dropped(server: &Ratekeeper, reason: &str) -> f64 {
    let label = format!("reason=\"{reason}\"");
    Metrics::read(server.listen.metrics).await.sum("ratekeeper_spans_dropped_total", &[&label])
}

async fn exported(server: &Ratekeeper) -> f64 {
    Metrics::read(server.listen.metrics).await.sum("ratekeeper_spans_exported_total", &[])
}

async fn ask_recorded(server: &Ratekeeper) {
    ask_with(server, &ask("free"), &[("traceparent", &traceparent("01"))]).await;
}

#[tokio::test]
async fn over_http() {
    let collector = Collector::http("/v1/traces").await;
    let server = setup(&collector, "protocol: http, service_name: edge").start().await;
    ask_recorded(&server).await;
    assert_eq!(collector.named(DECISION, 1).await.len(), 1);
    assert_eq!(collector.resource("service.name"), "edge");
    assert_eq!(collector.header("content-type"), "application/x-protobuf");
    wait::until("the count", || async { exported(&server).await >= 2.0 }).await;
}

#[tokio::test]
async fn by_the_standard_variables_alone() {
    let collector = Collector::http("/under/v1/traces").await;
    let server = Ratekeeper::setup()
        .rules(RULES)
        .settings("log: {level: trace}")
        .variable("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("{}/under", collector.url()))
        .variable("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        .variable("OTEL_EXPORTER_OTLP_HEADERS", "authorization=hunter2")
        .variable("OTEL_RESOURCE_ATTRIBUTES", "service.name=named,deployment.environment=test")
        .variable("OTEL_TRACES_SAMPLER", "always_on")
        .variable("OTEL_BSP_SCHEDULE_DELAY", "5")
        .start()
        .await;
    // Its caller decided otherwise, which this sampler does not look at.
    ask_with(&server, &ask("free"), &[("traceparent", &traceparent("00"))]).await;
    collector.named(DECISION, 1).await;
    assert_eq!(collector.header("authorization"), "hunter2");
    assert_eq!(collector.resource("service.name"), "named");
    assert_eq!(collector.resource("deployment.environment"), "test");
    let config = http::get(server.listen.admin, "/config").await.unwrap().text();
    assert!(config.contains("/under/v1/traces"), "{config}");
    assert!(!config.contains("hunter2") && !server.log().contains("hunter2"), "a secret is shown");
}

#[tokio::test]
async fn over_grpc_headers_come_along_too() {
    let collector = Collector::grpc().await;
    let server = setup(&collector, "").variable("OTEL_EXPORTER_OTLP_HEADERS", "x-key=hunter2").start().await;
    ask_recorded(&server).await;
    collector.named(DECISION, 1).await;
    assert_eq!(collector.header("x-key"), "hunter2");
    assert_eq!(collector.resource("service.name"), "ratekeeper");
    assert_eq!(collector.resource("service.version"), env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn over_tls_by_the_ca_that_is_named_and_no_other() {
    let authority = Authority::new();
    for protocol in ["grpc", "http"] {
        let collector = Collector::secret(&authority).await;
        let setup = || {
            let endpoint = format!("https://{}", collector.address);
            let settings = format!("tracing: {{endpoint: \"{endpoint}\", protocol: {protocol}}}");
            Ratekeeper::setup().rules(RULES).settings(&settings).variable("OTEL_BSP_SCHEDULE_DELAY", "5")
        };
        let stranger = Authority::new();
        let server =
            setup().variable("OTEL_EXPORTER_OTLP_CERTIFICATE", &stranger.file("ca.pem")).start().await;
        wait::until("a loss", || async { dropped(&server, "export_failed").await > 0.0 }).await;
        assert_eq!(collector.spans().len(), 0);
        let server =
            setup().variable("OTEL_EXPORTER_OTLP_CERTIFICATE", &authority.file("ca.pem")).start().await;
        ask_recorded(&server).await;
        assert_eq!(collector.named(DECISION, 1).await.len(), 1, "{protocol}");
    }
}

#[tokio::test]
async fn switched_off_by_the_standard_variable() {
    let collector = Collector::grpc().await;
    let server = setup(&collector, "").variable("OTEL_SDK_DISABLED", "true").start().await;
    ask_recorded(&server).await;
    assert!(!server.log().contains("recorded for OpenTelemetry"), "{}", server.log());
    assert_eq!(collector.spans().len(), 0);
}

#[tokio::test]
async fn a_collector_that_is_gone_costs_a_counter_and_is_found_when_it_comes() {
    let address = ports::free();
    let server = Ratekeeper::setup()
        .rules(RULES)
        .settings(&format!("tracing: {{endpoint: \"http://{address}\"}}"))
        .variable("OTEL_BSP_SCHEDULE_DELAY", "5")
        .start()
        .await;
    wait::until("losses", || async {
        ask_recorded(&server).await;
        dropped(&server, "export_failed").await > 2.0
    })
    .await;
    assert_eq!(tell(&server.ask(&ask("k=v")).await), "OK [ok 0/1 year 'once']");
    let warnings = server.log().matches("spans reach no collector").count();
    assert_eq!(warnings, 1, "once a minute at the most:\n{}", server.log());
    let collector = Collector::grpc_at(address).await;
    wait::until("exports", || async {
        ask_recorded(&server).await;
        exported(&server).await > 0.0
    })
    .await;
    assert!(!collector.spans().is_empty());
}

#[tokio::test]
async fn a_collector_that_hangs_is_given_up_and_memory_is_bounded() {
    // Connections are made by the kernel, and nobody answers.
    let listener = TcpListener::bind(ports::free()).await.unwrap();
    let server = Ratekeeper::setup()
        .rules(RULES)
        .settings(&format!("tracing: {{endpoint: \"http://{}\"}}", listener.local_addr().unwrap()))
        .variable("OTEL_BSP_SCHEDULE_DELAY", "5")
        .variable("OTEL_BSP_MAX_QUEUE_SIZE", "4")
        .variable("OTEL_BSP_EXPORT_TIMEOUT", "1000")
        .start()
        .await;
    wait::until("a full queue", || async {
        ask_recorded(&server).await;
        dropped(&server, "queue_full").await > 0.0
    })
    .await;
    wait::until("a timeout", || async { dropped(&server, "export_timeout").await > 0.0 }).await;
    drop(listener);
}

#[tokio::test]
async fn the_last_spans_are_exported_at_the_end() {
    let collector = Collector::grpc().await;
    let mut server = setup(&collector, "").variable("OTEL_BSP_SCHEDULE_DELAY", "3600000").start().await;
    ask_recorded(&server).await;
    assert_eq!(collector.spans().len(), 0);
    assert_eq!(server.stop().await.code(), Some(0));
    assert_eq!(collector.named(DECISION, 1).await.len(), 1);
}

#[tokio::test]
async fn the_end_does_not_wait_for_a_collector_that_hangs() {
    let listener = TcpListener::bind(ports::free()).await.unwrap();
    let endpoint = format!("tracing: {{endpoint: \"http://{}\"}}", listener.local_addr().unwrap());
    let mut server = Ratekeeper::setup().rules(RULES).settings(&endpoint).start().await;
    ask_recorded(&server).await;
    let begun = tokio::time::Instant::now();
    assert_eq!(server.stop().await.code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_address_that_can_be_none_ends_the_start_with_its_name() {
    let setting = "tracing: {endpoint: 'http://a[b:4317'}";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ratekeeper.yaml");
    std::fs::write(&file, setting).unwrap();
    let command = tokio::process::Command::new(crate::harness::ratekeeper::BINARY)
        .env_clear()
        .args(["serve", "--config"])
        .arg(&file)
        .output()
        .await
        .unwrap();
    let told = String::from_utf8_lossy(&command.stderr).into_owned();
    assert!(!command.status.success() && told.contains("tracing.endpoint"), "{told}");
}
