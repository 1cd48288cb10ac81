//! The documentation tells the truth: settings and their defaults, flags, rule examples, links, names of files, and commands.

mod algorithms;
mod commands;
pub(crate) mod console;
mod figures;
mod gate;
pub(crate) mod markdown;
mod plots;
mod shell;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::CommandFactory;
use ratekeeper::cli::Arguments;
use ratekeeper::config::rules::{RuleOptions, parse};
use ratekeeper::config::settings::Settings;
use ratekeeper::config::source::SourceFile;
use serde_json::Value;

use markdown::{Page, pages, slug};

/// Every setting by its path, with its default as one writes it.
fn defaults() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    collect("", &serde_json::to_value(Settings::default()).unwrap(), &mut found);
    found
}

fn collect(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    // An empty mapping is a setting whose names are the operator's to choose.
    let Some(fields) = value.as_object().filter(|fields| !fields.is_empty()) else {
        found.insert(path.to_owned(), written(value));
        return;
    };
    for (name, value) in fields {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        collect(&path, value, found);
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn readme() -> Page {
    pages().into_iter().find(|page| page.name == "README.md").unwrap()
}

#[test]
fn the_table_names_every_setting_with_its_default() {
    let rows = readme().table("| setting | default | meaning |");
    let unmarked = |cell: &str| cell.trim_matches('`').to_owned();
    let told: BTreeMap<_, _> = rows.iter().map(|row| (unmarked(&row[0]), unmarked(&row[1]))).collect();
    assert_eq!(told.len(), rows.len(), "a setting stands twice");
    assert_eq!(told, defaults());
    assert!(rows.iter().all(|row| !row[2].is_empty()), "a setting without its meaning");
}

#[test]
fn the_readme_names_every_flag_of_serve() {
    let text = readme().text;
    let command = Arguments::command();
    let serve = command.find_subcommand("serve").unwrap();
    let flags: Vec<_> = serve.get_arguments().filter_map(|argument| argument.get_long()).collect();
    assert!(flags.contains(&"rules"), "{flags:?}");
    let missing: Vec<_> = flags.iter().filter(|flag| !text.contains(&format!("`--{flag}"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_rule_example_is_accepted() {
    let mut count = 0;
    for page in pages() {
        for (line, block) in page.blocks("yaml") {
            if block.lines().any(|text| text.starts_with("domain:")) {
                let file = SourceFile::new(format!("{} (from line {line})", page.name), block);
                parse(&[file], RuleOptions::default()).unwrap_or_else(|faults| panic!("{faults}"));
                count += 1;
            }
        }
    }
    assert!(count > 5, "only {count} examples were found");
}

/// The fields of rule files that envoyproxy/ratelimit reads as well.
const UPSTREAM: [&str; 15] = [
    "key",
    "value",
    "rate_limit",
    "descriptors",
    "shadow_mode",
    "quota_mode",
    "detailed_metric",
    "value_to_metric",
    "share_threshold",
    "metadata",
    "unit",
    "requests_per_unit",
    "unlimited",
    "name",
    "replaces",
];

/// The fields that a rule may have where this text has one that nobody knows: the fault tells them.
fn known_fields(descriptor: &str) -> Vec<String> {
    let text = format!("domain: d\ndescriptors:\n  - {descriptor}\n");
    let faults = parse(&[SourceFile::new("a.yaml", text)], RuleOptions::default()).unwrap_err().to_string();
    let told = faults.lines().find_map(|line| line.split_once("known here: ")).unwrap().1;
    told.split(", ").map(str::to_owned).collect()
}

#[test]
fn the_table_of_rules_names_every_field() {
    let page = pages().into_iter().find(|page| page.name == "docs/rules.md").unwrap();
    let first = page.table("| field | value | meaning |").into_iter().map(|row| row[0].replace('`', ""));
    let told: BTreeSet<_> =
        first.flat_map(|cell| cell.split(", ").map(str::to_owned).collect::<Vec<_>>()).collect();
    let own = known_fields("{key: k, qqq: 1}").into_iter().filter(|field| field != "rate_limit");
    let limits = known_fields("{key: k, rate_limit: {unlimited: true, qqq: 1}}");
    assert_eq!(told, own.chain(limits.iter().map(|field| format!("rate_limit.{field}"))).collect());
}

#[test]
fn the_way_back_to_upstream_names_every_field_of_ours() {
    let page = pages().into_iter().find(|page| page.name == "docs/upgrade.md").unwrap();
    let back = page.text.split("\n\n").find(|text| text.starts_with("**Back** is")).unwrap();
    let all =
        [known_fields("{key: k, qqq: 1}"), known_fields("{key: k, rate_limit: {unlimited: true, qqq: 1}}")]
            .concat();
    let ours = all.iter().filter(|field| !UPSTREAM.contains(&field.as_str()));
    let missing: Vec<_> = ours.filter(|field| back.matches(field.as_str()).count() < 2).collect();
    assert!(missing.is_empty(), "neither told nor looked for: {missing:?}");
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let mut dead = Vec::new();
    for page in &pages {
        for link in page.links().filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.path.clone() } else { page.folder().join(path) };
            let heading_is_there = || {
                let text = std::fs::read_to_string(&target).unwrap_or_default();
                text.lines().filter(|line| line.starts_with('#')).any(|heading| slug(heading) == anchor)
            };
            if !target.exists() || !(anchor.is_empty() || heading_is_there()) {
                dead.push(format!("{}: {link}", page.name));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

/// Names of files and folders may start at the project or at `src/`.
#[test]
fn every_file_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bases = [root.to_owned(), root.join("src")];
    let exists = |name: &str| bases.iter().any(|base| base.join(name).exists());
    // What a build or the set-up makes is there or not.
    let is_made = |name: &str| ["target/", ".venv/", ".tools/"].iter().any(|made| name.starts_with(made));
    let in_project = |name: &str| name.split_once('/').is_some_and(|(folder, _)| exists(folder));
    let is_file = |name: &str| {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte));
        let suffix = [".rs", ".toml", "/"].iter().any(|suffix| name.ends_with(suffix));
        plain && !name.starts_with('/') && !is_made(name) && (suffix || in_project(name))
    };
    let (mut count, mut missing) = (0, Vec::new());
    for page in pages() {
        for name in page.code_spans().filter(|span| is_file(span)) {
            count += 1;
            if !exists(name) {
                missing.push(format!("{}: {name}", page.name));
            }
        }
    }
    assert!(count > 20, "only {count} names were found");
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
