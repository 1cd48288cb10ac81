//! The documented file, and files in general.

use std::time::Duration;

use super::super::{
    Address, DeniedRequests, Format, Replicas, Secret, Settings, StatsdFormat, Store, Topology, load, names,
};
use super::accept;
use crate::config::diagnostic::Diagnostics;
use crate::config::rules::{RuleOptions, parse};
use crate::config::source::SourceFile;
use crate::config::yaml::{self, Node, Reading, Value};
use crate::decision::hit::OnStoreFailure;
use crate::decision::verdict::Outcome;

const DOCUMENTED: &str = include_str!("../../../../config/ratekeeper.yaml");

/// The paths of a tree, in its order.
fn paths(node: &Node<'_>, above: &str, found: &mut Vec<String>) {
    let Value::Mapping(entries) = &node.value else { return };
    for entry in entries {
        let path = if above.is_empty() { entry.name.to_string() } else { format!("{above}.{}", entry.name) };
        found.push(path.clone());
        paths(&entry.node, &path, found);
    }
}

#[test]
fn the_documented_file_holds_the_defaults() {
    assert_eq!(accept(DOCUMENTED, &[], &[]), Settings::default());
    assert_eq!(load(None, [], &[]).unwrap(), Settings::default());
    assert_eq!(accept("# nothing\n", &[], &[]), Settings::default());
}

#[test]
fn the_documented_file_names_every_setting_in_order() {
    let file = SourceFile::new("ratekeeper.yaml", DOCUMENTED);
    let Reading::Tree(root) = yaml::read(&file, &mut Diagnostics::new()) else { panic!("no settings") };
    let mut named = Vec::new();
    paths(&root, "", &mut named);
    assert_eq!(named, names::paths());
}

#[test]
fn the_documented_file_comments_on_every_setting() {
    let mut above = "";
    for line in DOCUMENTED.lines() {
        let setting = !line.is_empty() && !line.trim_start().starts_with('#');
        assert!(!setting || above.trim_start().starts_with('#'), "no comment: {line}");
        above = line;
    }
}

/// What the effective settings print is a file that says the same.
#[test]
fn printed_settings_are_read_back() {
    let changed = accept(
        "{threads: 3, drain: {pause: 1m30s}, listen: {grpc: 'unix:/a'}, fallback: {replicas: 2}, metrics: {statsd: {address: 'a:1', tags: {a: b}}}}",
        &[],
        &[],
    );
    for settings in [Settings::default(), changed] {
        let printed = serde_json::to_string_pretty(&settings).unwrap();
        assert_eq!(accept(&printed, &[], &[]), settings, "{printed}");
    }
}

const EVERY_SETTING: &str = "
rules: {paths: [a, b/c], merge_domains: true, allow_empty: true, rescan_interval: 5s}
listen: {grpc: 'unix:/run/rk.sock', http: '[::1]:0', metrics: 'localhost:1', admin: '0.0.0.0:2'}
grpc:
  max_connection_age: 1h
  max_connection_age_grace: 1s
  max_concurrent_streams: 7
  max_request_bytes: 64KiB
  max_connections: 8
  keepalive_interval: 1m
  keepalive_timeout: 2s
  handshake_timeout: 500ms
request: {max_descriptors: 3, max_entries: 4, max_hits: 5}
counting: {denied_requests: ignore, near_limit_ratio: 1, limit_share: 0.25}
response: {headers: {enabled: true, limit: X-L, remaining: X-R, reset: X-S, policy: X-P}, dynamic_metadata: true, rule_metadata: true}
shadow_mode: true
quota_mode: true
store: redis
local: {max_entries: 9}
redis:
  topology: ring
  urls: ['redis://:pw@a', 'unix:///run/redis.sock?db=1']
  key_prefix: ''
  timeout: 999ms
  connect_timeout: 2s
breaker: {failures: 2, backoff: 20ms, max_backoff: 20ms}
fallback: {on_store_failure: deny, replicas: 3}
over_limit_memory: {max_entries: 0, max_age: 100ms}
drain: {pause: 0s, deadline: 1s}
decision_log:
  outcomes: [over, near]
  sample_ratio: 0.5
  max_per_second: 9
  output: /var/log/decisions
  hash: []
  hash_secret: together
  drop: [cookie]
metrics:
  upstream_names: true
  max_label_values: 0
  statsd: {address: 'statsd:8125', format: dogstatsd, flush_interval: 1s, tags: {env: prod, a.b: c/d}}
log: {level: 'warn,ratekeeper::server=debug', format: json}
threads: 2
";

#[test]
fn every_setting_is_taken() {
    let settings = accept(EVERY_SETTING, &[], &[]);
    assert_eq!(settings.rules.paths, ["a", "b/c"].map(std::path::PathBuf::from));
    assert!(settings.rules.merge_domains && settings.rules.allow_empty);
    assert_eq!(settings.rules.rescan_interval, Duration::from_secs(5));
    assert_eq!(settings.listen.grpc, Address::Unix("/run/rk.sock".into()));
    assert_eq!(settings.listen.http, Address::tcp("::1", 0));
    assert_eq!(settings.listen.metrics, Address::tcp("localhost", 1));
    assert_eq!(settings.listen.admin, Address::tcp("0.0.0.0", 2));
    assert_eq!(settings.grpc.max_connection_age, Duration::from_hours(1));
    assert_eq!(settings.grpc.max_connection_age_grace, Duration::from_secs(1));
    assert_eq!(settings.grpc.max_concurrent_streams, 7);
    assert_eq!(settings.grpc.max_request_bytes, 65_536);
    assert_eq!(settings.grpc.max_connections, 8);
    assert_eq!(settings.grpc.keepalive_interval, Duration::from_mins(1));
    assert_eq!(settings.grpc.keepalive_timeout, Duration::from_secs(2));
    assert_eq!(settings.grpc.handshake_timeout, Duration::from_millis(500));
    assert_eq!(
        (settings.request.max_descriptors, settings.request.max_entries, settings.request.max_hits),
        (3, 4, 5)
    );
    assert_eq!(settings.counting.denied_requests, DeniedRequests::Ignore);
    assert!((settings.counting.near_limit_ratio - 1.0).abs() < f64::EPSILON);
    assert!((settings.counting.limit_share.part() - 0.25).abs() < f64::EPSILON);
    let headers = &settings.response.headers;
    assert!(headers.enabled && settings.response.dynamic_metadata && settings.response.rule_metadata);
    let names = [&headers.limit, &headers.remaining, &headers.reset, &headers.policy];
    assert_eq!(names, ["X-L", "X-R", "X-S", "X-P"]);
    assert!(settings.shadow_mode && settings.quota_mode);
    assert_eq!((settings.store, settings.local.max_entries), (Store::Redis, 9));
    assert_eq!(settings.redis.topology, Topology::Ring);
    assert_eq!(
        settings.redis.urls.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["redis://:****@a:6379", "unix:///run/redis.sock?db=1"]
    );
    assert_eq!(settings.redis.urls[0].password.as_ref().map(Secret::expose), Some("pw"));
    assert_eq!(settings.redis.key_prefix, "");
    let waits = (settings.redis.timeout.as_millis(), settings.redis.connect_timeout.as_millis());
    assert_eq!(waits, (999, 2000));
    assert_eq!(settings.breaker.failures, 2);
    let waits = (settings.breaker.backoff.as_millis(), settings.breaker.max_backoff.as_millis());
    assert_eq!(waits, (20, 20));
    assert_eq!(settings.fallback.on_store_failure, OnStoreFailure::Deny);
    assert_eq!(settings.fallback.replicas, Replicas::Fixed(3.try_into().unwrap()));
    let memory = &settings.over_limit_memory;
    assert_eq!((memory.max_entries, memory.max_age.as_millis()), (0, 100));
    assert_eq!((settings.drain.pause, settings.drain.deadline), (Duration::ZERO, Duration::from_secs(1)));
    assert_eq!(settings.threads, 2);
}

#[test]
fn every_setting_of_what_is_told_is_taken() {
    let settings = accept(EVERY_SETTING, &[], &[]);
    assert!(settings.metrics.upstream_names);
    assert_eq!(settings.metrics.max_label_values, 0);
    let statsd = &settings.metrics.statsd;
    assert_eq!(
        (&statsd.address, statsd.format),
        (&Some(Address::tcp("statsd", 8125)), StatsdFormat::DogStatsd)
    );
    assert_eq!(statsd.flush_interval, Duration::from_secs(1));
    assert_eq!(
        statsd.tags,
        [("env", "prod"), ("a.b", "c/d")].map(|(name, value)| (name.into(), value.into())).into()
    );
    assert_eq!(settings.log.level, "warn,ratekeeper::server=debug");
    assert_eq!(settings.log.format, Format::Json);
    let log = &settings.decision_log;
    assert_eq!(log.outcomes, [Outcome::Over, Outcome::Near]);
    assert_eq!((log.sample_ratio, log.max_per_second, &*log.output), (0.5, 9, "/var/log/decisions"));
    assert_eq!((log.hash.len(), &log.drop), (0, &vec!["cookie".to_owned()]));
    assert_eq!(log.hash_secret.as_ref().map(Secret::expose), Some("together"));
}

#[test]
fn an_empty_setting_keeps_its_default() {
    assert_eq!(
        accept("threads:\nlisten:\nlog: {level: }\nrules: {paths: }\n", &[], &[]),
        Settings::default()
    );
}

#[test]
fn the_example_rules_are_valid() {
    let examples = [
        ("basic.yaml", include_str!("../../../../config/rules/basic.yaml"), "demo", 5),
        ("patterns.yaml", include_str!("../../../../config/rules/patterns.yaml"), "patterns", 4),
        ("modes.yaml", include_str!("../../../../config/rules/modes.yaml"), "modes", 5),
    ];
    let files = examples.map(|(name, text, ..)| SourceFile::new(name, text));
    let domains = parse(&files, RuleOptions::default()).unwrap_or_else(|faults| panic!("{faults}"));
    let found: Vec<_> =
        domains.iter().map(|domain| (domain.name.as_str(), domain.descriptors.len())).collect();
    assert_eq!(found, examples.map(|(_, _, domain, descriptors)| (domain, descriptors)));
}
