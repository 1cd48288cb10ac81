//! `tracing`, and the standard variables below it.

use std::time::Duration;

use super::super::{Propagators, Tracing, TracingProtocol};
use super::{accept, check, variables};
use crate::config::settings::load;

fn tracing(yaml: &str, environment: &[(&str, &str)]) -> Tracing {
    accept(yaml, environment, &[]).tracing
}

/// The endpoint by these variables, and where it is asked.
#[track_caller]
fn endpoint(environment: &[(&str, &str)], expected: &str) {
    assert_eq!(tracing("", environment).endpoint, expected, "{environment:?}");
}

#[test]
fn nothing_is_recorded_until_somebody_names_a_collector() {
    endpoint(&[], "");
    endpoint(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")], "");
    endpoint(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4317")], "http://a:4317");
    let both = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b:4317");
    endpoint(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4317"), both], "http://b:4317");
    endpoint(&[("OTEL_TRACES_EXPORTER", "none"), both], "");
}

#[test]
fn over_http_the_general_endpoint_is_where_the_paths_of_all_signals_begin() {
    let http = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    endpoint(&[http, ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a/otlp/")], "http://a/otlp/v1/traces");
    endpoint(&[http, ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://a/otlp")], "http://a/otlp");
}

#[test]
fn the_settings_win_over_the_standard_variables() {
    let environment = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://variable:4318"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.5"),
        ("OTEL_SERVICE_NAME", "by-variable"),
    ];
    let found = tracing("", &environment);
    assert_eq!((found.protocol, found.sample_ratio), (TracingProtocol::Http, 0.5));
    assert_eq!((found.service_name.as_str(), found.standard.heeds_caller), ("by-variable", false));
    let yaml =
        "tracing: {protocol: grpc, endpoint: 'http://file:4317', sample_ratio: 0.25, service_name: by-file}";
    let found = tracing(yaml, &environment);
    assert_eq!((found.protocol, found.sample_ratio), (TracingProtocol::Grpc, 0.25));
    assert_eq!((found.service_name.as_str(), found.endpoint.as_str()), ("by-file", "http://file:4317"));
    let ours = ("RATEKEEPER_TRACING__ENDPOINT", "http://ours:4317");
    assert_eq!(tracing(yaml, &[environment[0], ours]).endpoint, "http://ours:4317");
    // A file that has all defaults in it says nothing of the collector.
    assert_eq!(tracing("tracing: {endpoint: ''}", &environment).endpoint, "http://variable:4318/v1/traces");
}

#[test]
fn samplers_names_and_batches() {
    for (sampler, heeds_caller, ratio) in [
        ("always_on", false, 1.0),
        ("always_off", false, 0.0),
        ("parentbased_always_on", true, 1.0),
        ("parentbased_always_off", true, 0.0),
        ("parentbased_traceidratio", true, 0.125),
    ] {
        let found = tracing("", &[("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", "0.125")]);
        assert_eq!((found.standard.heeds_caller, found.sample_ratio), (heeds_caller, ratio), "{sampler}");
    }
    let found = tracing("", &[("OTEL_RESOURCE_ATTRIBUTES", "a=b, service.name = mine ,c=d")]);
    assert_eq!(found.service_name, "mine");
    let found = tracing(
        "",
        &[
            ("OTEL_BSP_MAX_QUEUE_SIZE", "10"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "20"),
            ("OTEL_BSP_SCHEDULE_DELAY", "7"),
            ("OTEL_BSP_EXPORT_TIMEOUT", "8"),
            ("OTEL_PROPAGATORS", "tracecontext, baggage"),
            ("OTEL_SDK_DISABLED", "TRUE"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "9"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem"),
        ],
    );
    let standard = found.standard;
    assert_eq!((standard.max_queue, standard.max_batch), (10, 10));
    assert_eq!(
        (standard.delay, standard.export_timeout),
        (Duration::from_millis(7), Duration::from_millis(8))
    );
    assert_eq!(standard.propagators, Propagators { tracecontext: true, b3: false, b3multi: false });
    assert!(standard.disabled);
    assert_eq!((standard.timeout, standard.certificate), (Duration::from_millis(9), Some("/ca.pem".into())));
    assert_eq!(standard.ignored, [""; 0]);
}

#[test]
fn what_is_not_known_is_left_alone_and_told_without_its_value() {
    let wrong = "hunter2";
    for name in [
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "OTEL_TRACES_EXPORTER",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_TRACES_SAMPLER",
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "OTEL_BSP_SCHEDULE_DELAY",
        "OTEL_BSP_EXPORT_TIMEOUT",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    ] {
        let mut found = tracing("", &[(name, wrong)]);
        let ignored = std::mem::take(&mut found.standard.ignored);
        assert_eq!(found, Tracing::default(), "{name}");
        assert!(ignored.len() == 1 && ignored[0].starts_with(name), "{ignored:?}");
        assert!(!ignored[0].contains(wrong), "{ignored:?}");
    }
    let found = tracing("", &[("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "2")]);
    assert_eq!((found.sample_ratio, found.standard.ignored.len()), (1.0, 1));
    assert_eq!(tracing("", &[("OTEL_PROPAGATORS", "jaeger,b3")]).standard.ignored.len(), 1);
}

#[test]
fn a_collector_must_be_a_url_without_secrets() {
    check(
        "tracing:\n  endpoint: collector:4317\n",
        &[],
        &[],
        "
error: `endpoint` must begin with `http://` or `https://`
 --> s.yaml:2:13
  |
2 |   endpoint: collector:4317
  |             ^^^^^^^^^^^^^^
  = field: tracing.endpoint
  = help: write a URL such as `http://collector:4317`; credentials go into OTEL_EXPORTER_OTLP_HEADERS
",
    );
    for url in [
        "http://user:hunter2@host:4317",
        "http://",
        "http://:4317",
        "https:///path",
        "http://a b/",
        "http://a/ b",
    ] {
        let faults = load(None, variables(&[("RATEKEEPER_TRACING__ENDPOINT", url)]), &[]).expect_err(url);
        assert!(!faults.to_string().contains("hunter2"), "{faults}");
    }
}
