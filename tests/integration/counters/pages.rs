//! The admin pages by themselves.

use http::{Method, StatusCode};
use serde_json::json;

use super::{RULES, count};
use crate::harness::{Ratekeeper, http as client};

async fn post(server: &Ratekeeper, kind: Option<&str>, body: &str) -> (u16, String) {
    let mut request = client::request(Method::POST, "/counters/reset", body);
    if let Some(kind) = kind {
        request.headers_mut().insert("content-type", kind.parse().unwrap());
    }
    let answer = client::send(server.listen.admin, request).await.unwrap();
    (answer.status, answer.text())
}

#[tokio::test]
async fn pages_are_bounded_and_go_on_by_their_cursor() {
    let server = Ratekeeper::with_rules(RULES).await;
    for number in 0..300 {
        count(&server, &format!("k={number}"), 1).await;
    }
    let (mut seen, mut cursor, mut pages) = (std::collections::BTreeSet::new(), String::new(), 0);
    loop {
        let path = format!("/counters?limit=50{cursor}");
        let page = client::get(server.listen.admin, &path).await.unwrap().json();
        let counters = page["counters"].as_array().unwrap();
        assert!(counters.len() < 50 + 256, "{}", counters.len());
        seen.extend(counters.iter().map(|counter| counter["key"].as_str().unwrap().to_owned()));
        pages += 1;
        match page["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 300);
    assert!(pages > 1, "everything was on one page");
}

#[tokio::test]
async fn one_counter_is_a_page_of_its_own() {
    let server = Ratekeeper::with_rules(RULES).await;
    count(&server, "k=a,b", 2).await;
    let page = client::get(server.listen.admin, "/counter?domain=mesh&entries=k%3Da%252Cb").await.unwrap();
    let counter = page.json();
    assert_eq!((&counter["entries"], &counter["count"]), (&json!("k=a%2Cb"), &json!(2)));
    assert_eq!(
        (&counter["limit"], &counter["remaining"], &counter["unit"]),
        (&json!(3), &json!(1), &json!("year"))
    );
    assert_eq!((&counter["domain"], &counter["shard"]), (&json!("mesh"), &json!(null)));
    let rule = &counter["rule"];
    assert!(rule["location"].as_str().unwrap().ends_with("rules-0.yaml:4:5"), "{rule}");
    for wrong in ["", "?domain=mesh", "?entries=k%3Dv", "?key=x", "?key=x&domain=mesh", "?name=x"] {
        let answer = client::get(server.listen.admin, &format!("/counter{wrong}")).await.unwrap();
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text());
    }
    let unknown = client::get(server.listen.admin, "/counter?domain=mesh&entries=nobody%3Dv").await.unwrap();
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn a_reset_says_clearly_what_is_meant() {
    let server = Ratekeeper::with_rules(RULES).await;
    count(&server, "k=ada", 2).await;
    let json = Some("application/json");
    // What any site can make a browser send.
    for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        assert_eq!(post(&server, kind, r#"{"all": true}"#).await.0, 400);
    }
    let got = client::get(server.listen.admin, "/counters/reset").await.unwrap();
    assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED.as_u16());
    for wrong in [
        "{}",
        r#"{"domain": "mesh"}"#,
        r#"{"rule": "k"}"#,
        r#"{"domain": "mesh", "entries": "k=ada", "all": true}"#,
        r#"{"domain": "mesh", "entries": "k=ada", "prefix": "k"}"#,
        r#"{"entries": "k=ada"}"#,
        r#"{"everything": true}"#,
        "nonsense",
    ] {
        let (status, text) = post(&server, json, wrong).await;
        assert_eq!(status, 400, "{wrong}: {text}");
    }
    let (status, text) = post(&server, json, r#"{"domain": "mesh", "entries": "k=ada"}"#).await;
    assert!(status == 200 && text.contains("\"reset\":1"), "{text}");
    server.logged("counters were reset").await;
}
