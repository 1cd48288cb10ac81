//! The answer to a request (protocol, section 4), as settings of the whole server change it.

use ratekeeper_proto::RateLimitResponse;
use serde_json::{Value, json};

use super::table::Table;
use crate::harness::{Ratekeeper, ask};

#[tokio::test]
async fn global_shadow_mode_turns_only_the_overall_code() {
    let mut table = Table::default();
    table.check(
        "statuses still tell the truth",
        "  - {key: k, rate_limit: {unit: year, requests_per_unit: 1}}",
        [
            (ask("k=v"), "OK [ok 0/1 year]"),
            (ask("k=v"), "OK [over 0/1 year]"),
            (ask("k=v").refund(1), "OK [ok 0/1 year]"),
        ],
    );
    table.run_on(Ratekeeper::setup().settings("shadow_mode: true")).await;
}

#[tokio::test]
async fn with_global_quota_mode_unmatched_descriptors_count_as_quota_mode_too() {
    let mut table = Table::default();
    table.check(
        "one within, or unmatched, is enough",
        "
  - {key: over, rate_limit: {unit: year, requests_per_unit: 0}}
  - {key: within, rate_limit: {unit: year, requests_per_unit: 9}}",
        [
            (ask("over=1"), "OVER_LIMIT [over 0/0 year]"),
            (ask("over=1").also("within=1"), "OK [over 0/0 year, ok 8/9 year]"),
            (ask("over=1").also("none=1"), "OK [over 0/0 year, ok]"),
            (ask("over=1").also("over=2"), "OVER_LIMIT [over 0/0 year, over 0/0 year]"),
        ],
    );
    table.run_on(Ratekeeper::setup().settings("quota_mode: true")).await;
}

fn headers(response: &RateLimitResponse) -> Vec<(&str, &str)> {
    let mut headers: Vec<_> = response
        .response_headers_to_add
        .iter()
        .filter(|header| !header.key.to_lowercase().contains("reset"))
        .map(|header| (header.key.as_str(), header.value.as_str()))
        .collect();
    headers.sort_unstable();
    headers
}

const TWO_LIMITS: &str = "
domain: mesh
descriptors:
  - {key: few, rate_limit: {unit: year, requests_per_unit: 5}}
  - {key: many, rate_limit: {unit: year, requests_per_unit: 90}}
  - {key: ban, rate_limit: {unit: year, requests_per_unit: 0}}
  - {key: used_up, rate_limit: {unit: year, requests_per_unit: 1}}";

#[tokio::test]
async fn headers_speak_of_the_descriptor_that_is_over_or_else_has_the_least_left() {
    let setup = Ratekeeper::setup().rules(TWO_LIMITS).settings("response: {headers: {enabled: true}}");
    let server = setup.start().await;
    let answer = server.ask(&ask("many=1").also("few=1")).await.unwrap();
    assert_eq!(
        headers(&answer),
        [("RateLimit-Limit", "5"), ("RateLimit-Policy", "5;w=31536000"), ("RateLimit-Remaining", "4")]
    );
    let answer = server.ask(&ask("used_up=1").also("ban=1")).await.unwrap();
    assert_eq!(
        headers(&answer),
        [("RateLimit-Limit", "0"), ("RateLimit-Policy", "0;w=31536000"), ("RateLimit-Remaining", "0")]
    );
    assert_eq!(answer.response_headers_to_add.len(), 4, "limit, policy, remaining and reset");
    let answer = server.ask(&ask("none=1")).await.unwrap();
    assert_eq!(headers(&answer), [], "no limit, nothing to tell");
}

#[tokio::test]
async fn headers_have_the_names_that_are_set_and_are_off_by_default() {
    let names = "response: {headers: {enabled: true, limit: X-Limit, remaining: X-Left, reset: X-Reset, policy: X-Policy}}";
    let server = Ratekeeper::setup().rules(TWO_LIMITS).settings(names).start().await;
    let answer = server.ask(&ask("few=1")).await.unwrap();
    assert_eq!(headers(&answer), [("X-Left", "4"), ("X-Limit", "5"), ("X-Policy", "5;w=31536000")]);
    let reset = answer.response_headers_to_add.iter().find(|header| header.key == "X-Reset").unwrap();
    assert!((1..=31_536_000).contains(&reset.value.parse::<u32>().unwrap()), "{reset:?}");
    let server = Ratekeeper::with_rules(TWO_LIMITS).await;
    assert_eq!(server.ask(&ask("few=1")).await.unwrap().response_headers_to_add, []);
}

const WITH_METADATA: &str = "
domain: mesh
descriptors:
  - key: a
    metadata: {team: blue, nested: {x: 1, only_a: true}}
    rate_limit: {unit: year, requests_per_unit: 9}
  - key: b
    metadata: {team: red, nested: {x: 2, only_b: [1, two]}}
    rate_limit: {unit: year, requests_per_unit: 9}
  - {key: ban, metadata: {banned: true}, rate_limit: {unit: year, requests_per_unit: 0}}
  - {key: general, metadata: {team: all}, rate_limit: {unit: year, requests_per_unit: 9, name: general}}
  - {key: special, metadata: {extra: 1}, rate_limit: {unlimited: true, replaces: [{name: general}]}}";

#[tokio::test]
async fn dynamic_metadata_tells_the_request_and_merges_what_the_rules_carry() {
    let setup = Ratekeeper::setup().rules(WITH_METADATA).settings("response: {dynamic_metadata: true}");
    let server = setup.start().await;
    let merged = json!({"team": "blue", "nested": {"x": 1.0, "only_a": true, "only_b": [1.0, "two"]}});
    // Twice, because a merge that wrote into the rule would show in the second answer.
    for _ in 0..2 {
        let found = metadata(&server.ask(&ask("a=1").also("b=2").also("ban=3").hits(2)).await.unwrap());
        assert_eq!(found["metadata"], merged, "the first value wins; a descriptor that is over gives none");
        assert_eq!(found["domain"], "mesh");
        assert_eq!(found["hitsAddend"], 2.0);
        let entries: Vec<&Value> =
            found["descriptors"].as_array().unwrap().iter().map(|one| &one["entries"]).collect();
        assert_eq!(json!(entries), json!([["a=1"], ["b=2"], ["ban=3"]]));
    }
    let found = metadata(&server.ask(&ask("b=1")).await.unwrap());
    assert_eq!(found["metadata"], json!({"team": "red", "nested": {"x": 2.0, "only_b": [1.0, "two"]}}));
}

#[tokio::test]
async fn a_rule_that_is_replaced_gives_no_metadata() {
    let setup = Ratekeeper::setup().rules(WITH_METADATA).settings("response: {dynamic_metadata: true}");
    let server = setup.start().await;
    for (asked, expected) in [
        (ask("general=1"), json!({"team": "all"})),
        (ask("general=1").also("special=1"), json!({"extra": 1.0})),
        (
            ask("special=1").also("general=1").also("b=1").hits(0),
            json!({"extra": 1.0, "team": "red", "nested": {"x": 2.0, "only_b": [1.0, "two"]}}),
        ),
    ] {
        assert_eq!(metadata(&server.ask(&asked).await.unwrap())["metadata"], expected);
    }
}

#[tokio::test]
async fn dynamic_metadata_is_off_by_default() {
    let server = Ratekeeper::with_rules(WITH_METADATA).await;
    assert_eq!(server.ask(&ask("a=1")).await.unwrap().dynamic_metadata, None);
}

fn metadata(response: &RateLimitResponse) -> Value {
    let fields = response.dynamic_metadata.clone().expect("dynamic metadata").fields;
    fields.into_iter().map(|(name, value)| (name, json_of(value))).collect()
}

fn json_of(value: prost_types::Value) -> Value {
    use prost_types::value::Kind;
    match value.kind.expect("a kind") {
        Kind::NullValue(_) => Value::Null,
        Kind::NumberValue(number) => number.into(),
        Kind::StringValue(text) => text.into(),
        Kind::BoolValue(yes) => yes.into(),
        Kind::StructValue(fields) => {
            fields.fields.into_iter().map(|(name, value)| (name, json_of(value))).collect()
        }
        Kind::ListValue(list) => list.values.into_iter().map(json_of).collect(),
    }
}
