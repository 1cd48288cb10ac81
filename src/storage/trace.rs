//! What the store adds to traces: the flights that carry recorded requests, and changes of breakers.
//!
//! A flight carries orders of many requests. Its span is a child of the first recorded one, and linked to all of them, up to
//! the number of links that a span has room for. A flight without any recorded request has no span.

use std::fmt;

use tokio::time::Instant;

use crate::storage::breaker::{BreakerState, Transition};
use crate::telemetry::trace::Kind;
use crate::telemetry::trace::span::{Attributes, Span};

pub use crate::telemetry::trace::Tracer;
pub use crate::telemetry::trace::context::{TraceContext, TraceId};

/// What is told of a flight when it leaves.
#[derive(Clone, Copy)]
pub(super) struct Load<'a> {
    /// The server that it goes to.
    pub(super) server: &'a dyn fmt::Display,
    /// Calls in it.
    pub(super) calls: usize,
    /// Requests that it carries, recorded or not.
    pub(super) orders: usize,
    /// Keys that it names.
    pub(super) keys: usize,
}

/// The span of a flight that carries recorded requests.
#[derive(Debug)]
pub(super) struct FlightSpan {
    tracer: Tracer,
    span: Span,
}

impl FlightSpan {
    /// Begins one for these recorded requests; nothing where there are none.
    pub(super) fn begin<'a>(
        tracer: &Tracer,
        recorded: impl IntoIterator<Item = TraceContext>,
        load: impl FnOnce() -> Load<'a>,
    ) -> Option<Self> {
        let mut recorded = recorded.into_iter();
        let first = recorded.next()?;
        let context = TraceContext::in_trace(first.trace);
        let mut span = Span::begin("store flight", Kind::Client, context, Some(first.span), Instant::now());
        std::iter::once(first).chain(recorded).for_each(|request| span.link(request));
        span.set(load().attributes());
        Some(Self { tracer: tracer.clone(), span })
    }

    /// It came back, or did not, or with an answer of no use.
    pub(super) fn end(self, failure: Option<&impl fmt::Display>) {
        let Self { tracer, mut span } = self;
        if let Some(failure) = failure {
            span.fail(failure.to_string());
        }
        tracer.finish(span);
    }
}

impl Load<'_> {
    fn attributes(self) -> Attributes {
        let Self { server, calls, orders, keys } = self;
        Attributes::default()
            .with("db.system.name", "redis")
            .with("server.address", server.to_string())
            .with("ratekeeper.flight.calls", count(calls))
            .with("ratekeeper.flight.requests", count(orders))
            .with("ratekeeper.flight.keys", count(keys))
    }
}

/// Records that a shard went or came back. What its probes do in between is left out: that would be a span a second.
pub(super) fn breaker_changed(
    tracer: &Tracer,
    shard: &dyn fmt::Display,
    change: Transition,
    why: &dyn fmt::Display,
) {
    let Transition { from, to } = change;
    let is_closed = |state| matches!(state, BreakerState::Closed { .. });
    if is_closed(from) == is_closed(to) {
        return;
    }
    let Some(mut span) = tracer.root("breaker change", Instant::now()) else { return };
    span.set(
        Attributes::default()
            .with("ratekeeper.shard", shard.to_string())
            .with("ratekeeper.breaker.from", from.name())
            .with("ratekeeper.breaker.to", to.name())
            .with_text("ratekeeper.breaker.why", &why.to_string()),
    );
    if !is_closed(to) {
        span.fail("the shard is away");
    }
    tracer.finish(span);
}

fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
