//! Alerts and recording rules as files: promtool takes them, each alert is tested both ways, and somebody knows what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use crate::docs::markdown::{Page, pages, slug};
use crate::harness::prometheus::folder;

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

/// Every alert, with the lines that follow its name.
fn alerts() -> BTreeMap<String, String> {
    let text = read("alerts.yaml");
    let blocks: Vec<&str> = text.split("      - alert: ").skip(1).collect();
    let named = |block: &&str| {
        let (name, rest) = block.split_once('\n').unwrap();
        (name.to_owned(), rest.to_owned())
    };
    let found: BTreeMap<String, String> = blocks.iter().map(named).collect();
    assert_eq!(found.len(), blocks.len(), "an alert stands twice");
    assert!(found.len() > 10);
    found
}

fn test_files() -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder().join("tests")).unwrap().map(|entry| entry.unwrap().path());
    let found: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|it| it == "yaml")).collect();
    assert!(!found.is_empty());
    found
}

pub(super) fn runbooks() -> Page {
    pages().into_iter().find(|page| page.name == "docs/runbooks.md").unwrap()
}

#[track_caller]
fn promtool(words: &[&str], files: &[PathBuf]) {
    let output = Command::new("promtool").args(words).args(files).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "promtool {words:?}:\n{}", String::from_utf8_lossy(&said));
}

#[test]
fn promtool_accepts_the_rules() {
    let files = ["recording.yaml", "alerts.yaml"].map(|name| folder().join(name));
    promtool(&["check", "rules", "--lint=all", "--lint-fatal"], &files);
    promtool(&["check", "config"], &[folder().join("prometheus.yaml")]);
}

#[test]
fn alerts_fire_where_they_should_and_are_quiet_elsewhere() {
    promtool(&["test", "rules"], &test_files());
}

#[test]
fn every_alert_is_tested_both_ways() {
    let tests: String = test_files().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let (mut firing, mut quiet) = (BTreeSet::new(), BTreeSet::new());
    for case in tests.split("  - name: ").skip(1) {
        let name = case.split(',').next().unwrap();
        assert!(case.contains(&format!("- alertname: {name}\n")), "{name}: the test asks for another alert");
        let seen = if case.contains("- exp_labels:") { &mut firing } else { &mut quiet };
        seen.insert(name.to_owned());
        let is_later = alerts()[name].contains("        for: ");
        assert_eq!(case.contains("# Not at once."), is_later && case.contains("exp_labels"), "{name}");
    }
    let all: BTreeSet<String> = alerts().into_keys().collect();
    assert_eq!(firing, all, "alerts of which a test shows that they fire");
    assert_eq!(quiet, all, "alerts of which a test shows that they are quiet");
}

#[test]
fn every_alert_says_how_bad_it_is_and_where_to_read_on() {
    for (name, text) in alerts() {
        let severities = ["critical", "warning", "info"].map(|it| format!("labels: {{severity: {it}}}\n"));
        assert!(severities.iter().any(|line| text.contains(line)), "{name} has no severity");
        for part in ["summary: \"", "description: \""] {
            assert!(text.contains(part), "{name} has no {part}");
        }
        let anchor = format!("runbook_url: \"docs/runbooks.md#{}\"", slug(&name));
        assert!(text.contains(&anchor), "{name} does not lead to its runbook");
    }
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let page = runbooks();
    let sections: Vec<&str> = page.text.split("\n## ").skip(1).collect();
    let names: BTreeSet<String> =
        sections.iter().map(|section| section.lines().next().unwrap().to_owned()).collect();
    assert_eq!(names, alerts().into_keys().collect());
    assert_eq!(names.len(), sections.len(), "a runbook stands twice");
    for section in sections {
        let name = section.lines().next().unwrap();
        for part in ["**For users:**", "**See more:**", "```promql", "**Do:**", "**Ends**"] {
            assert!(section.contains(part), "{name} has no {part}");
        }
    }
}
