//! Rules that take the place of others in the same request (protocol, section 2.7).

use super::table::Table;
use crate::harness::ask;

const RULES: &str = "
  - {key: a, rate_limit: {unit: year, requests_per_unit: 2, name: general}}
  - {key: b, rate_limit: {unit: year, requests_per_unit: 5, name: special, replaces: [{name: general}]}}
  - {key: c, rate_limit: {unlimited: true, name: free, replaces: [{name: general}, {name: special}]}}";

#[tokio::test]
async fn a_replaced_rule_neither_counts_nor_denies() {
    let mut table = Table::default();
    table.check(
        "only together with the rule that replaces it",
        RULES,
        [
            (ask("a=1"), "OK [ok 1/2 year 'general']"),
            (ask("a=1").also("b=1"), "OK [ok, ok 4/5 year 'special']"),
            (ask("b=1").also("a=1"), "OK [ok 3/5 year 'special', ok]"),
            (ask("a=1"), "OK [ok 0/2 year 'general']"),
        ],
    );
    table.check(
        "an unlimited rule replaces as well",
        RULES,
        [(ask("a=1").hits(9).also("b=1").also("c=1"), "OK [ok, ok, ok unlimited]")],
    );
    table.check(
        "a rule that is replaced itself still replaces",
        RULES,
        [(ask("c=1").also("b=1").also("a=1"), "OK [ok unlimited, ok, ok]")],
    );
    table.check(
        "a name that nothing matched is no harm",
        RULES,
        [(ask("b=1"), "OK [ok 4/5 year 'special']")],
    );
    table.run().await;
}
