//! Which rule decides (protocol, sections 1 and 2).

use super::table::Table;
use crate::harness::{ask, entries};

#[tokio::test]
async fn values_are_found_exactly_then_by_pattern_then_by_default() {
    let mut table = Table::default();
    let precedence = "
  - {key: k, rate_limit: {unit: year, requests_per_unit: 1}}
  - {key: k, value: 'a*', rate_limit: {unit: year, requests_per_unit: 2}}
  - {key: k, value: 'ab*', rate_limit: {unit: year, requests_per_unit: 3}}
  - {key: k, value: abc, rate_limit: {unit: year, requests_per_unit: 4}}
  - {key: other, value: x, rate_limit: {unit: year, requests_per_unit: 5}}";
    table.check(
        "exact before pattern, patterns in file order, then the default",
        precedence,
        [
            (ask("k=abc"), "OK [ok 3/4 year]"),
            (ask("k=abd"), "OK [ok 1/2 year]"),
            (ask("k=zzz"), "OK [ok 0/1 year]"),
            (ask("k="), "OK [ok 0/1 year]"),
            (ask("other=x"), "OK [ok 4/5 year]"),
            (ask("other=y"), "OK [ok]"),
            (ask("nothing=x"), "OK [ok]"),
        ],
    );
    table.check(
        "a value that is literally a pattern's text is its exact match",
        precedence,
        [(ask("k=ab*"), "OK [ok 2/3 year]")],
    );
    table.check(
        "a star stands for zero or more characters, anywhere, any number of times",
        "
  - {key: k, value: 'a*b*c', rate_limit: {unit: year, requests_per_unit: 1}}
  - {key: k, value: '*-end', rate_limit: {unit: year, requests_per_unit: 2}}
  - {key: all, value: '*', rate_limit: {unit: year, requests_per_unit: 3}}",
        [
            (ask("k=abc"), "OK [ok 0/1 year]"),
            (ask("k=axxbyyc"), "OK [ok 0/1 year]"),
            (ask("k=axxc"), "OK [ok]"),
            (ask("k=abcd"), "OK [ok]"),
            (ask("k=-end"), "OK [ok 1/2 year]"),
            (ask("k=the-end"), "OK [ok 1/2 year]"),
            (ask("all=x"), "OK [ok 2/3 year]"),
            (ask("all="), "OK [ok 2/3 year]"),
            (ask("all_x=y"), "OK [ok]"),
        ],
    );
    table.check(
        "a pattern matches bytes that are not UTF-8, and so does the default",
        "
  - {key: k, value: 'a*', rate_limit: {unit: year, requests_per_unit: 1}}
  - {key: k, rate_limit: {unit: year, requests_per_unit: 2}}",
        [
            (entries(&[(b"k", b"a\xff")]), "OK [ok 0/1 year]"),
            (entries(&[(b"k", b"\xff")]), "OK [ok 1/2 year]"),
        ],
    );
    table.check(
        "keys and values are case-sensitive",
        "  - {key: k, value: v, rate_limit: {unit: year, requests_per_unit: 1}}",
        [(ask("k=V"), "OK [ok]"), (ask("K=v"), "OK [ok]"), (ask("k=v"), "OK [ok 0/1 year]")],
    );
    table.check(
        "an empty value in a rule is any value",
        "  - {key: k, value: '', rate_limit: {unit: year, requests_per_unit: 1}}",
        [(ask("k=v"), "OK [ok 0/1 year]")],
    );
    table.run().await;
}

#[tokio::test]
async fn levels_are_walked_greedily_and_a_limit_applies_at_its_own_depth() {
    let mut table = Table::default();
    table.check(
        "a limit applies only where it stands at the last entry's depth",
        "
  - key: a
    rate_limit: {unit: year, requests_per_unit: 1}
    descriptors:
      - key: b
        rate_limit: {unit: year, requests_per_unit: 2}
        descriptors:
          - {key: c, rate_limit: {unit: year, requests_per_unit: 3}}",
        [
            (ask("a=1"), "OK [ok 0/1 year]"),
            (ask("a=1 b=1"), "OK [ok 1/2 year]"),
            (ask("a=1 b=1 c=1"), "OK [ok 2/3 year]"),
            (ask("a=1 b=1 c=1 d=1"), "OK [ok]"),
            (ask("a=1 x=1"), "OK [ok]"),
            (ask("b=1"), "OK [ok]"),
        ],
    );
    table.check(
        "the order of entries matters",
        "
  - key: a
    descriptors:
      - {key: b, rate_limit: {unit: year, requests_per_unit: 2}}",
        [(ask("b=1 a=1"), "OK [ok]"), (ask("a=1 b=1"), "OK [ok 1/2 year]"), (ask("a=1"), "OK [ok]")],
    );
    table.check(
        "the choice is greedy: no way back from a specific branch to the default",
        "
  - key: a
    value: x
    descriptors:
      - {key: b, value: only, rate_limit: {unit: year, requests_per_unit: 1}}
  - key: a
    descriptors:
      - {key: b, rate_limit: {unit: year, requests_per_unit: 2}}",
        [
            (ask("a=x b=only"), "OK [ok 0/1 year]"),
            (ask("a=x b=other"), "OK [ok]"),
            (ask("a=y b=other"), "OK [ok 1/2 year]"),
        ],
    );
    table.check(
        "each descriptor of a request is matched by itself",
        "
  - {key: a, rate_limit: {unit: year, requests_per_unit: 1}}
  - {key: b, rate_limit: {unit: year, requests_per_unit: 2}}",
        [(ask("a=1").also("none=1").also("b=1"), "OK [ok 0/1 year, ok, ok 1/2 year]")],
    );
    table.check(
        "a domain that no file has limits nothing",
        "  - {key: a, rate_limit: {unit: year, requests_per_unit: 1}}",
        [(ask("a=1").also("b=1").hits(9).domain("elsewhere"), "OK [ok, ok]")],
    );
    table.run().await;
}

#[tokio::test]
async fn a_rule_says_its_unit_in_any_case() {
    let mut table = Table::default();
    table.check(
        "units",
        "
  - {key: a, rate_limit: {unit: second, requests_per_unit: 2}}
  - {key: b, rate_limit: {unit: Minute, requests_per_unit: 2}}
  - {key: c, rate_limit: {unit: HOUR, requests_per_unit: 2}}
  - {key: d, rate_limit: {unit: dAY, requests_per_unit: 2}}
  - {key: e, rate_limit: {unit: week, requests_per_unit: 2}}
  - {key: f, rate_limit: {unit: month, requests_per_unit: 2}}
  - {key: g, rate_limit: {unit: year, requests_per_unit: 2}}",
        [
            (
                ask("a").also("b").also("c").also("d"),
                "OK [ok 1/2 second, ok 1/2 minute, ok 1/2 hour, ok 1/2 day]",
            ),
            (ask("e").also("f").also("g"), "OK [ok 1/2 week, ok 1/2 month, ok 1/2 year]"),
        ],
    );
    table.run().await;
}
