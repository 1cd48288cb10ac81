//! What is served over plain HTTP: decisions as JSON, health, metrics and the admin pages.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::metrics::Metrics;
use crate::harness::{Ratekeeper, ask, http};

const RULES: &str = "
domain: mesh
descriptors:
  - {key: k, rate_limit: {unit: year, requests_per_unit: 2, name: two}}
  - {key: over, rate_limit: {unit: year, requests_per_unit: 0}}
  - {key: free, rate_limit: {unlimited: true}}";

fn body(key: &str) -> String {
    json!({"domain": "mesh", "descriptors": [{"entries": [{"key": key, "value": "v"}]}]}).to_string()
}

async fn post(server: &Ratekeeper, body: &str) -> http::Answer {
    http::post(server.listen.http, "/json", body).await.unwrap()
}

#[tokio::test]
async fn a_decision_can_be_asked_for_as_json() {
    let server = Ratekeeper::with_rules(RULES).await;
    let answer = post(&server, &body("k")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let status = &answer.json()["statuses"][0];
    assert_eq!(answer.json()["overallCode"], "OK");
    assert_eq!(status["code"], "OK");
    assert_eq!(status["currentLimit"], json!({"name": "two", "requestsPerUnit": 2, "unit": "YEAR"}));
    assert_eq!(status["limitRemaining"], 1);
    assert!(status["durationUntilReset"].as_str().is_some_and(|text| text.ends_with('s')), "{status}");
    let answer = post(&server, &body("over")).await;
    assert_eq!((answer.status, &answer.json()["overallCode"]), (429, &json!("OVER_LIMIT")));
    let answer = post(&server, &body("free")).await;
    assert_eq!(answer.json()["statuses"], json!([{"code": "OK", "limitRemaining": u32::MAX}]));
    let answer = post(&server, &body("none")).await;
    assert_eq!(answer.json(), json!({"overallCode": "OK", "statuses": [{"code": "OK"}]}));
}

#[tokio::test]
async fn json_counts_with_the_same_counters_as_grpc() {
    let server = Ratekeeper::with_rules(RULES).await;
    server.ask(&ask("k=v")).await.unwrap();
    let hits = r#"{"domain":"mesh","descriptors":[{"entries":[{"key":"k","value":"v"}],"hitsAddend":"1"}]}"#;
    let answer = post(&server, hits).await;
    assert_eq!((answer.status, &answer.json()["statuses"][0]["limitRemaining"]), (200, &Value::Null));
    assert_eq!(post(&server, hits).await.status, 429);
}

#[tokio::test]
async fn a_bad_body_is_refused_and_told_where() {
    let server = Ratekeeper::with_rules(RULES).await;
    for (bad, place) in [
        ("", "line 1"),
        ("{\"domain\": \"mesh\",\n  oops}", "line 2"),
        (r#"{"domain":"mesh","descriptor":[]}"#, "descriptor"),
        (r#"{"domain":"mesh","descriptors":[{"entries":[{"key":1}]}]}"#, "line 1, column 52"),
        (r#"{"domain":"","descriptors":[{"entries":[]}]}"#, "rate limit domain must not be empty"),
        (r#"{"domain":"mesh"}"#, "rate limit descriptor list must not be empty"),
    ] {
        let answer = post(&server, bad).await;
        assert_eq!(answer.status, 400, "{bad}: {}", answer.text());
        assert!(answer.text().contains(place), "`{place}` is not in the answer to {bad}: {}", answer.text());
    }
    let huge = format!(r#"{{"domain":"{}"}}"#, "x".repeat(5 << 20));
    // The server does not read it to its end, so the client may fail to send it before it sees the answer.
    let answer = http::post(server.listen.http, "/json", &huge).await;
    assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status == 413), "a body that is too long");
    assert_eq!(http::get(server.listen.http, "/json").await.unwrap().status, 405);
    assert_eq!(post(&server, &body("k")).await.status, 200, "and the server goes on");
}

/// Large JSON takes long to read. The thread that it comes in on also answers probes and accepts connections, gRPC included.
#[tokio::test]
async fn large_json_holds_up_neither_probes_nor_new_connections() {
    let server = Ratekeeper::with_rules(RULES).await;
    let large = format!(r#"{{"domain":"mesh","descriptors":[{}{{}}]}}"#, "{},".repeat(170_000));
    let mut posts = JoinSet::new();
    for _ in 0..8 {
        let (to, large) = (server.listen.http, large.clone());
        posts.spawn(async move { http::post(to, "/json", &large).await.unwrap() });
    }
    let mut answers = vec![posts.join_next().await.unwrap().unwrap()];
    // All are there by now, and each takes longer than any of these.
    for _ in 0..5 {
        assert_eq!(http::get(server.listen.http, "/livez").await.unwrap().status, 200);
        server.ask(&ask("none=1")).await.unwrap();
    }
    answers.extend(std::iter::from_fn(|| posts.try_join_next()).map(Result::unwrap));
    assert!(answers.len() < 8, "probes waited until all large bodies had been read");
    answers.extend(posts.join_all().await);
    for answer in answers {
        // Where the machine is slow, the last ones wait too long.
        assert!([400, 503].contains(&answer.status), "{}: {}", answer.status, answer.text());
    }
}

#[tokio::test]
async fn health_pages_say_yes_when_ready() {
    let server = Ratekeeper::with_rules(RULES).await;
    for (path, text) in [("/readyz", "ok"), ("/livez", "ok"), ("/healthcheck", "OK")] {
        let answer = http::get(server.listen.http, path).await.unwrap();
        assert_eq!((answer.status, answer.text().trim()), (200, text), "{path}");
    }
    assert_eq!(http::get(server.listen.http, "/nothing").await.unwrap().status, 404);
}

#[tokio::test]
async fn without_rules_no_decision_is_made_and_health_says_so() {
    let server = Ratekeeper::setup().start_unready().await;
    let answer = post(&server, &body("k")).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(http::get(server.listen.http, "/livez").await.unwrap().status, 200);
    assert_eq!(http::get(server.listen.http, "/healthcheck").await.unwrap().status, 500);
    let ready = http::get(server.listen.http, "/readyz").await.unwrap();
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains("rules"), "{}", ready.text());
}

#[tokio::test]
async fn metrics_count_decisions_by_domain_rule_and_outcome() {
    let server = Ratekeeper::with_rules(RULES).await;
    for question in ["k=a", "k=a", "over=1", "free=1", "none=1"] {
        server.ask(&ask(question)).await.unwrap();
    }
    let metrics = Metrics::read(server.listen.metrics).await;
    let decisions = |labels: &[&str]| metrics.sum("ratekeeper_decisions_total", labels);
    assert_eq!(decisions(&[r#"domain="mesh""#, r#"outcome="over""#]), 1.0);
    assert_eq!(metrics.sum("ratekeeper_reloads_total", &[r#"result="success""#]), 1.0);
    assert_eq!(metrics.sum("ratekeeper_reloads_total", &[r#"result="failure""#]), 0.0);
    assert!(metrics.sum("ratekeeper_rules_loaded_timestamp_seconds", &[]) > 1.7e9);
    assert_eq!(metrics.sum("ratekeeper_store_entries", &[]), 2.0, "k=a and over=1");
    assert_eq!(metrics.sum("ratekeeper_store_evictions_total", &[]), 0.0);
    assert_eq!(metrics.sum("ratekeeper_request_duration_seconds_count", &[]), 5.0);
    assert!(metrics.has("ratekeeper_request_duration_seconds_bucket"));
    assert!(metrics.has("ratekeeper_panics_total"));
    assert_eq!(metrics.sum("ratekeeper_panics_total", &[]), 0.0);
    assert_eq!(metrics.sum("ratekeeper_connections_total", &[r#"event="over_budget""#]), 0.0);
    let pages = |labels: &[&str]| metrics.sum("ratekeeper_http_connections_total", labels);
    assert!(pages(&[r#"listener="metrics""#, r#"event="accepted""#]) >= 1.0);
    for refused in ["http", "metrics", "admin"].map(|listener| format!("listener={listener:?}")) {
        assert_eq!(pages(&[&refused, r#"event="refused""#]), 0.0);
    }
}

/// What callers put into values must not become labels, or they could fill our memory.
#[tokio::test]
async fn metrics_do_not_grow_with_what_callers_name() {
    let server = Ratekeeper::with_rules(RULES).await;
    for number in 0..50 {
        server.ask(&ask(&format!("k=user-{number}")).domain("mesh")).await.unwrap();
        server.ask(&ask("k=v").domain(&format!("domain-{number}"))).await.unwrap();
    }
    let page = http::get(server.listen.metrics, "/metrics").await.unwrap().text();
    assert!(!page.contains("user-7") && !page.contains("domain-7"), "{page}");
}

#[tokio::test]
async fn the_admin_port_shows_rules_counters_and_settings() {
    let server = Ratekeeper::with_rules(RULES).await;
    server.ask(&ask("k=a")).await.unwrap();
    let page = async |path: &str| {
        let answer = http::get(server.listen.admin, path).await.unwrap();
        assert_eq!(answer.status, 200, "{path}");
        answer.text()
    };
    let rules = page("/rlconfig").await;
    for text in ["mesh", "two", "over", "rules-0.yaml"] {
        assert!(rules.contains(text), "`{text}` is not in /rlconfig:\n{rules}");
    }
    let stats = page("/stats").await;
    assert!(stats.lines().all(|line| line.contains(": ")), "`name: value` lines:\n{stats}");
    assert_eq!(page("/shards").await, "[]", "the local store has none");
    assert_eq!(page("/ring").await, "null");
    let overview = page("/").await;
    for path in ["/rlconfig", "/shards", "/ring", "/stats", "/config"] {
        assert!(overview.contains(path), "`{path}` is not in the overview:\n{overview}");
    }
    let settings = page("/config").await;
    assert!(settings.contains(&server.listen.grpc.to_string()), "effective settings:\n{settings}");
}
