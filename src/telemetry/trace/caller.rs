//! What a caller says of the trace that its call belongs to: W3C Trace Context, and B3 in one header or in several.
//!
//! Nothing here fails: what is malformed is as if it were not there, so that no header can keep a request from being decided.

use super::context::{SpanId, TraceContext, TraceId};
use super::hex;

/// What a caller says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallerTrace {
    /// The caller's span.
    pub parent: Option<TraceContext>,
    /// Whether the caller records the trace, where that is decided.
    pub sampled: Option<bool>,
}

/// The forms that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formats {
    /// `traceparent` and `tracestate`.
    pub w3c: bool,
    /// `b3`.
    pub b3: bool,
    /// `x-b3-traceid` and its like.
    pub b3_multi: bool,
}

/// The values of B3's several headers.
#[derive(Debug, Clone, Copy, Default)]
pub struct B3Headers<'h> {
    /// `x-b3-traceid`.
    pub trace: Option<&'h [u8]>,
    /// `x-b3-spanid`.
    pub span: Option<&'h [u8]>,
    /// `x-b3-sampled`.
    pub sampled: Option<&'h [u8]>,
    /// `x-b3-flags`.
    pub flags: Option<&'h [u8]>,
}

impl Default for Formats {
    /// All of them.
    fn default() -> Self {
        Self { w3c: true, b3: true, b3_multi: true }
    }
}

impl CallerTrace {
    /// Reads `traceparent` (W3C Trace Context, 3.2.2): `00-<trace>-<span>-<flags>`. Versions to come may have more behind it.
    #[must_use]
    pub fn w3c(value: &[u8]) -> Option<Self> {
        let (known, rest) = value.split_at_checked(55)?;
        let [version, trace, span, flags] = parts(known)?;
        let lengths = [version.len(), trace.len(), span.len(), flags.len()] == [2, 32, 16, 2];
        if !lengths || hex::has_capitals(known) {
            return None;
        }
        match (hex::number(version)?, rest) {
            (0, []) | (1..0xff, [] | [b'-', ..]) => {}
            _ => return None,
        }
        let parent = Some(parent(trace, span)?);
        Some(Self { parent, sampled: Some(hex::number(flags)? & 1 == 1) })
    }

    /// Reads `b3`: `<trace>-<span>`, `<trace>-<span>-<sampled>`, the same with the parent's span behind it, or a decision alone.
    #[must_use]
    pub fn b3(value: &[u8]) -> Option<Self> {
        let mut parts = value.split(|&byte| byte == b'-');
        let (trace, Some(span)) = (parts.next()?, parts.next()) else {
            return Some(Self { parent: None, sampled: Some(decision(value)?) });
        };
        let sampled = parts.next().map(decision);
        let grandparent = parts.next().map(hex::number);
        if sampled == Some(None) || grandparent == Some(None) || parts.next().is_some() {
            return None;
        }
        Some(Self { parent: Some(parent(trace, span)?), sampled: sampled.flatten() })
    }

    /// Reads B3's several headers. A trace without its span, or one that is malformed, leaves the decision.
    #[must_use]
    pub fn b3_multi(headers: B3Headers<'_>) -> Option<Self> {
        let B3Headers { trace, span, sampled, flags } = headers;
        let parent = trace.zip(span).and_then(|(trace, span)| parent(trace, span));
        let sampled = if flags == Some(b"1") { Some(true) } else { sampled.and_then(decision) };
        (parent.is_some() || sampled.is_some()).then_some(Self { parent, sampled })
    }
}

/// What stands between the three dashes.
fn parts(text: &[u8]) -> Option<[&[u8]; 4]> {
    let mut parts = text.split(|&byte| byte == b'-');
    let four = [parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(four)
}

/// The caller's span; traces may have half the digits in B3.
fn parent(trace: &[u8], span: &[u8]) -> Option<TraceContext> {
    let (high, low) = match trace.len() {
        16 => (0, hex::number(trace)?),
        32 => (hex::number(&trace[..16])?, hex::number(&trace[16..])?),
        _ => return None,
    };
    let span = (span.len() == 16).then_some(span)?;
    Some(TraceContext { trace: TraceId::new(high, low)?, span: SpanId::new(hex::number(span)?)? })
}

/// B3's words for it, old ones included; `d` is a trace that is recorded whatever anybody else decides.
fn decision(text: &[u8]) -> Option<bool> {
    match text {
        b"1" | b"d" | b"true" => Some(true),
        b"0" | b"false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
