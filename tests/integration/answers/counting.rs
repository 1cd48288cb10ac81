//! How hits are counted (protocol, section 3).

use super::table::Table;
use crate::harness::{Ratekeeper, ask};

const TEN: &str = "  - {key: k, rate_limit: {unit: year, requests_per_unit: 10}}";

#[tokio::test]
async fn hits_are_those_of_the_descriptor_else_of_the_request_else_one() {
    let mut table = Table::default();
    table.check(
        "the request's",
        TEN,
        [
            (ask("k=v"), "OK [ok 9/10 year]"),
            (ask("k=v").hits(0), "OK [ok 8/10 year]"),
            (ask("k=v").hits(3), "OK [ok 5/10 year]"),
        ],
    );
    table.check(
        "the descriptor's",
        TEN,
        [
            (ask("k=v").own_hits(4).hits(9), "OK [ok 6/10 year]"),
            (ask("k=v").own_hits(2).also("k=w").hits(3), "OK [ok 4/10 year, ok 7/10 year]"),
        ],
    );
    table.check(
        "a look counts nothing, and is within a limit that is just used up",
        TEN,
        [
            (ask("k=v").own_hits(0), "OK [ok 10/10 year]"),
            (ask("k=v").own_hits(10), "OK [ok 0/10 year]"),
            (ask("k=v").own_hits(0), "OK [ok 0/10 year]"),
            (ask("k=v"), "OVER_LIMIT [over 0/10 year]"),
            (ask("k=v").own_hits(0), "OVER_LIMIT [over 0/10 year]"),
        ],
    );
    table.check(
        "a limit of 0 is a ban, and even there a look is within it",
        "  - {key: k, rate_limit: {unit: year, requests_per_unit: 0}}",
        [(ask("k=v").own_hits(0), "OK [ok 0/0 year]"), (ask("k=v"), "OVER_LIMIT [over 0/0 year]")],
    );
    table.run().await;
}

#[tokio::test]
async fn a_rule_says_what_hits_cost() {
    const COSTLY: &str =
        "  - {key: k, rate_limit: {unit: year, requests_per_unit: 50, hits_multiplier: 5, max_hits: 20}}";
    let mut table = Table::default();
    table.check(
        "each hit counts for five, a request for twenty at the most",
        COSTLY,
        [
            (ask("k=v"), "OK [ok 45/50 year]"),
            (ask("k=v").hits(2), "OK [ok 35/50 year]"),
            (ask("k=v").own_hits(0), "OK [ok 35/50 year]"),
            (ask("k=v").own_hits(1_000), "OK [ok 15/50 year]"),
            (ask("k=v").hits(4), "OVER_LIMIT [over 0/50 year]"),
        ],
    );
    table.check(
        "what is given back is what was taken",
        COSTLY,
        [
            (ask("k=v").hits(3), "OK [ok 35/50 year]"),
            (ask("k=v").refund(3), "OK [ok 50/50 year]"),
            (ask("k=v").hits(1_000), "OK [ok 30/50 year]"),
            (ask("k=v").refund(1_000), "OK [ok 50/50 year]"),
        ],
    );
    table.check(
        "a limit that the caller brings along knows no cost",
        COSTLY,
        [(ask("k=v").limit(10, ratekeeper_proto::RateLimitUnit::Year), "OK [ok 9/10 year]")],
    );
    table.run().await;
}

#[tokio::test]
async fn denied_hits_count_and_so_do_the_other_descriptors() {
    let mut table = Table::default();
    table.check(
        "the count grows for denied hits: 12 − 3 leaves 9",
        TEN,
        [(ask("k=v").hits(12), "OVER_LIMIT [over 0/10 year]"), (ask("k=v").refund(3), "OK [ok 1/10 year]")],
    );
    table.check(
        "every descriptor counts even where another one is over",
        "
  - {key: ban, rate_limit: {unit: year, requests_per_unit: 0}}
  - {key: k, rate_limit: {unit: year, requests_per_unit: 10}}",
        [
            (ask("k=v").also("ban=1"), "OVER_LIMIT [ok 9/10 year, over 0/0 year]"),
            (ask("ban=1").also("k=v"), "OVER_LIMIT [over 0/0 year, ok 8/10 year]"),
        ],
    );
    table.check(
        "the same descriptor twice counts twice, the second seeing the first",
        "  - {key: k, rate_limit: {unit: year, requests_per_unit: 3}}",
        [
            (ask("k=v").also("k=v"), "OK [ok 2/3 year, ok 1/3 year]"),
            (ask("k=v").also("k=v"), "OVER_LIMIT [ok 0/3 year, over 0/3 year]"),
        ],
    );
    table.run().await;
}

#[tokio::test]
async fn refunds_give_back_and_never_below_zero() {
    let mut table = Table::default();
    table.check(
        "what was counted comes back",
        TEN,
        [
            (ask("k=v").hits(10), "OK [ok 0/10 year]"),
            (ask("k=v").refund(4), "OK [ok 4/10 year]"),
            (ask("k=v").hits(4), "OK [ok 0/10 year]"),
        ],
    );
    table.check(
        "but not more than that",
        TEN,
        [
            (ask("k=v").hits(2), "OK [ok 8/10 year]"),
            (ask("k=v").refund(1_000), "OK [ok 10/10 year]"),
            (ask("k=v").refund(u64::MAX), "OK [ok 10/10 year]"),
            (ask("k=v"), "OK [ok 9/10 year]"),
        ],
    );
    table.check(
        "a refund is always OK, over the limit or under a ban",
        "  - {key: k, rate_limit: {unit: year, requests_per_unit: 2}}",
        [
            (ask("k=v").hits(9), "OVER_LIMIT [over 0/2 year]"),
            (ask("k=v").refund(1), "OK [ok 0/2 year]"),
            (ask("k=w").refund(1), "OK [ok 2/2 year]"),
        ],
    );
    table.check(
        "sign and size together, within one request",
        TEN,
        [(ask("k=v").own_hits(7).also("k=v").refund(5), "OK [ok 3/10 year, ok 8/10 year]")],
    );
    table.run().await;
}

#[tokio::test]
async fn hits_above_the_cap_count_as_the_cap() {
    let mut table = Table::default();
    let most = "  - {key: k, rate_limit: {unit: year, requests_per_unit: 4294967295}}";
    table.check(
        "hits near 2^64 give nothing back and do not wrap",
        most,
        [
            (ask("k=v").own_hits(u64::MAX), "OK [ok 3294967295/4294967295 year]"),
            (ask("k=v").own_hits(1 << 63), "OK [ok 2294967295/4294967295 year]"),
            (ask("k=v").own_hits((1 << 63) - 1), "OK [ok 1294967295/4294967295 year]"),
            (ask("k=v").hits(u32::MAX), "OK [ok 294967295/4294967295 year]"),
            (ask("k=v").own_hits(u64::MAX - 1), "OVER_LIMIT [over 0/4294967295 year]"),
            (ask("k=v").own_hits(u64::MAX), "OVER_LIMIT [over 0/4294967295 year]"),
        ],
    );
    table.run().await;
}

#[tokio::test]
async fn a_denied_request_leaves_no_counter_changed_where_that_is_set() {
    let mut table = Table::default();
    let rules = "
  - {key: few, rate_limit: {unit: year, requests_per_unit: 3}}
  - {key: many, rate_limit: {unit: year, requests_per_unit: 10}}
  - {key: seen, shadow_mode: true, rate_limit: {unit: year, requests_per_unit: 1}}";
    table.check(
        "what does not fit is not counted",
        rules,
        [
            (ask("few=1").hits(5), "OVER_LIMIT [over 0/3 year]"),
            (ask("few=1").own_hits(0), "OK [ok 3/3 year]"),
            (ask("few=1").hits(3), "OK [ok 0/3 year]"),
        ],
    );
    table.check(
        "nor is another descriptor of the same request, before it or behind",
        rules,
        [
            (ask("many=1").also("few=1").hits(5), "OVER_LIMIT …"),
            (ask("few=1").also("many=1").hits(5), "OVER_LIMIT …"),
            (ask("many=1").own_hits(0).also("few=1").own_hits(0), "OK [ok 10/10 year, ok 3/3 year]"),
        ],
    );
    table.check(
        "a request that passes counts everywhere",
        rules,
        [(ask("few=1").also("many=1").hits(3), "OK [ok 0/3 year, ok 7/10 year]")],
    );
    table.run_on(Ratekeeper::setup().settings("counting: {denied_requests: ignore}")).await;
}
