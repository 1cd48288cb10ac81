//! Dashboards, rules and runbooks against real servers and a real Prometheus: every name is there, every query is answered.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tokio::time::{Duration, Instant, sleep};

use super::alerts::runbooks;
use super::boards::{other_queries, panel_queries};
use super::promql::names;
use super::scene::Scene;
use crate::docs::markdown::pages;
use crate::harness::{Prometheus, http};

/// Metrics that dashboards and rules ask for and that no server shows yet: empty this list as they come.
const PENDING: &[&str] = &[];

/// Where nothing is found while all is well.
const MAY_BE_EMPTY: &[&str] = &[];

/// Longer than it takes until a rate is known, and reached by a test that fails.
const PATIENCE: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_shipped_to_watch_with_works_on_running_servers() {
    let scene = Scene::start().await;
    scene.spoil().await;
    let rules = scene.prometheus.rules().await;
    let exposed = exposed(&scene).await;
    check_names(&exposed, &rules);
    check_prose(&exposed);
    check_queries(&scene.prometheus).await;
    check_recorded(&scene.prometheus, &rules).await;
    check_alerts(&scene.prometheus).await;
    scene.end().await;
}

/// The names of all samples that the servers show.
async fn exposed(scene: &Scene) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for server in [&scene.shared, &scene.alone, &scene.secure.server] {
        let page = http::get(server.listen.metrics, "/metrics").await.unwrap().text();
        let samples = page.lines().filter(|line| !line.starts_with('#'));
        found.extend(samples.map(|line| line.split(['{', ' ']).next().unwrap().to_owned()));
    }
    found
}

/// Every name that is asked for is shown by a server, made by a rule, or known to come.
fn check_names(exposed: &BTreeSet<String>, rules: &[Value]) {
    let made: BTreeSet<&str> = rules
        .iter()
        .filter(|rule| rule["type"] == "recording")
        .map(|rule| rule["name"].as_str().unwrap())
        .collect();
    let known =
        |name: &str| name == "up" || exposed.contains(name) || made.contains(name) || PENDING.contains(&name);
    let named = named(rules);
    let missing: Vec<_> = named.iter().filter(|(name, _)| !known(name)).collect();
    assert!(missing.is_empty(), "no server shows {missing:#?}");
    let here: Vec<_> = PENDING.iter().filter(|name| exposed.contains(**name)).collect();
    assert!(here.is_empty(), "take these off the list of what is pending: {here:#?}");
    let unused: Vec<_> = PENDING.iter().filter(|name| !named.contains_key(**name)).collect();
    assert!(unused.is_empty(), "nobody asks for {unused:#?}");
}

/// Every name that dashboards, rules and runbooks ask for, with the places.
fn named(rules: &[Value]) -> BTreeMap<String, Vec<String>> {
    let mut queries: Vec<(String, String)> = Vec::new();
    for query in panel_queries().iter().chain(&other_queries()) {
        queries.push((query.place.clone(), query.filled()));
    }
    for rule in rules {
        queries.push((format!("rule {}", rule["name"]), rule["query"].as_str().unwrap().to_owned()));
    }
    for (line, block) in runbooks().blocks("promql") {
        queries.extend(
            block.lines().map(|query| (format!("runbooks.md, block at line {line}"), query.to_owned())),
        );
    }
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (place, query) in queries {
        for name in names(&query) {
            found.entry(name).or_default().push(place.clone());
        }
    }
    assert!(found.len() > 40, "only {} names were found", found.len());
    found
}

/// What operators read names metrics in the midst of sentences, too; a histogram without what its samples end with.
fn check_prose(exposed: &BTreeSet<String>) {
    let is_metric = |span: &&str| {
        let rest = span.strip_prefix("ratekeeper_").unwrap_or_default();
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let known = |name: &str| {
        exposed.contains(name) || exposed.contains(&format!("{name}_bucket")) || PENDING.contains(&name)
    };
    let mut missing = Vec::new();
    for name in ["README.md", "docs/operations.md", "docs/runbooks.md", "docs/logging.md", "docs/rules.md"] {
        let page = pages().into_iter().find(|page| page.name == name).unwrap();
        let unknown = page.code_spans().filter(is_metric).filter(|span| !known(span));
        missing.extend(unknown.map(|span| format!("{name}: {span}")));
    }
    assert!(missing.is_empty(), "no server shows {missing:#?}");
}

/// Prometheus takes every query of dashboards and runbooks, and finds something for every panel, once rates are known.
async fn check_queries(prometheus: &Prometheus) {
    let panels = panel_queries().into_iter().map(|query| (query.place.clone(), query.filled()));
    let waits = |(place, query): &(String, String)| {
        !MAY_BE_EMPTY.contains(&place.as_str())
            && names(query).iter().all(|name| !PENDING.contains(&name.as_str()))
    };
    let (full, rest): (Vec<_>, Vec<_>) = panels.partition(waits);
    until_found(prometheus, full).await;
    let blocks = runbooks().blocks("promql");
    let pages = blocks.iter().flat_map(|(_, block)| block.lines().map(str::to_owned));
    let others = other_queries().into_iter().map(|query| query.filled());
    for query in rest.into_iter().map(|(_, query)| query).chain(pages).chain(others) {
        prometheus.query(&query).await;
    }
}

/// Waits until each of these finds something.
async fn until_found(prometheus: &Prometheus, mut queries: Vec<(String, String)>) {
    assert!(!queries.is_empty());
    let end = Instant::now() + PATIENCE;
    while !queries.is_empty() {
        let mut empty = Vec::new();
        for (place, query) in queries {
            if prometheus.query(&query).await.is_empty() {
                empty.push((place, query));
            }
        }
        queries = empty;
        assert!(Instant::now() < end, "nothing is found by {queries:#?}");
        sleep(Duration::from_millis(200)).await;
    }
}

/// Every recording rule makes something.
async fn check_recorded(prometheus: &Prometheus, rules: &[Value]) {
    let is_full = |rule: &&Value| {
        let query = rule["query"].as_str().unwrap();
        rule["type"] == "recording" && names(query).iter().all(|name| !PENDING.contains(&name.as_str()))
    };
    let names = rules.iter().filter(is_full).map(|rule| rule["name"].as_str().unwrap().to_owned());
    until_found(prometheus, names.map(|name| (name.clone(), name)).collect()).await;
}

/// The rules are evaluated without a fault, and the alerts see what is wrong here, and nothing else.
async fn check_alerts(prometheus: &Prometheus) {
    let expected = ["RatekeeperFallbackDeciding", "RatekeeperRulesStale", "RatekeeperStoreDown"];
    let end = Instant::now() + PATIENCE;
    loop {
        let rules = prometheus.rules().await;
        let faults: Vec<&Value> = rules.iter().filter(|rule| rule["health"] == "err").collect();
        assert!(faults.is_empty(), "{faults:#?}");
        let is_seen = |rule: &&Value| rule["type"] == "alerting" && rule["state"] != "inactive";
        let seen: BTreeSet<&str> =
            rules.iter().filter(is_seen).map(|rule| rule["name"].as_str().unwrap()).collect();
        if expected.iter().all(|name| seen.contains(name)) {
            for quiet in [
                "RatekeeperDown",
                "RatekeeperAbsent",
                "RatekeeperNoRules",
                "RatekeeperPanics",
                "RatekeeperRingsDisagree",
                "RatekeeperCertificateExpires",
                "RatekeeperCertificateExpired",
                "RatekeeperCertificateStale",
            ] {
                assert!(!seen.contains(quiet), "{seen:?}");
            }
            return;
        }
        assert!(Instant::now() < end, "{expected:?} do not see anything: {seen:?}");
        sleep(Duration::from_millis(200)).await;
    }
}
