//! What shares a counter, and what has one of its own (protocol, section 2.6).

use super::table::Table;
use crate::harness::{Ratekeeper, ask, entries, tell, wait};

#[tokio::test]
async fn counters_are_told_apart_by_domain_and_all_entries() {
    let mut table = Table::default();
    table.check(
        "a default rule gives each value its own counter",
        "  - {key: k, rate_limit: {unit: year, requests_per_unit: 2}}",
        [
            (ask("k=a"), "OK [ok 1/2 year]"),
            (ask("k=a"), "OK [ok 0/2 year]"),
            (ask("k=b"), "OK [ok 1/2 year]"),
            (ask("k=a"), "OVER_LIMIT [over 0/2 year]"),
        ],
    );
    table.check(
        "so does a pattern",
        "  - {key: k, value: 'a*', rate_limit: {unit: year, requests_per_unit: 2}}",
        [(ask("k=a1"), "OK [ok 1/2 year]"), (ask("k=a2"), "OK [ok 1/2 year]")],
    );
    table.check(
        "unless it shares its threshold",
        "  - {key: k, value: 'a*', share_threshold: true, rate_limit: {unit: year, requests_per_unit: 2}}",
        [
            (ask("k=a1"), "OK [ok 1/2 year]"),
            (ask("k=a2"), "OK [ok 0/2 year]"),
            (ask("k=a3"), "OVER_LIMIT [over 0/2 year]"),
        ],
    );
    table.check(
        "a shared level keeps the other levels' values apart",
        "
  - key: k
    value: 'a*'
    share_threshold: true
    descriptors:
      - {key: user, rate_limit: {unit: year, requests_per_unit: 2}}",
        [
            (ask("k=a1 user=x"), "OK [ok 1/2 year]"),
            (ask("k=a2 user=x"), "OK [ok 0/2 year]"),
            (ask("k=a2 user=y"), "OK [ok 1/2 year]"),
        ],
    );
    table.check(
        "values of an outer level that has no limit itself tell counters apart",
        "
  - key: path
    descriptors:
      - {key: user, rate_limit: {unit: year, requests_per_unit: 2}}",
        [(ask("path=/a user=x"), "OK [ok 1/2 year]"), (ask("path=/b user=x"), "OK [ok 1/2 year]")],
    );
    table.run().await;
}

#[tokio::test]
async fn names_that_would_be_equal_when_joined_are_two_counters() {
    let mut table = Table::default();
    table.check(
        "joined by an underscore",
        "
  - {key: a, value: b_c, rate_limit: {unit: year, requests_per_unit: 2}}
  - {key: a_b, value: c, rate_limit: {unit: year, requests_per_unit: 3}}",
        [
            (ask("a=b_c"), "OK [ok 1/2 year]"),
            (ask("a_b=c"), "OK [ok 2/3 year]"),
            (ask("a=b_c"), "OK [ok 0/2 year]"),
        ],
    );
    table.check(
        "separators, escapes, braces, newlines and bytes that are not UTF-8",
        "
  - key: a
    rate_limit: {unit: year, requests_per_unit: 2}
    descriptors:
      - {key: b, rate_limit: {unit: year, requests_per_unit: 2}}",
        [
            (entries(&[(b"a", b"x|b|y")]), "OK [ok 1/2 year]"),
            (entries(&[(b"a", b"x"), (b"b", b"y")]), "OK [ok 1/2 year]"),
            (entries(&[(b"a", b"x_b_y")]), "OK [ok 1/2 year]"),
            (entries(&[(b"a", b"x\x00b\x00y")]), "OK [ok 1/2 year]"),
            (entries(&[(b"a", b"x\nb\ny")]), "OK [ok 1/2 year]"),
            (entries(&[(b"a", b"x:b:y")]), "OK [ok 1/2 year]"),
            (entries(&[(b"a", b"{x}")]), "OK [ok 1/2 year]"),
            (entries(&[(b"a", b"%7Bx%7D")]), "OK [ok 1/2 year]"),
            (entries(&[(b"a", b"\\x7bx\\x7d")]), "OK [ok 1/2 year]"),
            (entries(&[(b"a", b"\xff")]), "OK [ok 1/2 year]"),
            (entries(&[(b"a", b"\xfe")]), "OK [ok 1/2 year]"),
            (entries(&[(b"a", "\u{fffd}".as_bytes())]), "OK [ok 1/2 year]"),
            (entries(&[(b"a", b"%FF")]), "OK [ok 1/2 year]"),
            (entries(&[(b"a", b"\\xff")]), "OK [ok 1/2 year]"),
            (entries(&[(b"a", b"\xff")]), "OK [ok 0/2 year]"),
        ],
    );
    table.run().await;
}

/// `case-0` of one file and of another: only the domain differs.
#[tokio::test]
async fn the_same_descriptor_in_two_domains_is_two_counters() {
    let file = |domain: &str| {
        format!(
            "{{domain: {domain}, descriptors: [{{key: k, rate_limit: {{unit: year, requests_per_unit: 1}}}}]}}"
        )
    };
    let server = Ratekeeper::setup().rules(&file("one")).rules(&file("two")).start().await;
    for domain in ["one", "two"] {
        assert_eq!(tell(&server.ask(&ask("k=v").domain(domain)).await), "OK [ok 0/1 year]");
        assert_eq!(tell(&server.ask(&ask("k=v").domain(domain)).await), "OVER_LIMIT [over 0/1 year]");
    }
}

/// The count of every window survives a reload; of another unit's, a new one begins.
#[tokio::test]
async fn raising_a_limit_keeps_the_count() {
    let rules = |requests: u32, unit: &str| {
        let limit = format!("{{unit: {unit}, requests_per_unit: {requests}}}");
        format!("{{domain: mesh, descriptors: [{{key: k, rate_limit: {limit}}}]}}")
    };
    let server = Ratekeeper::with_rules(&rules(3, "year")).await;
    assert_eq!(tell(&server.ask(&ask("k=v").hits(3)).await), "OK [ok 0/3 year]");
    let look = ask("k=v").own_hits(0);
    for (requests, unit, expected) in [
        (10, "year", "OK [ok 7/10 year]"),
        (2, "year", "OVER_LIMIT [over 0/2 year]"),
        (10, "month", "OK [ok 10/10 month]"),
    ] {
        server.write_rules("rules-0.yaml", &rules(requests, unit));
        wait::until(expected, || async { tell(&server.ask(&look).await) == expected }).await;
    }
}
