//! A span while it is made: only for what is recorded, so that it may allocate.

use opentelemetry::trace::{Event, Link, SpanId as ExportedSpanId, SpanKind, Status, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use tokio::time::Instant;

use super::context::{SpanId, TraceContext};
use super::wall;

/// Links of a span at the most; more are counted.
pub const MAX_LINKS: usize = 32;

/// Events of a span at the most; more are counted.
pub const MAX_EVENTS: usize = 32;

/// Characters of a text attribute at the most: what callers choose has no other bound.
const MAX_TEXT: usize = 256;

/// Whose work a span is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Ours, for a caller.
    Server,
    /// A server's, for us.
    Client,
    /// Ours, for nobody.
    Internal,
}

/// A span that has begun.
#[derive(Debug)]
pub struct Span {
    data: Box<SpanData>,
    began: Instant,
}

/// Attributes of a span, an event or a link.
#[derive(Debug, Default)]
pub struct Attributes(Vec<KeyValue>);

impl Attributes {
    /// Adds one.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.push(KeyValue::new(name, value));
        self
    }

    /// Adds a text of unknown length, cut where it is too long.
    #[must_use]
    pub fn with_text(self, name: &'static str, text: &str) -> Self {
        self.with(name, text.chars().take(MAX_TEXT).collect::<String>())
    }
}

impl Span {
    /// Begins a span of this place in its trace.
    #[must_use]
    pub fn begin(
        name: &'static str,
        kind: Kind,
        context: TraceContext,
        parent: Option<SpanId>,
        began: Instant,
    ) -> Self {
        let start_time = wall::time_at(began);
        let data = SpanData {
            span_context: context.exported(TraceState::NONE),
            parent_span_id: parent.map_or(ExportedSpanId::INVALID, SpanId::exported),
            parent_span_is_remote: parent.is_some() && kind == Kind::Server,
            span_kind: match kind {
                Kind::Server => SpanKind::Server,
                Kind::Client => SpanKind::Client,
                Kind::Internal => SpanKind::Internal,
            },
            name: name.into(),
            start_time,
            end_time: start_time,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
                .with_version(env!("CARGO_PKG_VERSION"))
                .build(),
        };
        Self { data: Box::new(data), began }
    }

    /// Takes over what vendors along the way have added to the trace (W3C's `tracestate`); what is malformed is left out.
    pub fn set_state(&mut self, context: TraceContext, state: &str) {
        if let Ok(state) = state.parse::<TraceState>() {
            self.data.span_context = context.exported(state);
        }
    }

    /// Adds attributes.
    pub fn set(&mut self, attributes: Attributes) {
        self.data.attributes.extend(attributes.0);
    }

    /// Adds something that happened, now. Its attributes are made only where there is room for it.
    pub fn event(&mut self, name: &'static str, attributes: impl FnOnce() -> Attributes) {
        let events = &mut self.data.events;
        if events.events.len() < MAX_EVENTS {
            events.events.push(Event::new(name, wall::time_at(Instant::now()), attributes().0, 0));
        } else {
            events.dropped_count = events.dropped_count.saturating_add(1);
        }
    }

    /// Points to another span.
    pub fn link(&mut self, to: TraceContext) {
        let links = &mut self.data.links;
        if links.links.len() < MAX_LINKS {
            links.links.push(Link::with_context(to.exported(TraceState::NONE)));
        } else {
            links.dropped_count = links.dropped_count.saturating_add(1);
        }
    }

    /// Says that it failed, and why.
    pub fn fail(&mut self, why: impl Into<String>) {
        self.data.status = Status::error(why.into());
    }

    pub(super) fn end(mut self, now: Instant) -> Box<SpanData> {
        self.data.end_time = self.data.start_time + now.saturating_duration_since(self.began);
        self.data
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn span() -> Span {
        Span::begin("work", Kind::Client, TraceContext::root(), None, Instant::now())
    }

    #[test]
    fn links_and_events_are_bounded_and_the_others_counted() {
        let mut span = span();
        for _ in 0..MAX_LINKS + 3 {
            span.link(TraceContext::root());
            span.event("again", Attributes::default);
        }
        let data = span.end(Instant::now());
        assert_eq!((data.links.len(), data.links.dropped_count), (MAX_LINKS, 3));
        assert_eq!((data.events.len(), data.events.dropped_count), (MAX_EVENTS, 3));
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let attributes = Attributes::default().with_text("text", &"ü".repeat(10 * MAX_TEXT));
        assert_eq!(attributes.0[0].value.as_str().chars().count(), MAX_TEXT);
    }

    #[test]
    fn it_lasts_from_its_beginning_to_its_end() {
        let span = span();
        let began = span.began;
        let data = span.end(began + Duration::from_millis(7));
        assert_eq!(data.end_time.duration_since(data.start_time).unwrap(), Duration::from_millis(7));
    }
}
