//! From a verdict to the answer on the wire.

mod metadata;

use std::time::Duration;

use ratekeeper_proto::rate_limit_response::{Code, DescriptorStatus, RateLimit, rate_limit};
use ratekeeper_proto::{HeaderValue, RateLimitRequest, RateLimitResponse, prost_types};

use crate::decision::period::Period;
use crate::decision::unit::Unit;
use crate::decision::verdict::{Limited, Outcome, Status, Verdict};

/// What an answer carries beside the statuses.
#[derive(Debug, Clone, Default)]
pub struct AnswerSettings {
    /// Headers that the proxy adds to the response; `None`: no headers.
    pub headers: Option<HeaderNames>,
    /// Whether the dynamic metadata has what was asked, and the metadata of rules.
    pub dynamic_metadata: bool,
    /// Whether the dynamic metadata has which rules decided.
    pub rule_metadata: bool,
}

/// The names of the response headers.
#[derive(Debug, Clone)]
pub struct HeaderNames {
    /// For the limit's number.
    pub limit: String,
    /// For the hits that are left.
    pub remaining: String,
    /// For the seconds until the window is over.
    pub reset: String,
    /// For the limit with its window, which may be none that Envoy has a unit for.
    pub policy: String,
}

impl AnswerSettings {
    /// The answer that tells this verdict on this request.
    #[must_use]
    pub fn write(&self, verdict: &Verdict<'_>, request: &RateLimitRequest) -> RateLimitResponse {
        let code = if verdict.denied { Code::OverLimit } else { Code::Ok };
        RateLimitResponse {
            overall_code: code.into(),
            statuses: verdict.statuses.iter().map(write_status).collect(),
            response_headers_to_add: self
                .headers
                .as_ref()
                .map_or_else(Vec::new, |names| names.write(verdict)),
            dynamic_metadata: self.write_metadata(verdict, request),
            ..RateLimitResponse::default()
        }
    }

    fn write_metadata(
        &self,
        verdict: &Verdict<'_>,
        request: &RateLimitRequest,
    ) -> Option<prost_types::Struct> {
        if !self.dynamic_metadata && !self.rule_metadata {
            return None;
        }
        let asked = self.dynamic_metadata.then(|| metadata::asked(verdict, request));
        let decided = self.rule_metadata.then(|| metadata::decided(verdict));
        Some(metadata::structure(asked.into_iter().chain(decided).flatten().collect()))
    }
}

impl HeaderNames {
    /// Tells of the status that the caller has to watch.
    fn write(&self, verdict: &Verdict<'_>) -> Vec<HeaderValue> {
        let Some((_, limited)) = verdict.tightest() else { return Vec::new() };
        let header =
            |name: &str, value: String| HeaderValue { key: name.to_owned(), value, ..HeaderValue::default() };
        let (number, window) = (limited.limit.requests_per_unit, limited.limit.period.seconds());
        vec![
            header(&self.limit, number.to_string()),
            header(&self.remaining, limited.remaining.to_string()),
            header(&self.reset, limited.until_reset.as_secs().to_string()),
            header(&self.policy, format!("{number};w={window}")),
        ]
    }
}

fn write_status(status: &Status<'_>) -> DescriptorStatus {
    let code = if status.is_over() { Code::OverLimit } else { Code::Ok };
    let plain = DescriptorStatus { code: code.into(), ..DescriptorStatus::default() };
    match status.limited {
        Some(limited) => DescriptorStatus {
            current_limit: Some(write_limit(status, limited)),
            limit_remaining: limited.remaining,
            duration_until_reset: Some(write_duration(limited.until_reset)),
            ..plain
        },
        None if status.outcome == Outcome::Unlimited => {
            DescriptorStatus { limit_remaining: u32::MAX, ..plain }
        }
        None => plain,
    }
}

fn write_limit(status: &Status<'_>, limited: Limited) -> RateLimit {
    RateLimit {
        name: status.name().unwrap_or_default().to_owned(),
        requests_per_unit: limited.limit.requests_per_unit,
        unit: write_unit(limited.limit.period).into(),
    }
}

/// UNKNOWN where the protocol has no unit that is exactly so long: Envoy then shows no window.
fn write_unit(period: Period) -> rate_limit::Unit {
    let Some(unit) = period.unit() else { return rate_limit::Unit::Unknown };
    match unit {
        Unit::Second => rate_limit::Unit::Second,
        Unit::Minute => rate_limit::Unit::Minute,
        Unit::Hour => rate_limit::Unit::Hour,
        Unit::Day => rate_limit::Unit::Day,
        Unit::Week => rate_limit::Unit::Week,
        Unit::Month => rate_limit::Unit::Month,
        Unit::Year => rate_limit::Unit::Year,
    }
}

fn write_duration(duration: Duration) -> prost_types::Duration {
    prost_types::Duration { seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX), nanos: 0 }
}
