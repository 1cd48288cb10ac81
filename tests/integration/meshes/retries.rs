//! Every file of `deploy/` that leads Envoy to ratekeeper has it repeat calls as it should.
//!
//! Envoy takes a retry policy in two places and heeds one of them for our calls; and the longest pause between tries is the longest
//! that a try may take, too. Neither is told by `--mode validate`.

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

fn services<'v>(value: &'v Value, found: &mut Vec<&'v Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| services(item, found)),
        Value::Object(fields) => {
            found.extend(fields.get("grpc_service").filter(|service| service["envoy_grpc"].is_object()));
            fields.values().for_each(|field| services(field, found));
        }
        _ => {}
    }
}

fn seconds(duration: &Value) -> f64 {
    duration.as_str().unwrap().strip_suffix('s').unwrap().parse().unwrap()
}

#[test]
fn calls_are_repeated_where_they_were_not_taken_and_not_where_they_are_slow() {
    let (mut paths, mut count) = (Vec::new(), 0);
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy"), &mut paths);
    for path in &paths {
        let text = read(path.to_str().unwrap());
        if !text.contains("envoy_grpc") {
            continue;
        }
        for document in yaml::documents(&text) {
            let mut found = Vec::new();
            services(&document, &mut found);
            for service in found {
                count += 1;
                let place = path.display();
                assert!(service["envoy_grpc"]["retry_policy"].is_null(), "{place}: not heeded there");
                let backoff = &service["retry_policy"]["retry_back_off"];
                assert!(seconds(&backoff["max_interval"]) >= 1.0, "{place}: shorter than a time-out");
                let name = service["envoy_grpc"]["cluster_name"].as_str().unwrap();
                let is_host = !name.contains('|') || service["envoy_grpc"]["authority"].is_string();
                assert!(is_host, "{place}: {name} is no host to ask for");
            }
        }
    }
    assert!(count > 6, "only {count} services were found");
}
