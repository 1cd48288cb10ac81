//! The span of a request: made for a request that is recorded, and for no other one.

use http::StatusCode;
use ratekeeper_proto::{RateLimitResponse, rate_limit_response};
use tokio::time::Instant;
use tonic::Code;

use crate::decision::request::{Descriptor, Request};
use crate::decision::verdict::{Status, Verdict};
use crate::server::caller::{Caller, Edge};
use crate::server::unanswered::Unanswered;
use crate::storage::trace::TraceContext;
use crate::telemetry::trace::Kind;
use crate::telemetry::trace::span::{Attributes, Span};

pub use crate::telemetry::trace::Tracer;
pub use crate::telemetry::trace::caller::{B3Headers, CallerTrace, Formats};
pub use crate::telemetry::trace::context::TraceId;

const SERVICE: &str = "envoy.service.ratelimit.v3.RateLimitService";

/// What proxies note for a caller that went away before the answer: no HTTP status was sent.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// The span of a request that is being decided. One that is dropped before its end is that of a caller who went away.
#[derive(Debug)]
pub struct RequestSpan {
    tracer: Tracer,
    context: TraceContext,
    edge: Edge,
    /// Nothing once it has ended.
    span: Option<Span>,
}

impl RequestSpan {
    /// The span of a request that came at this time; nothing where it is not recorded. Decided before anything is made: this
    /// is what all other requests pay.
    #[must_use]
    pub fn begin(tracer: &Tracer, caller: &Caller<'_>, came: Instant) -> Option<Box<Self>> {
        let told = caller.trace(tracer.formats()?);
        let context = tracer.sample(&told)?;
        Some(Self::record(tracer, caller, context, told, came))
    }

    #[cold]
    fn record(
        tracer: &Tracer,
        caller: &Caller<'_>,
        context: TraceContext,
        told: CallerTrace,
        came: Instant,
    ) -> Box<Self> {
        let parent = told.parent.map(|parent| parent.span);
        let mut span = Span::begin(name(caller.edge), Kind::Server, context, parent, came);
        span.set_state(context, &caller.trace_state());
        span.set(edge_attributes(caller.edge));
        if let Some(id) = caller.request_id() {
            span.set(Attributes::default().with_text("ratekeeper.request_id", id));
        }
        Box::new(Self { tracer: tracer.clone(), context, edge: caller.edge, span: Some(span) })
    }

    /// Its place in its trace, for what is done for the request elsewhere, and for exemplars.
    #[must_use]
    pub fn context(&self) -> TraceContext {
        self.context
    }

    /// Takes down what was decided.
    #[cold]
    pub fn decided(&mut self, request: &Request<'_>, verdict: &Verdict<'_>) {
        let Some(span) = &mut self.span else { return };
        let most_telling = verdict.tightest().map(|(status, _)| status).or(verdict.statuses.first());
        span.set(
            Attributes::default()
                .with_text("ratekeeper.domain", request.domain)
                .with("ratekeeper.denied", verdict.denied),
        );
        span.set(most_telling.map(status_attributes).unwrap_or_default());
        for (status, descriptor) in verdict.statuses.iter().zip(&request.descriptors) {
            span.event("descriptor", || {
                let attributes = status_attributes(status);
                match self.tracer.records_values() {
                    true => attributes.with_text("ratekeeper.descriptor", &text(descriptor)),
                    false => attributes,
                }
            });
        }
    }

    /// Ends it with the answer.
    #[cold]
    pub fn end(mut self, answer: Result<&RateLimitResponse, Unanswered>) {
        let Some(mut span) = self.span.take() else { return };
        let (grpc, http) = match answer {
            Ok(answer) if answer.overall_code() == rate_limit_response::Code::OverLimit => {
                (Code::Ok, StatusCode::TOO_MANY_REQUESTS)
            }
            Ok(_) => (Code::Ok, StatusCode::OK),
            Err(unanswered) => (unanswered.grpc_code(), unanswered.http_status()),
        };
        span.set(status_code(self.edge, grpc, http.as_u16()));
        // What its caller got wrong is no failure of a server.
        if let Err(why @ Unanswered::NoRules(_)) = answer {
            span.fail(why.to_string());
        }
        self.tracer.finish(span);
    }
}

impl Drop for RequestSpan {
    fn drop(&mut self) {
        if let Some(mut span) = self.span.take() {
            span.set(status_code(self.edge, Code::Cancelled, CLIENT_CLOSED_REQUEST));
            span.fail("the caller went away before the answer");
            self.tracer.finish(span);
        }
    }
}

/// As the conventions for RPCs and HTTP name them.
fn name(edge: Edge) -> &'static str {
    match edge {
        Edge::Grpc => "envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit",
        Edge::Json => "POST /json",
    }
}

fn edge_attributes(edge: Edge) -> Attributes {
    match edge {
        Edge::Grpc => Attributes::default()
            .with("rpc.system", "grpc")
            .with("rpc.service", SERVICE)
            .with("rpc.method", "ShouldRateLimit"),
        Edge::Json => Attributes::default().with("http.request.method", "POST").with("http.route", "/json"),
    }
}

fn status_code(edge: Edge, grpc: Code, http: u16) -> Attributes {
    match edge {
        Edge::Grpc => Attributes::default().with("rpc.grpc.status_code", i64::from(i32::from(grpc))),
        Edge::Json => Attributes::default().with("http.response.status_code", i64::from(http)),
    }
}

fn status_attributes(status: &Status<'_>) -> Attributes {
    let mut attributes = Attributes::default().with("ratekeeper.outcome", status.outcome.name());
    if let Some(rule) = status.rule {
        let line = format!("{}:{}", rule.location.file, rule.location.line);
        attributes =
            attributes.with_text("ratekeeper.rule", &rule.path).with("ratekeeper.rule.location", line);
        if let Some(name) = status.name() {
            attributes = attributes.with_text("ratekeeper.rule.name", name);
        }
    }
    let decided_by = status.limited.map_or("rules", |limited| limited.source.name());
    attributes.with("ratekeeper.decided_by", decided_by)
}

/// A descriptor as people write it. What is not UTF-8 is replaced.
fn text(descriptor: &Descriptor<'_>) -> String {
    let pair = |entry: &crate::decision::request::Entry<'_>| {
        format!("{}={}", String::from_utf8_lossy(entry.key), String::from_utf8_lossy(entry.value))
    };
    descriptor.entries.iter().map(pair).collect::<Vec<_>>().join(",")
}
