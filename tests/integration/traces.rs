//! What reaches a collector of OpenTelemetry, and what becomes of decisions when there is none.

mod collectors;
mod context;
mod correlation;
mod own;
mod requests;
mod store;

use opentelemetry_proto::tonic::trace::v1::Span;
use tonic::metadata::{Ascii, MetadataKey};

use crate::harness::collector::{hex, text};
use crate::harness::ratekeeper::Setup;
use crate::harness::{Ask, Collector, Ratekeeper};

/// The span of a gRPC call.
const DECISION: &str = "envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// One of a year passes for each value of `k`.
const RULES: &str = "domain: mesh
descriptors:
  - {key: k, rate_limit: {name: once, unit: year, requests_per_unit: 1}}
  - {key: wide, rate_limit: {unit: year, requests_per_unit: 1000000}}
  - {key: free}
";

/// A server that records for this collector, and tells it soon.
fn setup(collector: &Collector, settings: &str) -> Setup {
    let endpoint = collector.url();
    Ratekeeper::setup()
        .rules(RULES)
        .settings(&format!("tracing: {{endpoint: \"{endpoint}\", {settings}}}"))
        .variable("OTEL_BSP_SCHEDULE_DELAY", "5")
}

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{PARENT}-{flags}")
}

/// Asks over gRPC with these headers, whatever the answer.
async fn ask_with(server: &Ratekeeper, ask: &Ask, headers: &[(&str, &str)]) {
    let mut request = tonic::Request::new(ask.request());
    for (name, value) in headers {
        let name: MetadataKey<Ascii> = name.parse().unwrap();
        request.metadata_mut().append(name, value.parse().unwrap());
    }
    // Refusals are recorded, too.
    let _ = server.client().should_rate_limit(request).await;
}

/// The trace and the parent's span.
fn place(span: &Span) -> (String, String) {
    (hex(&span.trace_id), hex(&span.parent_span_id))
}

fn attribute(span: &Span, name: &str) -> String {
    text(&span.attributes, name)
}
