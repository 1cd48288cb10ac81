//! Several limits on one rule: all must pass, and the most restrictive is in the answer.

use ratekeeper_proto::RateLimitUnit;

use super::table::Table;
use crate::harness::{Ratekeeper, ask};

const TWO: &str = "  - {key: k, limits: [10/year, 2/3000d]}";

#[tokio::test]
async fn all_must_pass_and_one_is_told() {
    let mut table = Table::default();
    table.check(
        "the one with the least remaining",
        "  - {key: k, limits: [4/year, 6/3000d]}",
        [
            (ask("k=v").hits(3), "OK [ok 1/4 year]"),
            (ask("k=v").refund(2), "OK [ok 3/4 year]"),
            (ask("k=v").hits(3), "OK [ok 0/4 year]"),
            (ask("k=v"), "OVER_LIMIT [over 0/4 year]"),
            (ask("k=v").own_hits(0), "OVER_LIMIT [over 0/4 year]"),
            (ask("k=w").also("k=x"), "OK [ok 3/4 year, ok 3/4 year]"),
        ],
    );
    table.check(
        "the one that is over, and denied requests count in all",
        TWO,
        [
            (ask("k=v"), "OK [ok 1/2 unknown]"),
            (ask("k=v"), "OK [ok 0/2 unknown]"),
            (ask("k=v"), "OVER_LIMIT [over 0/2 unknown]"),
            (ask("k=v").limit(10, RateLimitUnit::Year).own_hits(0), "OK [ok 7/10 year]"),
        ],
    );
    table.check(
        "each by its own cost and its own name",
        "  - key: k
    rate_limits:
      - {name: requests, unit: year, requests_per_unit: 10, max_hits: 1}
      - {name: tokens, per: 3000d, requests_per_unit: 100, hits_multiplier: 2}",
        [
            (ask("k=v").hits(5), "OK [ok 9/10 year 'requests']"),
            (ask("k=v").hits(44), "OK [ok 2/100 unknown 'tokens']"),
            (ask("k=v").hits(2), "OVER_LIMIT [over 0/100 unknown 'tokens']"),
        ],
    );
    table.check(
        "a rule in shadow mode passes with all of them",
        "  - {key: k, shadow_mode: true, limits: [10/year, 1/3000d]}",
        [(ask("k=v").hits(2), "OK [ok 0/1 unknown]"), (ask("k=v").hits(20), "OK […")],
    );
    table.check(
        "one limit in short text is a limit like any other",
        "  - {key: k, limits: 2/year}",
        [(ask("k=v"), "OK [ok 1/2 year]"), (ask("k=v").hits(2), "OVER_LIMIT [over 0/2 year]")],
    );
    table.run().await;
}

#[tokio::test]
async fn quotas_of_several_limits_are_over_where_one_is() {
    let mut table = Table::default();
    let two = "
  - {key: a, quota_mode: true, limits: [10/year, 1/3000d]}
  - {key: b, quota_mode: true, limits: [2/year, 10/3000d]}";
    let steps = [
        (ask("a=v"), "OK [ok 0/1 unknown]"),
        (ask("a=v"), "OVER_LIMIT [over 0/1 unknown]"),
        (ask("a=v").also("b=v"), "OK [over 0/1 unknown, ok 1/2 year]"),
        (ask("a=v").also("b=v"), "OK [over 0/1 unknown, ok 0/2 year]"),
        (ask("a=v").also("b=v"), "OVER_LIMIT [over 0/1 unknown, over 0/2 year]"),
    ];
    table.check("together", two, steps);
    table.run().await;
}

#[tokio::test]
async fn a_rule_of_several_limits_is_replaced_whole() {
    let mut table = Table::default();
    table.check(
        "by any of its names",
        "
  - key: k
    rate_limits:
      - {name: first, unit: year, requests_per_unit: 1}
      - {name: second, per: 3000d, requests_per_unit: 2}
  - {key: new, rate_limits: [{unit: year, requests_per_unit: 5, replaces: [{name: second}]}]}",
        [
            (ask("k=v").also("new=v"), "OK [ok, ok 4/5 year]"),
            (ask("k=v"), "OK [ok 0/1 year 'first']"),
            (ask("k=v").also("new=v"), "OK [ok, ok 3/5 year]"),
        ],
    );
    table.run().await;
}

#[tokio::test]
async fn a_denied_request_leaves_all_of_them_alone_where_it_does_not_count() {
    let mut table = Table::default();
    table.check(
        "the wider limit has what passed",
        TWO,
        [
            (ask("k=v").hits(3), "OVER_LIMIT [over 0/2 unknown]"),
            (ask("k=v").hits(2), "OK [ok 0/2 unknown]"),
            (ask("k=v"), "OVER_LIMIT [over 0/2 unknown]"),
            (ask("k=v").limit(10, RateLimitUnit::Year).own_hits(0), "OK [ok 8/10 year]"),
        ],
    );
    table.run_on(Ratekeeper::setup().settings("counting: {denied_requests: ignore}")).await;
}
