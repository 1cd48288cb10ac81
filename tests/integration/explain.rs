//! Which rule decides: the page and the command say what a decision then does, answers name their rules, and so do Envoy's logs.

use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::harness::http::{self, get};
use crate::harness::ratekeeper::BINARY;
use crate::harness::{Ask, Envoy, Ratekeeper, Upstream, ask, wait};

const RULES: &str = "
domain: mesh
descriptors:
  - {key: user, rate_limit: {unit: year, requests_per_unit: 2, name: each}}
  - {key: user, value: 'a*', shadow_mode: true, rate_limit: {unit: year, requests_per_unit: 1}}
  - {key: user, value: root, rate_limit: {unlimited: true}}
  - key: route
    value: checkout
    descriptors:
      - {key: user, rate_limit: {unit: year, requests_per_unit: 10, replaces: [{name: each}]}}
";

async fn explain(server: &Ratekeeper, query: &str) -> Value {
    let answer = get(server.listen.admin, &format!("/explain?domain=mesh&{query}")).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// What the page says of each descriptor: its outcome, and the path of its rule.
fn told(page: &Value) -> Vec<(&str, &str)> {
    let descriptors = page["descriptors"].as_array().unwrap();
    let pairs = descriptors.iter();
    pairs.map(|one| (one["outcome"].as_str().unwrap(), one["rule"]["path"].as_str().unwrap_or(""))).collect()
}

#[tokio::test]
async fn the_page_says_what_a_decision_then_does() {
    let setup = Ratekeeper::setup().rules(RULES).settings("response: {rule_metadata: true}");
    let server = setup.start().await;
    for (descriptors, expected) in [
        (vec!["user=bob"], vec![("counted", "user")]),
        (vec!["user=ada"], vec![("counted", "user=a*")]),
        (vec!["user=root"], vec![("unlimited", "user=root")]),
        (vec!["user=root", "usr=x"], vec![("unlimited", "user=root"), ("no_rule", "")]),
        (
            vec!["user=eve", "route=checkout,user=eve"],
            vec![("replaced", "user"), ("counted", "route=checkout,user")],
        ),
        (vec!["route=checkout"], vec![("no_rule", "")]),
    ] {
        let query: Vec<String> = descriptors.iter().map(|one| format!("descriptor={one}")).collect();
        let page = explain(&server, &query.join("&")).await;
        assert_eq!(told(&page), expected, "{page}");
        let asked = descriptors
            .iter()
            .skip(1)
            .fold(question(descriptors[0]), |all, one| all.also(&one.replace(',', " ")));
        let rules = decided(&server, &asked).await["rules"].clone();
        let decided: Vec<_> = rules.as_array().unwrap().iter().map(outcome).collect();
        let expected: Vec<_> =
            expected.into_iter().map(|(outcome, path)| (counted_is_ok(outcome), path)).collect();
        assert_eq!(decided, expected, "{rules}");
    }
}

fn question(descriptor: &str) -> Ask {
    ask(&descriptor.replace(',', " ")).hits(0).own_hits(0)
}

fn outcome(rule: &Value) -> (&str, &str) {
    (rule["outcome"].as_str().unwrap(), rule["rule"].as_str().unwrap_or(""))
}

fn counted_is_ok(outcome: &str) -> &str {
    if outcome == "counted" { "ok" } else { outcome }
}

/// What an answer's metadata says of the rules.
async fn decided(server: &Ratekeeper, asked: &Ask) -> Value {
    let metadata = server.ask(asked).await.unwrap().dynamic_metadata.expect("metadata");
    let fields = metadata.fields.into_iter();
    let all: serde_json::Map<String, Value> = fields.map(|(name, value)| (name, json_of(value))).collect();
    assert_eq!(all.keys().collect::<Vec<_>>(), ["ratekeeper"]);
    all["ratekeeper"].clone()
}

fn json_of(value: prost_types::Value) -> Value {
    use prost_types::value::Kind;
    match value.kind.expect("a kind") {
        Kind::NullValue(_) => Value::Null,
        Kind::BoolValue(value) => value.into(),
        Kind::NumberValue(value) => value.into(),
        Kind::StringValue(value) => value.into(),
        Kind::ListValue(list) => list.values.into_iter().map(json_of).collect(),
        Kind::StructValue(all) => {
            all.fields.into_iter().map(|(name, value)| (name, json_of(value))).collect()
        }
    }
}

#[tokio::test]
async fn explaining_counts_nothing_and_tells_what_is_counted() {
    let server = Ratekeeper::with_rules(RULES).await;
    for _ in 0..5 {
        let page = explain(&server, "descriptor=user=bob&counts=true").await;
        let now = &page["descriptors"][0]["counter"]["now"];
        assert_eq!((&now["count"], &now["remaining"]), (&json!(0), &json!(2)), "{page}");
    }
    server.ask(&ask("user=bob")).await.unwrap();
    let page = explain(&server, "descriptor=user=bob&counts=true").await;
    assert_eq!(page["descriptors"][0]["counter"]["now"]["next_seconds"], Value::Null);
    let counter = &page["descriptors"][0]["counter"];
    assert_eq!((&counter["now"]["count"], &counter["now"]["remaining"]), (&json!(1), &json!(1)));
    assert_eq!((&counter["key"], &counter["limit"]), (&json!("1|f31536000|mesh|user=bob"), &json!(2)));
}

#[tokio::test]
async fn the_page_is_text_for_people_and_refuses_what_it_cannot_read() {
    let server = Ratekeeper::with_rules(RULES).await;
    let page = |query: &'static str| get(server.listen.admin, query);
    let answer = page("/explain?domain=mesh&descriptor=usr=x&format=text").await.unwrap();
    assert!(answer.text().contains("did you mean `user`?"), "{}", answer.text());
    let mut request = http::request(::http::Method::GET, "/explain?domain=mesh&descriptor=user=x", "");
    request.headers_mut().insert("accept", ::http::HeaderValue::from_static("text/plain"));
    let by_accept = http::send(server.listen.admin, request).await.unwrap();
    assert!(by_accept.text().starts_with("domain mesh\n"), "{}", by_accept.text());
    for (query, why) in [
        ("/explain", "name the domain"),
        ("/explain?domain=mesh", "name a descriptor"),
        ("/explain?domain=mesh&descriptor=user", "`user` is no entry"),
        ("/explain?domain=mesh&descriptor=a=b&x=y", "`x` is no parameter"),
    ] {
        let answer = page(query).await.unwrap();
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains(why), "{}", answer.text());
    }
}

#[tokio::test]
async fn the_command_says_the_same_of_files() {
    let server = Ratekeeper::with_rules(RULES).await;
    let rules = server.rules().display().to_string();
    let query = "/explain?domain=mesh&descriptor=user=ada&descriptor=usr=x&format=text";
    let page = get(server.listen.admin, query).await.unwrap();
    let said = run(&["-f", &rules, "--domain", "mesh", "user=ada", "usr=x"]).await;
    assert_eq!(String::from_utf8(said.stdout).unwrap(), page.text());
    assert_eq!(said.status.code(), Some(1), "one has no rule");
    let said = run(&["-f", &rules, "--domain", "mesh", "user=ada", "--format", "json"]).await;
    assert_eq!(said.status.code(), Some(0));
    let json: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(json, explain(&server, "descriptor=user=ada").await);
    std::fs::write(server.rules().join("bad.yaml"), "domain: other\ndescriptors: [{ky: a}]\n").unwrap();
    for (words, why) in [
        (vec!["-f", &rules, "--domain", "mesh", "user=ada"], "unknown field `ky`"),
        (vec!["-f", &rules, "--domain", "mesh", "user"], "`user` is no entry"),
        (vec!["-f", &rules, "--domain", "mesh"], "<ENTRIES>"),
    ] {
        let said = run(&words).await;
        let err = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.status.code(), Some(2), "{err}");
        assert!(err.contains(why), "{err}");
    }
}

async fn run(words: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(BINARY);
    command.arg("explain").args(words).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command.output().await.unwrap()
}

#[tokio::test]
async fn a_denied_answer_names_the_rule() {
    let setup = Ratekeeper::setup().rules(RULES).settings("response: {rule_metadata: true}");
    let server = setup.start().await;
    server.ask(&ask("user=bob").hits(3)).await.unwrap();
    let found = decided(&server, &ask("user=bob").also("user=ada").also("k=v")).await;
    let location = |line| format!("{}:{line}", server.rules().join("rules-0.yaml").display());
    assert_eq!(
        found,
        json!({"denied_by": "user", "rules": [
            {"rule": "user", "name": "each", "location": location(4), "outcome": "over", "decided_by": "store"},
            {"rule": "user=a*", "location": location(5), "outcome": "near", "decided_by": "store"},
            {"outcome": "no_rule", "decided_by": "rules"},
        ]})
    );
}

#[tokio::test]
async fn envoys_access_log_names_the_rule() {
    let setup = Ratekeeper::setup().rules(RULES).settings("response: {rule_metadata: true}");
    let server = setup.start().await;
    let upstream = Upstream::start().await;
    let format = "access %RESPONSE_CODE% %DYNAMIC_METADATA(envoy.filters.http.ratelimit:ratekeeper:denied_by)% \
                  %DYNAMIC_METADATA(envoy.filters.http.ratelimit:ratekeeper:rules)%\n";
    let user = json!({"request_headers": {"header_name": "x-user", "descriptor_key": "user"}});
    let envoy = Envoy::asking(&[&server], &upstream).descriptor(&[user]).access_log(format).start().await;
    for status in [200, 200, 429] {
        assert_eq!(http::get_with(envoy.entrance, &[("x-user", b"bob")]).await.unwrap().status, status);
    }
    let lines = wait::for_some("three lines", || async {
        let log = envoy.log();
        let lines: Vec<String> =
            log.lines().filter_map(|line| line.strip_prefix("access ")).map(str::to_owned).collect();
        (lines.len() == 3).then_some(lines)
    })
    .await;
    let rules = lines[2].strip_prefix("429 user ").unwrap_or_else(|| panic!("{lines:?}"));
    let rules: Value = serde_json::from_str(rules).unwrap_or_else(|error| panic!("{error}: {lines:?}"));
    assert_eq!((&rules[0]["rule"], &rules[0]["outcome"]), (&json!("user"), &json!("over")), "{lines:?}");
    assert!(lines[0].starts_with("200 - [{"), "{lines:?}");
}
