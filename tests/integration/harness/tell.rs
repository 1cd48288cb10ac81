//! An answer in a line, to be compared with what was expected.
//!
//! `OVER_LIMIT [over 0/2 year 'name', ok unlimited, ok]`: the overall code, then a status for each descriptor:
//! its code, how many hits remain of how many in which unit, and the rule's name. A refusal is its gRPC code
//! and text.

use ratekeeper_proto::RateLimitResponse;
use ratekeeper_proto::rate_limit_response::rate_limit::Unit;
use ratekeeper_proto::rate_limit_response::{Code, DescriptorStatus, RateLimit};
use tonic::Status;

/// Puts an answer into words.
///
/// # Panics
///
/// When the time until the window ends is missing, superfluous or impossible, for it is not in the words.
pub(crate) fn tell(answer: &Result<RateLimitResponse, Status>) -> String {
    match answer {
        Ok(response) => {
            let statuses: Vec<String> = response.statuses.iter().map(status).collect();
            format!("{} [{}]", response.overall_code().as_str_name(), statuses.join(", "))
        }
        Err(refusal) => format!("{:?}: {}", refusal.code(), refusal.message()),
    }
}

fn status(status: &DescriptorStatus) -> String {
    let code = match status.code() {
        Code::Ok => "ok",
        Code::OverLimit => "over",
        Code::Unknown => "unknown",
    };
    let reset = status.duration_until_reset;
    let Some(limit) = &status.current_limit else {
        assert_eq!(reset, None, "a reset without a limit");
        return match status.limit_remaining {
            0 => code.to_owned(),
            u32::MAX => format!("{code} unlimited"),
            some => format!("{code} {some}/?"),
        };
    };
    check_reset(limit, reset.expect("a limit comes with its reset"));
    let unit = limit.unit().as_str_name().to_lowercase();
    let name = if limit.name.is_empty() { String::new() } else { format!(" '{}'", limit.name) };
    format!("{code} {}/{} {unit}{name}", status.limit_remaining, limit.requests_per_unit)
}

fn check_reset(limit: &RateLimit, reset: prost_types::Duration) {
    let window = seconds(limit.unit());
    let whole = reset.seconds + i64::from(reset.nanos > 0);
    assert!((1..=window).contains(&whole), "{reset:?} is not within a window of {window} s");
}

fn seconds(unit: Unit) -> i64 {
    let day = 86_400;
    match unit {
        // Some other length, ten years at the most.
        Unit::Unknown => 3_650 * day,
        Unit::Second => 1,
        Unit::Minute => 60,
        Unit::Hour => 3_600,
        Unit::Day => day,
        Unit::Week => 7 * day,
        Unit::Month => 30 * day,
        Unit::Year => 365 * day,
    }
}
