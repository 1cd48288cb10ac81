//! Every file of `deploy/` that leads Envoy to ratekeeper has it repeat calls as it should.
//!
//! Envoy takes a retry policy in two places and heeds one of them for our calls; the longest pause between tries is the longest
//! that a try may take, too; and health checks of a cluster that nobody has asked yet come once a minute unless the file says
//! otherwise. None of that is told by `--mode validate`.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::example::read;
use crate::harness::yaml;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|suffix| suffix == "yaml") {
            found.push(path);
        }
    }
}

/// Every value of a field of this name, wherever it stands.
fn named<'v>(value: &'v Value, name: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| named(item, name, found)),
        Value::Object(fields) => {
            found.extend(fields.get(name));
            fields.values().for_each(|field| named(field, name, found));
        }
        _ => {}
    }
}

/// Every value of a field of this name in the files of `deploy/` that have this text, with the file.
fn in_files(text: &str, name: &str) -> Vec<(String, Value)> {
    let (mut paths, mut all) = (Vec::new(), Vec::new());
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy"), &mut paths);
    for path in paths.iter().map(|path| path.display().to_string()) {
        let file = read(&path);
        for document in file.contains(text).then(|| yaml::documents(&file)).into_iter().flatten() {
            let mut found = Vec::new();
            named(&document, name, &mut found);
            all.extend(found.into_iter().map(|value| (path.clone(), value.clone())));
        }
    }
    all
}

fn seconds(duration: &Value) -> f64 {
    duration.as_str().unwrap().strip_suffix('s').unwrap().parse().unwrap()
}

#[test]
fn calls_are_repeated_where_they_were_not_taken_and_not_where_they_are_slow() {
    let mut services = in_files("envoy_grpc", "grpc_service");
    services.retain(|(_, service)| service["envoy_grpc"].is_object());
    assert!(services.len() > 6, "only {} services were found", services.len());
    for (place, service) in services {
        assert!(service["envoy_grpc"]["retry_policy"].is_null(), "{place}: not heeded there");
        let backoff = &service["retry_policy"]["retry_back_off"];
        assert!(seconds(&backoff["max_interval"]) >= 1.0, "{place}: shorter than a time-out");
        let name = service["envoy_grpc"]["cluster_name"].as_str().unwrap();
        let is_host = !name.contains('|') || service["envoy_grpc"]["authority"].is_string();
        assert!(is_host, "{place}: {name} is no host to ask for");
    }
}

#[test]
fn a_replica_is_looked_at_every_second_whether_it_is_asked_or_not() {
    let lists = in_files("grpc_health_check", "health_checks");
    assert!(lists.len() > 4, "only {} lists were found", lists.len());
    for (place, checks) in lists {
        for check in checks.as_array().unwrap() {
            for field in ["interval", "no_traffic_interval"] {
                let told = check[field].as_str().unwrap_or_else(|| panic!("{place}: no {field}"));
                assert!(seconds(&check[field]) <= 1.0, "{place}: {field} {told}");
            }
        }
    }
}
