//! Each algorithm behind the HTTP filter: how many of a burst pass, and what the client is told.
//!
//! Limits are by the year or longer where time must not matter: nothing drains by a whole hit while a test runs.

use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, sleep};

use super::{Mesh, all};
use crate::harness::Ratekeeper;
use crate::harness::http::Answer;
use crate::harness::traffic;

const YEAR: u64 = 31_536_000;
const LIMIT: u64 = 40;
/// In which one hit of a limit of 40 a year drains.
const ONE: u64 = YEAR / LIMIT;

/// An algorithm with a limit of 40 a year: what of it passes at once, and what a client is told of the time.
struct Case {
    fields: &'static str,
    passes: u64,
    /// After the first request: seconds until nothing is counted any more, or where nothing remains until one more passes.
    emptied: fn() -> u64,
    /// After the burst: seconds until one more passes.
    passes_again: fn() -> u64,
}

const CASES: [Case; 6] = [
    Case { fields: "", passes: LIMIT, emptied: window_end, passes_again: window_end },
    Case {
        fields: ", algorithm: sliding_window",
        passes: LIMIT,
        emptied: || window_end() + YEAR,
        // What came in this window has to weigh a hit less in the next one.
        passes_again: || window_end() + ONE,
    },
    Case { fields: ", algorithm: sliding_log", passes: LIMIT, emptied: || YEAR, passes_again: || YEAR },
    Case { fields: ", algorithm: token_bucket", passes: LIMIT, emptied: || ONE, passes_again: || ONE },
    Case {
        fields: ", algorithm: token_bucket, burst: 15",
        passes: 15,
        emptied: || ONE,
        passes_again: || ONE,
    },
    Case { fields: ", algorithm: leaky_bucket", passes: 1, emptied: || ONE, passes_again: || ONE },
];

/// Seconds until the fixed window of a year is over.
#[expect(clippy::disallowed_methods, reason = "what a client is told is held against the real clock")]
fn window_end() -> u64 {
    YEAR - SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() % YEAR
}

/// What may be told for so many seconds, in a test that has run for some.
fn about(seconds: u64) -> RangeInclusive<u64> {
    seconds - 30..=seconds + 1
}

fn rules(limit: &str) -> String {
    format!("domain: mesh\ndescriptors:\n  - {{key: generic_key, value: all, rate_limit: {{{limit}}}}}\n")
}

#[track_caller]
fn check(what: &str, answer: &Answer, (status, limit, remaining): (u16, &str, u64), reset: u64) {
    assert_eq!(answer.status, status, "{what}");
    assert_eq!(answer.header("x-ratelimit-limit"), limit, "{what}");
    assert_eq!(answer.header("x-ratelimit-remaining"), remaining.to_string(), "{what}");
    let told: u64 = answer.header("x-ratelimit-reset").parse().unwrap();
    assert!(about(reset).contains(&told), "{what}: {told} where it is {reset}");
}

#[tokio::test]
async fn of_a_burst_as_many_pass_as_fit_and_the_client_is_told() {
    for case in CASES {
        let rules = rules(&format!("unit: year, requests_per_unit: {LIMIT}{}", case.fields));
        let mesh = Mesh::start(&rules, |envoy| envoy.descriptor(&all())).await;
        let (what, limit) = (case.fields, "40, 40;w=31536000");
        check(what, &mesh.get(&[]).await, (200, limit, case.passes - 1), (case.emptied)());
        let tally = traffic::burst(mesh.envoy.entrance, 16, 60).await;
        let passed = tally.get("200").copied().unwrap_or(0);
        assert_eq!(
            (passed as u64, tally.values().sum::<usize>()),
            (case.passes - 1, 60),
            "{what}: {tally:?}"
        );
        check(what, &mesh.get(&[]).await, (429, limit, 0), (case.passes_again)());
    }
}

#[tokio::test]
async fn our_own_headers_have_the_window_where_envoy_has_no_unit() {
    for case in CASES {
        let rules = rules(&format!("per: 3000d, requests_per_unit: {LIMIT}{}", case.fields));
        let setup = Ratekeeper::setup().rules(&rules).settings("response: {headers: {enabled: true}}");
        let mesh = Mesh::of(setup.start().await, |envoy| envoy.descriptor(&all())).await;
        for asked in 1..=2 {
            let (what, answer) = (case.fields, mesh.get(&[]).await);
            assert_eq!(answer.header("x-ratelimit-limit"), "40", "{what}");
            assert_eq!(answer.header("ratelimit-policy"), "40;w=259200000", "{what}");
            assert_eq!(answer.header("ratelimit-limit"), "40", "{what}");
            let left = case.passes.saturating_sub(asked).to_string();
            assert_eq!(answer.header("ratelimit-remaining"), left, "{what}");
            assert_eq!(answer.header("ratelimit-reset"), answer.header("x-ratelimit-reset"), "{what}");
            assert_eq!(answer.status, if asked > case.passes { 429 } else { 200 }, "{what}");
        }
    }
}

#[tokio::test]
async fn a_cost_that_does_not_fit_takes_nothing_and_is_told_when_it_will() {
    // A hit drains in 31,536 seconds.
    let rules = rules("algorithm: token_bucket, unit: year, requests_per_unit: 1000, burst: 12");
    let mesh = Mesh::start(&rules, |envoy| envoy.costly_descriptor(&all(), 5)).await;
    let limit = "1000, 1000;w=31536000";
    check("7 are left of the burst", &mesh.get(&[]).await, (200, limit, 7), 5 * 31_536);
    check("2 are left", &mesh.get(&[]).await, (200, limit, 2), 10 * 31_536);
    for _ in 0..2 {
        check("3 of 5 have to drain", &mesh.get(&[]).await, (429, limit, 0), 3 * 31_536);
    }
}

#[tokio::test]
async fn of_limits_of_several_algorithms_the_tightest_is_told() {
    let bucket = "{algorithm: token_bucket, unit: year, requests_per_unit: 1000, burst: 3, name: burst}";
    let window = "{algorithm: sliding_window, unit: month, requests_per_unit: 10, name: month}";
    let rules = format!(
        "{{domain: mesh, descriptors: [{{key: generic_key, value: all, rate_limits: [{window}, {bucket}]}}]}}"
    );
    let mesh = Mesh::start(&rules, |envoy| envoy.descriptor(&all())).await;
    // Until all is back; where nothing remains, until one more passes.
    for (status, remaining, hits) in [(200, 2, 1), (200, 1, 2), (200, 0, 1), (429, 0, 1)] {
        let limit = r#"1000, 1000;w=31536000;name="burst""#;
        check("the bucket", &mesh.get(&[]).await, (status, limit, remaining), hits * 31_536);
    }
}

/// Asks for that long, one request after the other, and gives how many passed.
async fn passed_in(mesh: &Mesh, time: Duration) -> u32 {
    let (end, mut passed) = (Instant::now() + time, 0);
    while Instant::now() < end {
        passed += u32::from(mesh.get(&[]).await.status == 200);
    }
    passed
}

#[tokio::test]
async fn what_drains_passes_again_and_no_more() {
    for (fields, burst) in [("algorithm: leaky_bucket", 1), ("algorithm: token_bucket, burst: 4", 4)] {
        let rules = rules(&format!("unit: second, requests_per_unit: 10, {fields}"));
        let mesh = Mesh::start(&rules, |envoy| envoy.descriptor(&all())).await;
        // The first request of all is slow, and would hide a hit too many.
        mesh.get(&[]).await;
        sleep(Duration::from_millis(110)).await;
        let began = Instant::now();
        let passed = passed_in(&mesh, Duration::from_millis(700)).await;
        // The clocks of server and test are read at other moments, and in whole milliseconds.
        let most = f64::from(burst) + (began.elapsed().as_secs_f64() + 0.01) * 10.0;
        assert!(f64::from(passed) <= most, "{fields}: {passed} passed, where {most} may");
        assert!(passed > burst, "{fields}: nothing drained");
        sleep(Duration::from_millis(110)).await;
        assert_eq!(mesh.get(&[]).await.status, 200, "{fields}: a hit drains in 100 ms");
    }
}
