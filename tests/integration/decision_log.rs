//! The decision log of a real server: its lines, its rate, its file, and changes while it runs.

use std::path::{Path, PathBuf};

use http::{HeaderValue, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use tonic::Request;

use crate::harness::http::{self as client, Answer};
use crate::harness::metrics::Metrics;
use crate::harness::ratekeeper::Setup;
use crate::harness::{Ask, Ratekeeper, ask, wait};

const RULES: &str = "
domain: mesh
descriptors:
  - {key: user, rate_limit: {unit: year, requests_per_unit: 0, name: banned}}
  - {key: remote_address, rate_limit: {unit: year, requests_per_unit: 0}}
  - {key: free, rate_limit: {unit: year, requests_per_unit: 1000000}}
";

/// A server that logs into a file of a folder.
struct Scene {
    server: Ratekeeper,
    log: PathBuf,
    _folder: TempDir,
}

impl Scene {
    async fn start(settings: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let log = folder.path().join("decisions.jsonl");
        let setup = Self::setup(settings).variable("RATEKEEPER_DECISION_LOG__OUTPUT", log.to_str().unwrap());
        Self { server: setup.start().await, log, _folder: folder }
    }

    fn setup(settings: &str) -> Setup {
        Ratekeeper::setup().rules(RULES).settings(settings)
    }

    async fn denied(&self, asked: &Ask) {
        let answer = self.server.ask(asked).await.unwrap();
        assert_eq!(answer.overall_code().as_str_name(), "OVER_LIMIT");
    }

    /// Waits until the file has so many lines.
    async fn lines(&self, count: usize) -> Vec<Value> {
        wait::for_some(&format!("{count} lines in the decision log"), || async {
            let lines = read(&self.log);
            (lines.len() >= count).then_some(lines)
        })
        .await
    }

    /// Waits until a metric has a value.
    async fn counted(&self, name: &str, labels: &[&str], value: f64) {
        wait::until(&format!("{name} {value}"), || async {
            (Metrics::read(self.server.listen.metrics).await.sum(name, labels) - value).abs() < 0.5
        })
        .await;
    }

    async fn change(&self, body: &str) -> Answer {
        let mut request = client::request(Method::PUT, "/decision-log", body);
        request.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
        client::send(self.server.listen.admin, request).await.unwrap()
    }
}

fn read(log: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[tokio::test]
async fn a_denied_request_is_written_down_without_what_is_not_for_everybody() {
    let scene = Scene::start("decision_log: {hash_secret: shared, drop: [authorization, token]}").await;
    let asked = ask("user=bob token=hunter2").also("user=a,b").also("remote_address=10.0.0.1").also("free=1");
    let mut request = Request::new(asked.request());
    request.metadata_mut().insert("x-request-id", "id-17".parse().unwrap());
    scene.server.client().should_rate_limit(request).await.unwrap();
    scene.server.ask(&ask("free=2")).await.unwrap();
    let line = scene.lines(1).await.remove(0);
    assert_eq!(
        (&line["domain"], &line["denied"], &line["request_id"]),
        (&json!("mesh"), &json!(true), &json!("id-17"))
    );
    let statuses = line["statuses"].as_array().unwrap();
    assert_eq!(statuses[0]["entries"], json!([{"key": "user", "value": "bob"}, {"key": "token"}]));
    assert_eq!(statuses[0]["outcome"], "no_rule");
    let location = format!("{}:4", scene.server.rules().join("rules-0.yaml").display());
    assert_eq!(
        statuses[1],
        json!({"descriptor": 1, "entries": [{"key": "user", "value": "a,b"}], "outcome": "over", "decided_by": "store",
               "rule": "user", "name": "banned", "location": location,
               "limit": 0, "unit": "year", "algorithm": "fixed_window", "hits": 1, "count": 1, "remaining": 0})
    );
    let hash = statuses[2]["entries"][0]["hash"].as_str().unwrap();
    assert_eq!((hash.len(), &statuses[2]["entries"][0]["value"]), (16, &Value::Null));
    assert_eq!(statuses[3]["outcome"], "ok");
    let text = std::fs::read_to_string(&scene.log).unwrap();
    assert!(!text.contains("hunter2") && !text.contains("10.0.0.1"), "{text}");
    // Another process with the same secret has the same hash, and what passes gets no line.
    let other = Scene::start("decision_log: {hash_secret: shared}").await;
    other.denied(&ask("remote_address=10.0.0.1")).await;
    assert_eq!(other.lines(1).await[0]["statuses"][0]["entries"][0]["hash"], hash);
    scene.counted("ratekeeper_decision_log_lines_total", &[], 1.0).await;
}

#[tokio::test]
async fn what_is_above_the_rate_is_counted() {
    let scene = Scene::start("decision_log: {max_per_second: 1}").await;
    let mut client = scene.server.client();
    for _ in 0..20 {
        client.should_rate_limit(ask("user=bob").request()).await.unwrap();
    }
    let lines = scene.lines(1).await.len();
    let metrics = Metrics::read(scene.server.listen.metrics).await;
    let lost = metrics.sum("ratekeeper_decision_log_dropped_total", &["reason=\"rate\""]);
    let written = metrics.sum("ratekeeper_decision_log_lines_total", &[]);
    assert!(
        lost >= 10.0 && (lost + written - 20.0).abs() < 0.5,
        "{lost} lost, {written} written, {lines} lines"
    );
}

#[tokio::test]
async fn a_file_that_is_renamed_away_is_made_anew_and_what_waits_is_written_at_the_end() {
    let mut scene = Scene::start("").await;
    scene.denied(&ask("user=one")).await;
    scene.lines(1).await;
    let old = scene.log.with_extension("1");
    std::fs::rename(&scene.log, &old).unwrap();
    scene.denied(&ask("user=two")).await;
    scene.lines(1).await;
    for _ in 0..50 {
        scene.denied(&ask("user=three")).await;
    }
    assert_eq!(scene.server.stop().await.code(), Some(0));
    let users = |lines: Vec<Value>| -> Vec<String> {
        let user = |line: &Value| line["statuses"][0]["entries"][0]["value"].as_str().unwrap().to_owned();
        lines.iter().map(user).collect()
    };
    assert_eq!(users(read(&old)), ["one"]);
    let rest = users(read(&scene.log));
    assert_eq!((rest.len(), &*rest[0], &*rest[50]), (51, "two", "three"));
}

#[tokio::test]
async fn a_full_disk_costs_lines_and_no_decision() {
    let setup = Scene::setup("decision_log: {output: /dev/full}");
    let (server, folder) = (setup.start().await, TempDir::new().unwrap());
    let scene = Scene { server, log: folder.path().join("none"), _folder: folder };
    for _ in 0..3 {
        scene.denied(&ask("user=bob")).await;
    }
    scene.counted("ratekeeper_decision_log_dropped_total", &["reason=\"output\""], 3.0).await;
    scene.server.logged("the decision log cannot be written").await;
}

#[tokio::test]
async fn lines_go_to_standard_output_where_that_is_wanted() {
    let server = Scene::setup("decision_log: {output: stdout}").start().await;
    server.ask(&ask("user=bob")).await.unwrap();
    server.logged("\"statuses\":[{\"descriptor\":0,").await;
}

#[tokio::test]
async fn what_it_does_is_changed_while_it_runs() {
    let scene = Scene::start("").await;
    let page = client::get(scene.server.listen.admin, "/decision-log").await.unwrap().json();
    let defaults = json!({"outcomes": ["over"], "sample_ratio": 1.0, "max_per_second": 100,
                          "hash": ["remote_address"], "drop": ["authorization"]});
    assert_eq!(page, defaults);
    let answer = scene.change(r#"{"outcomes": ["ok", "over"], "hash": [], "drop": ["user"]}"#).await;
    assert_eq!(
        (answer.status, &answer.json()["outcomes"]),
        (200, &json!(["ok", "over"])),
        "{}",
        answer.text()
    );
    scene.server.ask(&ask("free=1")).await.unwrap();
    scene.denied(&ask("user=bob")).await;
    let lines = scene.lines(2).await;
    assert_eq!(lines[0]["statuses"][0]["outcome"], "ok");
    assert_eq!(lines[1]["statuses"][0]["entries"], json!([{"key": "user"}]));
    scene.server.logged("the decision log was changed by an operator").await;
    for (body, why) in [
        (r#"{"outcomes": ["overr"]}"#, "`outcomes` cannot have `overr`"),
        (r#"{"sample_ratio": 2}"#, "`sample_ratio` must be"),
        (r#"{"output": "/etc/passwd"}"#, "unknown field `output`"),
        ("{", "EOF"),
    ] {
        let answer = scene.change(body).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(answer.text().contains(why), "{}", answer.text());
    }
    assert_eq!(scene.change("{}").await.json()["hash"], json!([]), "what was refused changed nothing");
}

#[tokio::test]
async fn without_an_output_there_is_none_to_change() {
    let folder = TempDir::new().unwrap();
    let server = Scene::setup("").start().await;
    let scene = Scene { server, log: folder.path().join("none"), _folder: folder };
    let page = client::get(scene.server.listen.admin, "/decision-log").await.unwrap();
    assert_eq!((page.status, scene.change("{}").await.status), (404, 409));
    assert!(page.text().contains("decision_log.output"), "{}", page.text());
}
