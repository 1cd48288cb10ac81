//! Which requests are recorded: those that their caller records, and of those without their caller's word a part.

use super::caller::CallerTrace;
use super::context::TraceContext;
use super::random;

/// Which requests are recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sampling {
    /// Whether the caller's decision counts.
    heeds_caller: bool,
    /// The lower halves of traces, without their last bit, that are below this are recorded: whoever goes by the same ratio
    /// in the same way records the same traces.
    bound: u64,
}

/// One more than the highest number that the bound is compared with.
const ALL: u64 = 1 << 63;

impl Sampling {
    /// What the caller decided; of requests without a decision this part, from 0 to 1.
    #[must_use]
    pub fn parent_based(ratio: f64) -> Self {
        Self { heeds_caller: true, bound: bound(ratio) }
    }

    /// This part of all requests, whatever their callers decided.
    #[must_use]
    pub fn of_all(ratio: f64) -> Self {
        Self { heeds_caller: false, bound: bound(ratio) }
    }

    /// The span of a request that is recorded; nothing for any other one.
    pub(super) fn sample(&self, caller: &CallerTrace) -> Option<TraceContext> {
        let decided = caller.sampled.filter(|_| self.heeds_caller);
        let trace = caller.parent.map(|parent| parent.trace);
        let low = trace.map_or_else(random::draw, |trace| trace.low());
        let sampled = decided.unwrap_or(low >> 1 < self.bound);
        sampled.then(|| TraceContext::in_trace(trace.unwrap_or_else(|| random::trace(low))))
    }

    /// Whether what is no request is recorded: rare, and wanted by whoever wants anything.
    pub(super) fn records_own(&self) -> bool {
        self.heeds_caller || self.bound > 0
    }
}

impl Default for Sampling {
    fn default() -> Self {
        Self::parent_based(0.0)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a ratio from 0 to 1 times 2^63 fits, and the cast stops at its bounds for any other"
)]
fn bound(ratio: f64) -> u64 {
    (ratio * ALL as f64) as u64
}

#[cfg(test)]
mod tests {
    use super::super::context::{SpanId, TraceId};
    use super::*;

    fn caller(low: u64, sampled: Option<bool>) -> CallerTrace {
        let (trace, span) = (TraceId::new(7, low).unwrap(), SpanId::new(1).unwrap());
        CallerTrace { parent: Some(TraceContext { trace, span }), sampled }
    }

    #[test]
    fn the_callers_decision_counts_before_the_ratio() {
        for (ratio, sampled) in [(0.0, true), (1.0, false)] {
            let sampling = Sampling::parent_based(ratio);
            let decided = caller(5, Some(sampled));
            assert_eq!(sampling.sample(&decided).is_some(), sampled);
            let alone = CallerTrace { sampled: Some(sampled), ..CallerTrace::default() };
            assert_eq!(sampling.sample(&alone).is_some(), sampled);
            assert_eq!(Sampling::of_all(ratio).sample(&decided).is_some(), !sampled);
        }
    }

    #[test]
    fn a_span_belongs_to_its_callers_trace_and_is_none_of_its_spans() {
        let caller = caller(5, Some(true));
        let (parent, own) = (caller.parent.unwrap(), Sampling::default().sample(&caller).unwrap());
        assert_eq!(own.trace, parent.trace);
        assert_ne!(own.span, parent.span);
    }

    #[test]
    fn without_a_decision_the_trace_decides_by_the_ratio() {
        let half = Sampling::parent_based(0.5);
        assert!(half.sample(&caller(u64::MAX / 2 - 1, None)).is_some());
        assert!(half.sample(&caller(u64::MAX / 2 + 2, None)).is_none());
        assert!(Sampling::parent_based(1.0).sample(&caller(u64::MAX, None)).is_some());
        assert!(Sampling::parent_based(0.0).sample(&caller(1, None)).is_none());
    }

    #[test]
    fn of_new_traces_the_ratio_is_recorded() {
        let sampling = Sampling::parent_based(0.1);
        let recorded = (0..100_000).filter_map(|_| sampling.sample(&CallerTrace::default()));
        let recorded: Vec<TraceContext> = recorded.collect();
        assert!((9_000..11_000).contains(&recorded.len()), "{}", recorded.len());
        // Whoever sees such a trace without a decision, and goes by the same ratio, records it too.
        assert!(recorded.iter().all(|own| own.trace.low() >> 1 < bound(0.1)));
    }

    #[test]
    fn what_is_no_request_is_recorded_unless_nothing_is() {
        assert!(Sampling::parent_based(0.0).records_own() && Sampling::of_all(0.1).records_own());
        assert!(!Sampling::of_all(0.0).records_own());
    }
}
