//! Windows of any length.

use ratekeeper_proto::RateLimitUnit;

use super::table::Table;
use crate::harness::ask;

#[tokio::test]
async fn a_window_may_be_of_any_length() {
    let mut table = Table::default();
    table.check(
        "one that no unit fits has none in the answer",
        "  - {key: k, rate_limit: {per: 3000d, requests_per_unit: 2, name: long}}",
        [
            (ask("k=v"), "OK [ok 1/2 unknown 'long']"),
            (ask("k=v"), "OK [ok 0/2 unknown 'long']"),
            (ask("k=v"), "OVER_LIMIT [over 0/2 unknown 'long']"),
            (ask("k=w"), "OK [ok 1/2 unknown 'long']"),
        ],
    );
    table.check(
        "so many units",
        "  - {key: k, rate_limit: {unit: year, unit_multiplier: 3, requests_per_unit: 1}}",
        [(ask("k=v"), "OK [ok 0/1 unknown]"), (ask("k=v"), "OVER_LIMIT [over 0/1 unknown]")],
    );
    table.check(
        "one that is a unit in other words is that unit, and shares its counter",
        "  - {key: k, rate_limit: {per: 365d, requests_per_unit: 5}}",
        [
            (ask("k=v"), "OK [ok 4/5 year]"),
            (ask("k=v").limit(10, RateLimitUnit::Year), "OK [ok 8/10 year]"),
            (ask("k=v").limit(10, RateLimitUnit::Month), "OK [ok 9/10 month]"),
            (ask("k=v"), "OK [ok 2/5 year]"),
        ],
    );
    table.run().await;
}
