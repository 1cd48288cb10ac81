//! A password in a URL is never shown: not by a fault wherever it stands, nor by the settings in force.

use super::super::{Given, Override, load};
use super::variables;
use crate::config::diagnostic::Diagnostics;
use crate::config::source::SourceFile;

const PASSWORD: &str = "hunter2";

/// All that can be printed of faults.
fn printed(faults: &Diagnostics) -> String {
    format!("{faults}\n{faults:?}\n{}", serde_json::to_string(faults).unwrap())
}

#[track_caller]
fn check_faults(faults: &Diagnostics) {
    let shown = printed(faults);
    assert!(!shown.contains("hunter") && !shown.contains("unter2"), "{shown}");
}

#[track_caller]
fn check_file(yaml: &str) {
    let faults = load(Some(&SourceFile::new("s.yaml", yaml)), [], &[]).expect_err(yaml);
    check_faults(&faults);
}

#[track_caller]
fn check_variable(name: &str, value: &str) {
    let faults = load(None, variables(&[(name, value)]), &[]).expect_err(value);
    check_faults(&faults);
}

#[test]
fn faults_of_the_url_itself() {
    for url in [
        "http://:hunter2@host",
        "redis://:hunter2@host:port",
        "redis://:hunter2@",
        "redis://hunter2@host",
        "redis://:hunter2",
        "redis://user:hunter2",
        "redis://user:hunter2:host:6379",
        "redis://:hunter2@@host",
        "redis://:hun/ter2 hunter2@host",
        "redis://:h://hunter2@host",
        "redis://:%zzhunter2@host",
        "redis:/:hunter2@host",
        "user:hunter2@host:6379",
        "redis://host?password=hunter2",
        "unix:///run/redis.sock?pass=hunter2",
        "rediss://:hunter2@host:port",
    ] {
        check_file(&format!("redis:\n  urls: [\"{url}\"]\n"));
        check_file(&format!("redis:\n  urls:\n    - '{url}' # {url}\n"));
        check_file(&format!("redis: {{topology: ring, urls: ['redis://a:1', '{url}']}}\n"));
        check_variable("RATEKEEPER_REDIS__URLS", url);
        check_variable("RATEKEEPER_REDIS__URLS", &format!("redis://a:1,{url}"));
        check_variable("RATEKEEPER_REDIS__URLS", &format!("[\"{url}\"]"));
        check_variable("RATEKEEPER_REDIS", &format!("{{urls: [\"{url}\"]}}"));
    }
}

#[test]
fn faults_beside_a_good_url() {
    let url = "redis://user:hunter2@host:6379/0";
    for yaml in [
        format!("redis: {{urls: ['{url}'], timeout: 5}}"),
        format!("redis: {{timeout: 5, urls: [\"{url}\"]}}"),
        format!("redis: {{urls: ['{url}', '{url}']}}"),
        format!("redis: {{urls: ['{url}', 'redis://other']}}"),
        format!("redis: {{urls: [{url}], topology: {url}}}"),
        format!("redis: {{urls: '{url}'}}"),
        format!("redis: {{urls: {{'{url}': 1}}}}"),
        format!("redis: {{'{url}': 1, '{url}': 2}}"),
        format!("redis: '{url}'"),
        format!("{url}: 1"),
        url.to_owned(),
        format!("redis: {{timeout: '{url}', key_prefix: '{url}', connect_timeout: [{url}]}}"),
        format!("threads: '{url}'\nshadow_mode: {url}\nlisten: {{grpc: '{url}'}}\nlog: {{level: '{url}'}}"),
        format!("redis: {{urls: ['{url}'], x: 1}} # {url}"),
        format!("redis: {{urls: ['{url}'"),
        format!("redis: {{urls: ['{url}]}}"),
        format!("redis: {{urls: ['{url}']}}\n\tx: 1"),
        format!("redis: {{urls: ['{}', x: {url}", "x".repeat(200)),
        format!("redis: {{urls: ['redis://user:{}hunter2@host'], timeout: 5}}", "x".repeat(200)),
    ] {
        check_file(&yaml);
    }
    check_variable("RATEKEEPER_REDIS__TIMEOUT", url);
    check_variable("RATEKEEPER_REDIS__TOPOLOGY", url);
    check_variable("RATEKEEPER_REDIS", url);
    check_variable("RATEKEEPER_REDIS__URL", url);
    let flag =
        Override { flag: "--admin".into(), path: "listen.admin".into(), value: Given::One(url.into()) };
    check_faults(&load(None, [], &[flag]).unwrap_err());
}

#[test]
fn faults_beside_a_password_of_its_own() {
    for yaml in [
        "redis: {password: hunter2, timeout: 5}",
        "redis: {timeout: 5, password: \"hunter2, x\", tls: {key: a}}",
        "redis:\n  password: hunter2 hunter2, hunter2\n  timeout: 5\n",
        "redis: {'password' : [hunter2]}",
        "redis:\n  password:\n    - hunter2\n",
        "redis:\n  password:\n    hunter2: 1\n",
        "redis: {password: 'hun\n hunter2', timeout: 5}",
        "redis:\n  passwrd: hunter2\n",
        "redis:\n  Passphrase: hunter2 # hunter2\n",
        "redis: {password: hunter2, password: hunter2}",
        "redis: {password: hunter2, password_file: /f}",
        "redis: {password: hunter2, urls: ['redis://:hunter2@host']}",
        "redis: {password: 'hunter2}",
        "redis: {\"password\": \"hunter2\"\"hunter2\"}",
        "password: hunter2",
        "redis: {username: hunter2}",
        "decision_log: {output: stdout, hash_secret: hunter2, sample_ratio: 7}",
        "decision_log: {hash_secret: hunter2}",
        "decision_log: {hash_secrt: hunter2}",
    ] {
        check_file(yaml);
    }
    check_variable("RATEKEEPER_REDIS", "{password: hunter2, timeout: 5}");
    check_variable("RATEKEEPER_REDIS", "password: hunter2");
    check_variable("RATEKEEPER_REDIS__PASSWORD", "[hunter2]");
    check_variable("RATEKEEPER_REDIS__PASSWRD", "hunter2");
}

#[test]
fn bytes_that_are_not_utf8_beside_a_url() {
    let bytes = b"redis: {urls: ['redis://:hunter2\xff@host']}".to_vec();
    check_faults(&SourceFile::from_bytes("s.yaml", bytes).unwrap_err());
}

#[test]
fn the_settings_in_force() {
    let file = SourceFile::new("s.yaml", "redis: {urls: ['redis://user:hunter2@host/1']}");
    let settings = load(Some(&file), [], &[]).unwrap();
    assert_eq!(settings.redis.urls[0].password.as_ref().unwrap().expose(), PASSWORD);
    let shown = format!("{settings:?}\n{}", serde_json::to_string_pretty(&settings).unwrap());
    assert!(!shown.contains(PASSWORD), "{shown}");
    assert!(shown.contains("\"redis://user:****@host:6379/1\""), "{shown}");
    let settings = load(None, variables(&[("RATEKEEPER_REDIS__PASSWORD", PASSWORD)]), &[]).unwrap();
    assert_eq!(settings.redis.credentials.password.as_ref().unwrap().expose(), PASSWORD);
    let shown = format!("{settings:?}\n{}", serde_json::to_string_pretty(&settings).unwrap());
    assert!(!shown.contains(PASSWORD), "{shown}");
    assert!(shown.contains("\"password\": \"****\""), "{shown}");
    let variables = variables(&[
        ("RATEKEEPER_DECISION_LOG__HASH_SECRET", PASSWORD),
        ("RATEKEEPER_DECISION_LOG__OUTPUT", "stdout"),
    ]);
    let settings = load(None, variables, &[]).unwrap();
    let shown = format!("{settings:?}\n{}", serde_json::to_string_pretty(&settings).unwrap());
    assert!(!shown.contains(PASSWORD) && shown.contains("\"hash_secret\": \"****\""), "{shown}");
}
