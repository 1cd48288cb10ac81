//! Who asks, as the headers of a call tell: how long it waits, which trace it belongs to, and what to call it in logs.

use std::time::Duration;

use http::{HeaderMap, HeaderName};

use crate::server::deadline::patience;
use crate::server::trace::{B3Headers, CallerTrace, Formats, TraceId};
use crate::service::decision_log::CallerIds;

/// The id that a proxy gives the request of its user.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const B3: HeaderName = HeaderName::from_static("b3");
const B3_TRACE: HeaderName = HeaderName::from_static("x-b3-traceid");
const B3_SPAN: HeaderName = HeaderName::from_static("x-b3-spanid");
const B3_SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");
const B3_FLAGS: HeaderName = HeaderName::from_static("x-b3-flags");

/// Which of our two edges was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// `ShouldRateLimit` over gRPC.
    Grpc,
    /// `POST /json`.
    Json,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'h> {
    /// Where.
    pub edge: Edge,
    /// How long an answer is waited for, where that was said.
    pub patience: Option<Duration>,
    headers: &'h HeaderMap,
}

/// What a request is found by in logs, `-` where its caller did not say. The same words in every line about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correlation<'h> {
    /// The id that a proxy gave the request of its user.
    pub request_id: &'h str,
    /// The trace that it belongs to, recorded or not.
    pub trace_id: String,
}

impl<'h> Caller<'h> {
    /// The caller of a gRPC call with these headers.
    #[must_use]
    pub fn grpc(headers: &'h HeaderMap) -> Self {
        Self { edge: Edge::Grpc, patience: patience(headers), headers }
    }

    /// The sender of a JSON request with these headers.
    #[must_use]
    pub fn json(headers: &'h HeaderMap) -> Self {
        Self { edge: Edge::Json, patience: None, headers }
    }

    /// What the request is found by in logs. Reads headers and allocates: not for requests of which nothing is logged.
    #[must_use]
    pub fn correlation(&self) -> Correlation<'h> {
        let trace = self.trace_id();
        Correlation {
            request_id: self.request_id().unwrap_or("-"),
            trace_id: trace.map_or_else(|| "-".into(), |trace| trace.to_string()),
        }
    }

    /// How the request is known elsewhere, for the decision log. Reads headers.
    #[must_use]
    pub fn ids(&self) -> CallerIds<'h> {
        CallerIds { request_id: self.request_id(), trace_id: self.trace_id() }
    }

    /// The id that a proxy gave the request of its user.
    #[must_use]
    pub fn request_id(&self) -> Option<&'h str> {
        self.headers.get(&REQUEST_ID)?.to_str().ok()
    }

    /// The trace that the caller says its call belongs to, recorded or not.
    #[must_use]
    pub fn trace_id(&self) -> Option<TraceId> {
        Some(self.trace(Formats::default()).parent?.trace)
    }

    /// What the caller says of the trace that its call belongs to, in the first of these forms that is well-formed.
    pub(super) fn trace(&self, formats: Formats) -> CallerTrace {
        let w3c = || CallerTrace::w3c(self.only(&TRACEPARENT)?);
        let b3 = || CallerTrace::b3(self.only(&B3)?);
        let b3_multi = || CallerTrace::b3_multi(self.b3_headers());
        let found = formats.w3c.then(w3c).flatten();
        let found = found.or_else(|| formats.b3.then(b3).flatten());
        found.or_else(|| formats.b3_multi.then(b3_multi).flatten()).unwrap_or_default()
    }

    /// What vendors along the way have added to the trace.
    pub(super) fn trace_state(&self) -> String {
        let texts = self.headers.get_all(&TRACESTATE).iter().filter_map(|value| value.to_str().ok());
        texts.collect::<Vec<_>>().join(",")
    }

    /// The value of a header that may stand once.
    fn only(&self, name: &HeaderName) -> Option<&'h [u8]> {
        let mut values = self.headers.get_all(name).iter();
        let only = values.next()?;
        values.next().is_none().then(|| only.as_bytes())
    }

    fn b3_headers(&self) -> B3Headers<'h> {
        let get = |name| self.headers.get(name).map(http::HeaderValue::as_bytes);
        B3Headers {
            trace: get(&B3_TRACE),
            span: get(&B3_SPAN),
            sampled: get(&B3_SAMPLED),
            flags: get(&B3_FLAGS),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[track_caller]
    fn check(given: &[(&'static str, &str)], formats: Formats, expected: Option<(&str, Option<bool>)>) {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let found = Caller::grpc(&headers).trace(formats);
        let found = found.parent.map(|parent| (parent.trace.to_string(), found.sampled));
        assert_eq!(found, expected.map(|(trace, sampled)| (trace.to_owned(), sampled)), "{given:?}");
    }

    #[test]
    fn the_first_form_that_is_well_formed_counts() {
        let all = Formats::default();
        let w3c = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        let b3 = ("b3", "000000000000000000000000000000b3-00f067aa0ba902b7-0");
        let ids = [("x-b3-traceid", "00000000000000000000000000000b33"), ("x-b3-spanid", "00f067aa0ba902b7")];
        check(&[w3c, b3, ids[0], ids[1]], all, Some((TRACE, Some(true))));
        check(
            &[("traceparent", "00-broken"), b3],
            all,
            Some(("000000000000000000000000000000b3", Some(false))),
        );
        check(&[w3c, w3c, ids[0], ids[1]], all, Some(("00000000000000000000000000000b33", None)));
        check(&[("b3", "x"), ids[0], ids[1]], all, Some(("00000000000000000000000000000b33", None)));
        check(
            &[w3c, b3],
            Formats { w3c: false, ..all },
            Some(("000000000000000000000000000000b3", Some(false))),
        );
        check(&[w3c, b3], Formats { w3c: false, b3: false, b3_multi: true }, None);
        check(&[], all, None);
    }

    #[test]
    fn what_vendors_added_is_joined() {
        let mut headers = HeaderMap::new();
        headers.append("tracestate", HeaderValue::from_static("a=1"));
        headers.append("tracestate", HeaderValue::from_static("b=2,c=3"));
        assert_eq!(Caller::json(&headers).trace_state(), "a=1,b=2,c=3");
    }
}
