//! Limits that a request brings along (protocol, section 2.2).

use ratekeeper_proto::RateLimitUnit;

use super::table::Table;
use crate::harness::ask;

const RULES: &str = "
  - {key: k, rate_limit: {unit: year, requests_per_unit: 5, name: rule}}
  - {key: shadow, shadow_mode: true, rate_limit: {unit: year, requests_per_unit: 1}}
  - {key: free, rate_limit: {unlimited: true}}";

#[tokio::test]
async fn a_limit_of_the_request_takes_the_place_of_the_rules() {
    let mut table = Table::default();
    table.check(
        "its number and unit, and no name",
        RULES,
        [(ask("k=v").limit(2, RateLimitUnit::Month), "OK [ok 1/2 month]")],
    );
    table.check(
        "every unit that Envoy knows",
        RULES,
        [
            (ask("u=1").limit(2, RateLimitUnit::Second), "OK [ok 1/2 second]"),
            (ask("u=1").limit(2, RateLimitUnit::Minute), "OK [ok 1/2 minute]"),
            (ask("u=1").limit(2, RateLimitUnit::Hour), "OK [ok 1/2 hour]"),
            (ask("u=1").limit(2, RateLimitUnit::Day), "OK [ok 1/2 day]"),
            (ask("u=1").limit(2, RateLimitUnit::Month), "OK [ok 1/2 month]"),
            (ask("u=1").limit(2, RateLimitUnit::Year), "OK [ok 1/2 year]"),
        ],
    );
    table.check(
        "no shadow of the rule that would have matched",
        RULES,
        [(ask("shadow=v").limit(0, RateLimitUnit::Year), "OVER_LIMIT [over 0/0 year]")],
    );
    table.check(
        "where no rule matches, too",
        RULES,
        [
            (ask("none=v").limit(1, RateLimitUnit::Year), "OK [ok 0/1 year]"),
            (ask("none=v").limit(1, RateLimitUnit::Year), "OVER_LIMIT [over 0/1 year]"),
            (ask("free=v").limit(1, RateLimitUnit::Year), "OK [ok 0/1 year]"),
        ],
    );
    table.check(
        "one of the same unit shares the rule's counter",
        RULES,
        [
            (ask("k=v"), "OK [ok 4/5 year 'rule']"),
            (ask("k=v").limit(10, RateLimitUnit::Year), "OK [ok 8/10 year]"),
            (ask("k=v"), "OK [ok 2/5 year 'rule']"),
        ],
    );
    table.check(
        "a domain that no file has limits nothing, overrides included",
        RULES,
        [(ask("k=v").limit(0, RateLimitUnit::Year).domain("elsewhere"), "OK [ok]")],
    );
    table.check(
        "a unit that no one knows refuses the request and counts nothing of it",
        RULES,
        [
            (ask("k=v").also("k=w").limit(9, RateLimitUnit::Unknown), "InvalidArgument: …"),
            (ask("k=v").also("k=w").limit_in(9, 99), "InvalidArgument: …"),
            (ask("k=v").also("k=w").limit_in(9, -1), "InvalidArgument: …"),
            (ask("k=v"), "OK [ok 4/5 year 'rule']"),
        ],
    );
    table.run().await;
}
