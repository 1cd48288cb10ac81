//! A span's place in its trace: two numbers that ride along with a request.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};

use opentelemetry::trace::{SpanContext, TraceFlags, TraceState};

use super::random;

/// Which trace. Never zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId {
    // Two halves, as a `u128` would be aligned to 16 bytes and make everything that it rides in larger.
    high: u64,
    low: u64,
}

/// Which span of its trace.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(NonZeroU64);

/// A span of a trace: of one that is recorded, where it is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The span.
    pub span: SpanId,
}

impl TraceId {
    /// The trace of this number; nothing for zero.
    #[must_use]
    pub fn new(high: u64, low: u64) -> Option<Self> {
        (high != 0 || low != 0).then_some(Self { high, low })
    }

    /// The half that sampling goes by.
    #[must_use]
    pub fn low(self) -> u64 {
        self.low
    }

    /// Its number, as exemplars name it.
    #[must_use]
    pub fn number(self) -> NonZeroU128 {
        let number = u128::from(self.high) << 64 | u128::from(self.low);
        NonZeroU128::new(number).expect("it was looked at when it was made")
    }
}

impl SpanId {
    /// The span of this number; nothing for zero.
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }

    pub(super) fn exported(self) -> opentelemetry::SpanId {
        self.0.get().into()
    }
}

impl TraceContext {
    /// A new span in a new trace.
    #[must_use]
    pub fn root() -> Self {
        Self::in_trace(random::trace(random::draw()))
    }

    /// A new span of this trace.
    #[must_use]
    pub fn in_trace(trace: TraceId) -> Self {
        Self { trace, span: random::span() }
    }

    /// As it is exported: recorded, and of this process.
    pub(super) fn exported(self, state: TraceState) -> SpanContext {
        let trace = self.trace.number().get().into();
        SpanContext::new(trace, self.span.exported(), TraceFlags::SAMPLED, false, state)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.number())
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rides_in_three_words_whether_or_not_it_is_there() {
        assert_eq!(size_of::<Option<TraceContext>>(), 24);
    }

    #[test]
    fn ids_are_written_as_headers_have_them() {
        let context = TraceContext { trace: TraceId::new(1, 0xab).unwrap(), span: SpanId::new(0xc).unwrap() };
        assert_eq!(context.trace.to_string(), "000000000000000100000000000000ab");
        assert_eq!(context.span.to_string(), "000000000000000c");
        let exported = context.exported(TraceState::NONE);
        assert_eq!(exported.trace_id().to_string(), context.trace.to_string());
        assert_eq!(exported.span_id().to_string(), context.span.to_string());
        assert!(exported.is_sampled() && !exported.is_remote());
    }

    #[test]
    fn no_two_spans_are_one() {
        let (one, other) = (TraceContext::root(), TraceContext::root());
        assert!(one.trace != other.trace && one.span != other.span);
        assert_ne!(TraceContext::in_trace(one.trace).span, one.span);
    }
}
