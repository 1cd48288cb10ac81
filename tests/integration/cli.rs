//! The command line: what it prints and how it exits.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::ratekeeper::BINARY;

const GOOD: &str =
    "domain: mesh\ndescriptors:\n  - {key: k, rate_limit: {unit: year, requests_per_unit: 1}}\n";
const BAD: &str = "domain: mesh\ndescriptors:\n  - {key: k, rate_limit: {unit: year, request_per_unit: 1}}\n";

/// Runs the binary to its end, in this folder, with no variables but these.
fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(BINARY);
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    command.env_clear().envs(variables.iter().copied()).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn version_and_help_are_printed() {
    let folder = folder(&[]);
    let version = run(folder.path(), &["--version"], &[]);
    assert!(version.status.success());
    assert_eq!(out(&version).trim(), concat!("ratekeeper ", env!("CARGO_PKG_VERSION")));
    let help = run(folder.path(), &["--help"], &[]);
    assert!(help.status.success());
    for command in ["serve", "check", "explain", "counters", "health", "bench"] {
        assert!(out(&help).contains(command), "{}", out(&help));
    }
}

#[test]
fn check_is_content_with_good_files_and_folders() {
    let folder = folder(&[("good.yaml", GOOD)]);
    for path in ["good.yaml", "."] {
        let output = run(folder.path(), &["check", path], &[]);
        assert!(output.status.success(), "{}{}", out(&output), err(&output));
    }
}

#[test]
fn check_shows_every_fault_with_its_place_and_the_remedy() {
    let folder =
        folder(&[("good.yaml", GOOD), ("one.yaml", BAD), ("two.yaml", "domain: ''\ndescriptors: []\n")]);
    let output = run(folder.path(), &["check", "."], &[]);
    assert_eq!(output.status.code(), Some(1));
    let text = out(&output) + &err(&output);
    for part in ["one.yaml:3:", "request_per_unit", "did you mean `requests_per_unit`", "two.yaml:1:"] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

#[test]
fn check_speaks_json() {
    let folder = folder(&[("bad.yaml", BAD)]);
    let output = run(folder.path(), &["check", "bad.yaml", "--format", "json"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let faults: Value = serde_json::from_slice(&output.stdout).unwrap();
    let fault = &faults[0];
    assert_eq!((&fault["line"], fault["file"].as_str()), (&Value::from(3), Some("bad.yaml")));
    assert!(fault["message"].as_str().unwrap().contains("request_per_unit"), "{fault}");
}

#[test]
fn check_prints_warnings_and_is_content() {
    let replaces = "  - {key: r, rate_limit: {unlimited: true, replaces: [{name: nobody}]}}\n";
    let folder = folder(&[("warned.yaml", &(GOOD.to_owned() + replaces)), ("bad.yaml", BAD)]);
    let output = run(folder.path(), &["check", "warned.yaml"], &[]);
    let text = out(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.starts_with("warning: `replaces` names `nobody`"), "{text}");
    assert!(text.ends_with("\n\nno faults (rule files: 1, domains: 1)\n"), "{text}");
    let output = run(folder.path(), &["check", "warned.yaml", "--format", "json"], &[]);
    let faults: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), faults[0]["severity"].as_str()), (Some(0), Some("warning")));
    let output = run(folder.path(), &["check", "warned.yaml", "bad.yaml", "--merge-domains"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).starts_with("error: ") && !out(&output).contains("no faults"), "{}", out(&output));
}

#[test]
fn check_invents_no_fault_of_rules_where_the_settings_are_faulty() {
    let folder = folder(&[("bad.yaml", BAD), ("settings.yaml", "listen: {grcp: '127.0.0.1:1'}\n")]);
    for paths in [&[][..], &["bad.yaml"]] {
        let output = run(folder.path(), &[&["check", "--config", "settings.yaml"], paths].concat(), &[]);
        let text = out(&output);
        assert_eq!((output.status.code(), text.matches("error: ").count()), (Some(1), 1), "{text}");
        assert!(text.starts_with("error: ") && text.contains("settings.yaml:1:"), "{text}");
        assert!(
            text.ends_with("\n\nthe rules were not checked: the settings say which, and how\n"),
            "{text}"
        );
        let json = run(
            folder.path(),
            &[&["check", "--format", "json", "--config", "settings.yaml"], paths].concat(),
            &[],
        );
        let faults: Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(faults.as_array().unwrap().len(), 1, "{faults}");
    }
}

#[test]
fn check_of_a_path_that_is_not_there_fails() {
    let output = run(folder(&[]).path(), &["check", "missing.yaml"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!((out(&output) + &err(&output)).contains("missing.yaml"));
}

#[test]
fn unknown_variables_settings_and_flags_are_refused_all_at_once() {
    let folder =
        folder(&[("good.yaml", GOOD), ("settings.yaml", "listen: {grcp: '127.0.0.1:1'}\nstore: loca\n")]);
    let serve = ["serve", "--config", "settings.yaml", "--rules", "good.yaml"];
    let variables = [("RATEKEEPER_LISTEN__GRCP", "127.0.0.1:1"), ("RATEKEEPER_DRAIN__PAUSE", "soon")];
    let output = run(folder.path(), &serve, &variables);
    assert!(!output.status.success());
    let text = out(&output) + &err(&output);
    for part in
        ["settings.yaml:1:", "grcp", "settings.yaml:2:", "RATEKEEPER_LISTEN__GRCP", "RATEKEEPER_DRAIN__PAUSE"]
    {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
    let output = run(folder.path(), &["serve", "--no-such-flag"], &[]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_settings_file_or_an_address_that_cannot_be_had_ends_it_with_a_reason() {
    let folder = folder(&[("good.yaml", GOOD)]);
    let output = run(folder.path(), &["serve", "--config", "missing.yaml", "--rules", "good.yaml"], &[]);
    assert!(!output.status.success() && err(&output).contains("missing.yaml"), "{}", err(&output));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output =
        run(folder.path(), &["serve", "--rules", "good.yaml"], &[("RATEKEEPER_LISTEN__GRPC", &address)]);
    let text = out(&output) + &err(&output);
    assert!(!output.status.success() && text.contains(&address), "{text}");
}
