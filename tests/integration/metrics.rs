//! What `/metrics` shows: everything that docs/metrics.md names and nothing else, in both forms, to the liking of promtool.

mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use http::Method;
use tokio::task::JoinHandle;
use tonic::Request;

use crate::docs::markdown::pages;
use crate::harness::metrics::Metrics;
use crate::harness::{Authority, Ratekeeper, Redis, ask, http as client, wait};
use crate::tls::Secured;
use page::{Family, Form, parse};

/// A domain whose name needs every escape that there is.
const RULES: &str = r#"
domain: "odd \"} 5 # {x=\"1\\\n domain"
descriptors:
  - {key: k, rate_limit: {unit: year, requests_per_unit: 2}}
"#;

const DOMAIN: &str = "odd \"} 5 # {x=\"1\\\n domain";

const OPENMETRICS: &str = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";

/// Requests that are asked of each server, each with so much time.
const ASKED: usize = 5;
const PATIENCE: Duration = Duration::from_secs(30);

async fn asked(settings: &str) -> Ratekeeper {
    let server = Ratekeeper::setup().rules(RULES).settings(settings).start().await;
    for _ in 0..ASKED {
        let mut request = Request::new(ask("k=v").domain(DOMAIN).request());
        request.set_timeout(PATIENCE);
        server.client().should_rate_limit(request).await.unwrap();
    }
    server
}

async fn local() -> Ratekeeper {
    asked("local: {max_entries: 1234}").await
}

/// A server with a ring of one, which shows all that a shared store can show.
async fn shared(redis: &Redis) -> Ratekeeper {
    let settings = format!(
        "store: redis\nredis: {{topology: ring, urls: [{:?}], timeout: 999ms}}\nover_limit_memory: {{max_entries: 77}}",
        redis.url()
    );
    let server = asked(&settings).await;
    wait::until("the store to decide", async || {
        server.ask(&ask("k=v").domain(DOMAIN)).await.unwrap();
        Metrics::read(server.listen.metrics).await.sum("ratekeeper_store_orders_answered_total", &[]) >= 2.0
    })
    .await;
    server
}

async fn page(server: &Ratekeeper, accept: &'static str) -> client::Answer {
    let mut request = client::request(Method::GET, "/metrics", "");
    request.headers_mut().insert("accept", http::HeaderValue::from_static(accept));
    let answer = client::send(server.listen.metrics, request).await.unwrap();
    assert_eq!(answer.status, 200);
    answer
}

async fn families(server: &Ratekeeper) -> BTreeMap<String, Family> {
    parse(&page(server, "*/*").await.text(), Form::Text)
}

/// What promtool has to say, which should be nothing.
fn check_by_promtool(page: &str) {
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("no promtool: run scripts/test-setup");
    promtool.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
}

/// Both forms of a server's page, by all that can be said of them.
async fn check_forms(server: &Ratekeeper) {
    let text = page(server, "text/html, */*;q=0.8").await;
    assert_eq!(text.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    check_by_promtool(&text.text());
    let openmetrics = page(server, OPENMETRICS).await;
    assert_eq!(
        openmetrics.header("content-type"),
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let series = |families: BTreeMap<String, Family>| -> BTreeSet<_> {
        let samples = families.into_values().flat_map(|family| family.samples);
        samples.map(|sample| (sample.name, sample.labels)).collect()
    };
    let (text, openmetrics) =
        (parse(&text.text(), Form::Text), parse(&openmetrics.text(), Form::OpenMetrics));
    assert!(
        openmetrics.contains_key("ratekeeper_decisions") && openmetrics["ratekeeper_build"].kind == "info"
    );
    assert!(
        text["ratekeeper_decisions_total"].samples.iter().all(|sample| sample.labels["domain"] == DOMAIN)
    );
    assert_eq!(series(text), series(openmetrics));
}

#[tokio::test]
async fn both_forms_of_a_local_stores_page_are_as_they_should_be() {
    check_forms(&local().await).await;
}

#[tokio::test]
async fn both_forms_of_a_shared_stores_page_are_as_they_should_be() {
    let redis = Redis::start().await;
    check_forms(&shared(&redis).await).await;
}

#[tokio::test]
async fn the_draft_of_openmetrics_is_for_those_who_ask_for_it() {
    let server = Ratekeeper::with_rules(RULES).await;
    let answer = page(&server, "application/openmetrics-text;version=0.0.1").await;
    let content_type = "application/openmetrics-text; version=0.0.1; charset=utf-8";
    assert_eq!(answer.header("content-type"), content_type);
    parse(&answer.text(), Form::OpenMetrics);
}

/// A metric's type and labels.
type Shape = (String, BTreeSet<String>);

fn shape(family: &Family) -> Shape {
    let labels = family.samples.iter().flat_map(|sample| sample.labels.keys().cloned());
    (family.kind.clone(), labels.filter(|label| label != "le").collect())
}

fn documented() -> BTreeMap<String, Shape> {
    let page = pages().into_iter().find(|page| page.name == "docs/metrics.md").unwrap();
    let unmarked = |cell: &str| cell.trim_matches(['`', '–']).to_owned();
    let labels = |cell: &str| cell.split(", ").map(unmarked).filter(|label| !label.is_empty()).collect();
    let mut found = BTreeMap::new();
    for row in page.tables("| metric | type | labels | meaning |") {
        assert!(!row[3].is_empty(), "no meaning: {row:?}");
        let shape = (row[1].clone(), labels(&row[2]));
        assert!(found.insert(unmarked(&row[0]), shape).is_none(), "twice: {row:?}");
    }
    found
}

#[tokio::test]
async fn the_documentation_names_every_metric_with_its_type_and_labels() {
    let redis = Redis::start().await;
    let mut shown = BTreeMap::new();
    for server in [local().await, shared(&redis).await] {
        for (name, family) in families(&server).await {
            assert!(!family.samples.is_empty(), "{name} shows nothing");
            shown.insert(name, shape(&family));
        }
    }
    let secure = Secured::start(&Authority::new(), "", "").await;
    let of_tls = families(&secure.server).await.into_iter();
    let of_tls = of_tls.filter(|(name, _)| name.starts_with("ratekeeper_grpc_tls_"));
    shown.extend(of_tls.map(|(name, family)| (name, shape(&family))));
    assert_eq!(documented(), shown);
}

#[tokio::test]
async fn figures_of_requests_and_of_the_process_are_true() {
    let server = local().await;
    let metrics = Metrics::read(server.listen.metrics).await;
    let sum = |name: &str| metrics.sum(name, &[]);
    assert_eq!(sum("ratekeeper_request_deadline_left_seconds_count"), ASKED as f64);
    let (most, left) =
        (ASKED as f64 * PATIENCE.as_secs_f64(), sum("ratekeeper_request_deadline_left_seconds_sum"));
    assert!(left > most * 0.5 && left < most, "{left}");
    assert_eq!(sum("ratekeeper_store_max_entries"), 1234.0);
    let fingerprint = client::get(server.listen.admin, "/").await.unwrap().text();
    let (_, fingerprint) = fingerprint.split_once("fingerprint ").unwrap();
    let fingerprint = format!("fingerprint=\"{}\"", fingerprint.split(',').next().unwrap());
    assert_eq!(metrics.sum("ratekeeper_rules_info", &[&fingerprint]), 1.0);
    let (resident, address_space) =
        (sum("process_resident_memory_bytes"), sum("process_virtual_memory_bytes"));
    assert!(resident > 4e6 && resident < 1e9 && address_space > resident, "{resident}, {address_space}");
    assert!(sum("process_open_fds") >= 7.0 && sum("process_max_fds") > sum("process_open_fds"));
    assert!(sum("process_threads") >= 2.0 && sum("process_cpu_seconds_total") < 600.0);
    let loaded = sum("ratekeeper_rules_loaded_timestamp_seconds");
    assert!((loaded - sum("process_start_time_seconds")).abs() < 60.0, "the rules are loaded when it starts");
}

#[tokio::test]
async fn figures_of_calls_to_the_store_are_true() {
    let redis = Redis::start().await;
    let server = shared(&redis).await;
    let shard = format!("shard=\"{}\"", redis.address);
    let metrics = Metrics::read(server.listen.metrics).await;
    let of_shard = |name: &str, label: &str| metrics.sum(name, &[&shard, label]);
    let answered = of_shard("ratekeeper_store_orders_answered_total", "");
    assert!(answered >= 2.0, "{answered}");
    assert_eq!(of_shard("ratekeeper_store_call_orders_sum", ""), answered);
    let calls = of_shard("ratekeeper_store_call_duration_seconds_count", "outcome=\"ok\"");
    assert_eq!(calls, of_shard("ratekeeper_store_calls_total", ""));
    let took = of_shard("ratekeeper_store_call_duration_seconds_sum", "outcome=\"ok\"");
    assert!(took > 0.0 && took < calls, "{took}");
    assert_eq!(metrics.sum("ratekeeper_over_limit_memory_max_entries", &[]), 77.0);
}

/// A server whose store says nothing more, and the answer that somebody waits for.
async fn stalled(redis: &Redis) -> (Ratekeeper, JoinHandle<()>) {
    let server = shared(redis).await;
    wait::until("nothing to be under way", async || flights(&server).await == 0.0).await;
    for outcome in ["timeout", "lost"] {
        assert_eq!(ended(&server, outcome).await, 0.0, "{outcome}");
    }
    redis.pause();
    let (mut client, request) = (server.client(), ask("k=another").domain(DOMAIN).request());
    let asking = tokio::spawn(async move { drop(client.should_rate_limit(request).await.unwrap()) });
    wait::until("a flight", async || flights(&server).await >= 1.0).await;
    (server, asking)
}

async fn flights(server: &Ratekeeper) -> f64 {
    Metrics::read(server.listen.metrics).await.sum("ratekeeper_store_flights", &[])
}

async fn ended(server: &Ratekeeper, outcome: &str) -> f64 {
    let outcome = format!("outcome=\"{outcome}\"");
    let metrics = Metrics::read(server.listen.metrics).await;
    metrics.sum("ratekeeper_store_call_duration_seconds_count", &[&outcome])
}

#[tokio::test]
async fn calls_that_a_store_leaves_unanswered_are_seen() {
    let redis = Redis::start().await;
    let (server, asking) = stalled(&redis).await;
    wait::until("the call to be given up", async || ended(&server, "timeout").await >= 1.0).await;
    redis.resume();
    asking.await.unwrap();
    wait::until("nothing to be under way", async || flights(&server).await == 0.0).await;
}

#[tokio::test]
async fn calls_that_a_store_takes_along_are_seen() {
    let mut redis = Redis::start().await;
    let (server, asking) = stalled(&redis).await;
    redis.kill();
    wait::until("the call to be lost", async || ended(&server, "lost").await >= 1.0).await;
    asking.await.unwrap();
    wait::until("nothing to be under way", async || flights(&server).await == 0.0).await;
}
