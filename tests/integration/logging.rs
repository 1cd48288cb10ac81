//! What the server says of itself: one schema, levels that change while it runs, and nothing of single requests or secrets.

mod fields;

use ::http::Method;
use serde_json::{Value, json};

use crate::harness::ask::nothing;
use crate::harness::http::{Answer, request, send};
use crate::harness::{Ratekeeper, Redis, ask, http, wait};

const RULES: &str = "
domain: mesh
descriptors:
  - {key: k, rate_limit: {unit: year, requests_per_unit: 1}}
  - {key: shadow, shadow_mode: true, rate_limit: {unit: year, requests_per_unit: 1}}
  - {key: free, rate_limit: {unlimited: true}}
";

async fn log(server: &Ratekeeper, method: Method, query: &str, body: &str) -> Answer {
    send(server.listen.admin, request(method, &format!("/log{query}"), body)).await.unwrap()
}

async fn json_server() -> Ratekeeper {
    Ratekeeper::setup().rules(RULES).settings("log: {format: json}").start().await
}

fn lines(server: &Ratekeeper) -> Vec<Value> {
    let log = server.log();
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|fault| panic!("{fault}: {line}")))
        .collect()
}

/// Asks for what is decided in each way, and for what is refused; 21 requests.
async fn ask_everything(server: &Ratekeeper) {
    for _ in 0..3 {
        for question in ["k=secret-value", "shadow=secret-value", "free=1", "none=1"] {
            server.ask(&ask(question)).await.unwrap();
        }
        server.ask(&nothing()).await.unwrap_err();
        for body in ["{oops", r#"{"domain":"mesh","descriptors":[{"entries":[{"key":"k","value":"v"}]}]}"#] {
            http::post(server.listen.http, "/json", body).await.unwrap();
        }
    }
}

#[tokio::test]
async fn every_line_has_the_fields_of_the_schema() {
    let server = json_server().await;
    server.write_rules("rules-0.yaml", "domain: mesh\ndescriptors: [{kye: k}]\n");
    server.logged("the rule files have faults").await;
    let lines = lines(&server);
    assert!(lines.len() >= 3, "{lines:#?}");
    for line in &lines {
        for field in ["timestamp", "level", "target", "message"] {
            assert!(line[field].is_string(), "no {field}: {line}");
        }
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{line}");
        assert!(["ERROR", "WARN", "INFO"].contains(&line["level"].as_str().unwrap()), "{line}");
        assert!(line["target"].as_str().unwrap().starts_with("ratekeeper::"), "{line}");
        assert!(line.as_object().unwrap().values().all(|value| !value.is_object()), "one level: {line}");
    }
}

#[tokio::test]
async fn no_request_makes_a_line_at_info() {
    let server = json_server().await;
    server.logged("\"listening\"").await;
    let before = lines(&server).len();
    ask_everything(&server).await;
    assert_eq!(lines(&server).len(), before, "{}", server.log());
    // And they do where that is asked for, so that the count above means something.
    assert_eq!(log(&server, Method::PUT, "?level=debug", "").await.status, 200);
    ask_everything(&server).await;
    server.logged("a request was not answered").await;
    let told =
        lines(&server).into_iter().find(|line| line["message"] == "a request was not answered").unwrap();
    assert_eq!((&told["level"], &told["request_id"]), (&json!("DEBUG"), &json!("-")), "{told}");
}

#[tokio::test]
async fn levels_change_while_it_runs_and_go_back() {
    let server = json_server().await;
    let shown = log(&server, Method::GET, "", "").await.json();
    assert_eq!(shown, json!({"level": "info", "configured": "info", "back_in_seconds": null}));

    let body = "level=info,ratekeeper::server=debug&for=10m";
    let changed = log(&server, Method::PUT, "", body).await.json();
    assert_eq!(changed["level"], "info,ratekeeper::server=debug");
    assert!(changed["back_in_seconds"].as_u64().is_some_and(|left| (590..=600).contains(&left)), "{changed}");
    assert_eq!(log(&server, Method::GET, "", "").await.json()["level"], changed["level"]);

    let quiet = log(&server, Method::PUT, "?level=off", "").await.json();
    assert_eq!(quiet, json!({"level": "off", "configured": "info", "back_in_seconds": null}));
    let before = lines(&server).len();
    server.write_rules("rules-0.yaml", "domain: mesh\ndescriptors: [{kye: k}]\n");
    wait::until("the fault", || async {
        http::get(server.listen.http, "/readyz").await.unwrap().text().contains("degraded")
    })
    .await;
    assert_eq!(lines(&server).len(), before, "off is off");

    let back = log(&server, Method::DELETE, "", "").await.json();
    assert_eq!(back, shown);
    server.logged("an operator asks for the log levels of the settings").await;
    log(&server, Method::PUT, "?level=warn&for=1s", "").await;
    server.logged("the log levels of the settings hold again").await;
    assert_eq!(log(&server, Method::GET, "", "").await.json(), shown);
}

#[tokio::test]
async fn what_is_no_level_changes_nothing() {
    let server = json_server().await;
    for (query, body, why) in [
        ("", "", "level"),
        ("?level=loud", "", "no level"),
        ("?level=", "", "no level"),
        ("?level=ratekeeper", "", "no level"),
        ("?level=debug&for=10", "", "10m"),
        ("?level=debug&for=2d", "", "24h"),
        ("?level=debug&until=1", "", "until"),
        ("?for=10m", "", "level"),
        ("?level=debug", "level=info", "both"),
        ("", "level=info,%5Bspan%7Buser%3Dada%7D%5D=trace", "no level"),
    ] {
        let answer = log(&server, Method::PUT, query, body).await;
        assert_eq!(answer.status, 400, "{query} {body}: {}", answer.text());
        assert!(answer.text().contains(why), "{query} {body}: {}", answer.text());
    }
    assert_eq!(log(&server, Method::POST, "", "level=debug").await.status, 405, "no form of another page");
    assert_eq!(log(&server, Method::GET, "", "").await.json()["level"], "info");
}

/// All that libraries tell, too.
#[tokio::test]
async fn no_level_shows_a_password() {
    let redis = Redis::start().await;
    redis.cli(&["ACL", "SETUSER", "me", "on", ">hunter2-of-redis", "~*", "+@all"]).await;
    let url = format!("redis://me:hunter2-of-redis@{}", redis.address);
    let settings = format!("store: redis\nredis: {{urls: [{url:?}], timeout: 250ms}}\nlog: {{level: trace}}");
    let server = Ratekeeper::setup().rules(RULES).settings(&settings).start().await;
    ask_everything(&server).await;
    assert!(redis.kill_connections().await > 0);
    ask_everything(&server).await;
    log(&server, Method::GET, "", "").await;
    assert!(server.log().contains("TRACE"), "{}", server.log());
    assert!(!server.log().contains("hunter2"), "{}", server.log());
}
