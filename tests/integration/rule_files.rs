//! Rule files that are refused, each with the place and the remedy, and ones that look odd and are fine.

use std::panic::Location;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::ratekeeper::BINARY;

/// Gives the faults of a file as `ratekeeper check` tells them.
fn faults(text: &str) -> Vec<Value> {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("rules.yaml"), text).unwrap();
    let mut command = Command::new(BINARY);
    command.current_dir(&folder).env_clear().args(["check", "rules.yaml", "--format", "json"]);
    let output = command.output().unwrap();
    let faults: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "{error} in {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    });
    assert_eq!(output.status.code(), Some(i32::from(!faults.is_empty())));
    faults
}

/// The file is refused on this line with a message or a remedy that has this text in it.
#[track_caller]
fn refused(text: &str, line: u64, expected: &str) {
    let place = Location::caller();
    let faults = faults(text);
    let fits = |fault: &Value| {
        let said = format!("{} {}", fault["message"], fault["help"]).replace("\\\"", "\"");
        fault["line"] == line && said.contains(expected)
    };
    assert!(faults.iter().any(fits), "{place}: no fault on line {line} with `{expected}` in {faults:#?}");
}

#[track_caller]
fn accepted(text: &str) {
    let place = Location::caller();
    let faults = faults(text);
    assert!(faults.is_empty(), "{place}: {faults:#?}");
}

/// A file with these lines below `descriptors:`, so that the first of them is line 3.
fn file(descriptors: &str) -> String {
    format!("domain: mesh\ndescriptors:\n{descriptors}\n")
}

#[test]
fn what_a_rule_may_say() {
    accepted(&file("  - {key: a, rate_limit: {unit: year, requests_per_unit: 4294967295, name: n}}"));
    accepted(&file("  - {key: a, rate_limit: {unit: WEEK, requests_per_unit: 0}}"));
    accepted(&file("  - {key: a, rate_limit: {unlimited: true}}"));
    accepted(&file("  - {key: a, value: allowed}"));
    accepted(&file(
        "  - {key: a, value: 'x*', share_threshold: true, rate_limit: {unit: day, requests_per_unit: 1}}",
    ));
    accepted(&file(
        "  - {key: a, metadata: {any: [thing, {at: all}]}, detailed_metric: true, quota_mode: true}",
    ));
    accepted(&file("  - {key: a, value: x}\n  - {key: a, value: y}\n  - {key: a}"));
}

#[test]
fn fields_that_no_one_knows() {
    refused(&file("  - {key: a, rate_limit: {unit: year, request_per_unit: 1}}"), 3, "requests_per_unit");
    refused(&file("  - key: a\n    ratelimit: {unit: year, requests_per_unit: 1}"), 4, "rate_limit");
    refused(&file("  - {key: a, requests_per_unit: 1}"), 3, "requests_per_unit");
    refused("domain: mesh\ndescriptor: []\n", 2, "descriptors");
    refused(&file("  - {key: a, rate_limit: {unlimited: true, replaces: [{nam: b}]}}"), 3, "name");
}

#[test]
fn what_a_descriptor_must_say() {
    refused(&file("  - {value: x, rate_limit: {unit: year, requests_per_unit: 1}}"), 3, "key");
    refused(&file("  - {key: '', rate_limit: {unit: year, requests_per_unit: 1}}"), 3, "key");
    refused(&file("  - {key: a, rate_limit: {requests_per_unit: 1}}"), 3, "unit");
    refused(&file("  - {key: a, rate_limit: {unit: year}}"), 3, "requests_per_unit");
    refused("descriptors: []\n", 1, "domain");
    refused("domain: ''\n", 1, "domain");
}

#[test]
fn values_that_cannot_be() {
    refused(&file("  - {key: a, rate_limit: {unit: fortnight, requests_per_unit: 1}}"), 3, "fortnight");
    refused(&file("  - {key: a, rate_limit: {unit: year, requests_per_unit: -1}}"), 3, "-1");
    refused(&file("  - {key: a, rate_limit: {unit: year, requests_per_unit: 4294967296}}"), 3, "4294967296");
    refused(&file("  - {key: a, rate_limit: {unit: year, requests_per_unit: many}}"), 3, "many");
    refused(&file("  - {key: a, shadow_mode: perhaps}"), 3, "perhaps");
    refused(&file("  - {key: a, rate_limit: {unlimited: true, unit: year}}"), 3, "unlimited");
    refused(&file("  - {key: a, rate_limit: {unlimited: true, unit: fortnight}}"), 3, "unit");
    refused(&file("  - {key: a, value: exact, share_threshold: true}"), 3, "share_threshold");
}

#[test]
fn rules_that_contradict_each_other() {
    refused(&file("  - {key: a, value: x}\n  - {key: a, value: x}"), 4, "x");
    refused(&file("  - {key: a}\n  - {key: a, value: ''}"), 4, "a");
    refused(&file("  - {key: a, rate_limit: {unlimited: true, name: n, replaces: [{name: n}]}}"), 3, "n");
    refused(&file("  - {key: a, rate_limit: {unlimited: true, replaces: [{name: ''}]}}"), 3, "name");
    refused(&file("  - key: a\n    key: b"), 4, "key");
    refused("domain: mesh\ndomain: mesh\n", 2, "domain");
}

#[test]
fn what_is_no_rule_file_at_all() {
    refused("domain: one\n---\ndomain: two\n", 2, "document");
    refused("domain: [unclosed\n", 1, "bracket");
    refused("- a list\n", 1, "");
    let empty = faults("");
    assert!(empty[0]["message"].as_str().unwrap().contains("empty"), "{empty:#?}");
}

#[test]
fn all_faults_are_told_in_one_go() {
    let text = file(
        "  - {ky: a}\n  - {key: b, rate_limit: {unit: eon, requests_per_unit: 1}}\n  - {key: c, shadow: 1}",
    );
    let mut lines: Vec<u64> = faults(&text).iter().filter_map(|fault| fault["line"].as_u64()).collect();
    lines.dedup();
    assert_eq!(lines, [3, 4, 5]);
}
