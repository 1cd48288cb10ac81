//! The answer to a request (protocol, section 4), where settings have no part in it.

use super::table::Table;
use crate::harness::ask;
use crate::harness::ask::nothing;

#[tokio::test]
async fn each_descriptor_has_its_status_and_one_that_is_over_denies() {
    let mut table = Table::default();
    table.check(
        "no rule, no limit, unlimited, limited",
        "
  - {key: free, rate_limit: {unlimited: true}}
  - {key: named_free, rate_limit: {unlimited: true, name: gratis}}
  - {key: listed, value: me}
  - {key: k, rate_limit: {unit: year, requests_per_unit: 1, name: strict}}",
        [
            (
                ask("none=1").also("free=1").also("listed=me").also("k=1"),
                "OK [ok, ok unlimited, ok, ok 0/1 year 'strict']",
            ),
            (ask("named_free=1").hits(9), "OK [ok unlimited]"),
            (ask("free=1").also("k=1"), "OVER_LIMIT [ok unlimited, over 0/1 year 'strict']"),
        ],
    );
    table.check(
        "an allow-list entry keeps its value from the default rule",
        "
  - {key: ip, value: 192.0.2.1}
  - {key: ip, rate_limit: {unit: year, requests_per_unit: 0}}",
        [(ask("ip=192.0.2.1"), "OK [ok]"), (ask("ip=192.0.2.2"), "OVER_LIMIT [over 0/0 year]")],
    );
    table.check(
        "a rule in shadow mode is evaluated and counted, and its code is OK",
        "
  - {key: k, shadow_mode: true, rate_limit: {unit: year, requests_per_unit: 1}}
  - {key: real, rate_limit: {unit: year, requests_per_unit: 1}}",
        [
            (ask("k=1"), "OK [ok 0/1 year]"),
            (ask("k=1"), "OK [ok 0/1 year]"),
            (ask("k=1").also("real=1").hits(2), "OVER_LIMIT [ok 0/1 year, over 0/1 year]"),
        ],
    );
    table.check(
        "metadata, metric switches and depth change nothing in the answer",
        "
  - key: k
    detailed_metric: true
    metadata: {team: blue}
    rate_limit: {unit: year, requests_per_unit: 1}
    descriptors:
      - {key: v, value_to_metric: true, rate_limit: {unit: year, requests_per_unit: 2}}",
        [(ask("k=1").also("k=1 v=1"), "OK [ok 0/1 year, ok 1/2 year]")],
    );
    table.run().await;
}

/// Over for good: `…/0`. Within for ever: a billion.
#[tokio::test]
async fn quota_mode_denies_only_when_all_of_its_descriptors_are_over() {
    let rules = "
  - {key: q, value: over1, quota_mode: true, rate_limit: {unit: year, requests_per_unit: 0}}
  - {key: q, value: over2, quota_mode: true, rate_limit: {unit: year, requests_per_unit: 0}}
  - {key: q, value: within, quota_mode: true, rate_limit: {unit: year, requests_per_unit: 100}}
  - {key: q, value: shadow, quota_mode: true, shadow_mode: true, rate_limit: {unit: year, requests_per_unit: 0}}
  - {key: q, value: free, quota_mode: true, rate_limit: {unlimited: true}}
  - {key: plain, value: over, rate_limit: {unit: year, requests_per_unit: 0}}
  - {key: plain, value: within, rate_limit: {unit: year, requests_per_unit: 100}}";
    let mut table = Table::default();
    table.check(
        "all over",
        rules,
        [
            (ask("q=over1"), "OVER_LIMIT [over 0/0 year]"),
            (ask("q=over1").also("q=over2"), "OVER_LIMIT [over 0/0 year, over 0/0 year]"),
        ],
    );
    table.check(
        "one within is enough",
        rules,
        [
            (ask("q=over1").also("q=within"), "OK [over 0/0 year, ok 99/100 year]"),
            (
                ask("q=within").also("q=over1").also("q=over2"),
                "OK [ok 98/100 year, over 0/0 year, over 0/0 year]",
            ),
        ],
    );
    table.check(
        "one that shadow mode turned into OK counts as within",
        rules,
        [(ask("q=over1").also("q=shadow"), "OK [over 0/0 year, ok 0/0 year]")],
    );
    table.check(
        "unmatched and unlimited ones do not count at all",
        rules,
        [
            (ask("q=over1").also("none=1"), "OVER_LIMIT [over 0/0 year, ok]"),
            (ask("q=free").also("q=over1"), "OVER_LIMIT [ok unlimited, over 0/0 year]"),
            (ask("q=free"), "OK [ok unlimited]"),
        ],
    );
    table.check(
        "a descriptor outside quota mode denies on its own, and does not help",
        rules,
        [
            (ask("q=within").also("plain=over"), "OVER_LIMIT [ok 99/100 year, over 0/0 year]"),
            (ask("q=over1").also("plain=within"), "OVER_LIMIT [over 0/0 year, ok 99/100 year]"),
        ],
    );
    table.run().await;
}

#[tokio::test]
async fn a_request_without_domain_or_descriptors_is_refused() {
    let mut table = Table::default();
    let rules = "  - {key: k, rate_limit: {unit: year, requests_per_unit: 1}}";
    table.check(
        "no domain",
        rules,
        [(ask("k=v").domain(""), "InvalidArgument: rate limit domain must not be empty")],
    );
    table.check(
        "no descriptors",
        rules,
        [
            (nothing(), "InvalidArgument: rate limit descriptor list must not be empty"),
            (nothing().domain("elsewhere"), "InvalidArgument: rate limit descriptor list must not be empty"),
        ],
    );
    table.check("a descriptor without entries matches nothing", rules, [(ask(""), "OK [ok]")]);
    table.run().await;
}
