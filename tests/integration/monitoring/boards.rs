//! The dashboards as files: made by their script, and fit for somebody who has never seen them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const NAMES: [&str; 3] = ["overview", "domain", "store"];

/// Units that Grafana knows by these names; a word of our own goes behind `suffix:`.
const UNITS: [&str; 9] =
    ["short", "s", "percentunit", "bytes", "ops", "reqps", "cps", "pps", "suffix: cores"];

/// One query of a dashboard.
pub(super) struct Query {
    /// Where it stands.
    pub(super) place: String,
    /// What it asks, with variables.
    text: String,
}

impl Query {
    /// What Grafana asks where everything is chosen.
    pub(super) fn filled(&self) -> String {
        let mut text = self.text.clone();
        for (variable, value) in [
            ("$__rate_interval", "10s"),
            ("$__range", "1m"),
            ("$job", "ratekeeper"),
            ("$instance", ".*"),
            ("$domain", ".*"),
            ("$rule", ".*"),
        ] {
            text = text.replace(variable, value);
        }
        assert!(!text.contains('$'), "{}: a variable that nobody fills: {text}", self.place);
        text
    }
}

pub(super) fn boards() -> Vec<(&'static str, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/grafana");
    let read = |name| std::fs::read(folder.join(format!("{name}.json"))).unwrap();
    NAMES.map(|name| (name, serde_json::from_slice(&read(name)).unwrap())).into()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// The panels that show something.
fn panels(board: &Value) -> impl Iterator<Item = &Value> {
    list(&board["panels"]).iter().filter(|panel| panel["type"] != "row")
}

/// What the panels ask.
pub(super) fn panel_queries() -> Vec<Query> {
    let mut found = Vec::new();
    for (name, board) in boards() {
        for panel in panels(&board) {
            for target in list(&panel["targets"]) {
                let place = format!("{name}: {}", text(&panel["title"]));
                found.push(Query { place, text: text(&target["expr"]).to_owned() });
            }
        }
    }
    assert!(found.len() > 60, "only {} queries were found", found.len());
    found
}

/// What variables and marks ask; those of variables without Grafana's own function around them.
pub(super) fn other_queries() -> Vec<Query> {
    let mut found = Vec::new();
    for (name, board) in boards() {
        for variable in list(&board["templating"]["list"]).iter().filter(|it| it["type"] == "query") {
            let query = text(&variable["query"]["query"]).strip_prefix("label_values(").unwrap();
            let (query, _label) = query.rsplit_once(", ").unwrap();
            found.push(Query { place: format!("{name}: a variable"), text: query.to_owned() });
        }
        for mark in list(&board["annotations"]["list"]) {
            found.push(Query { place: format!("{name}: a mark"), text: text(&mark["expr"]).to_owned() });
        }
    }
    found
}

#[test]
fn the_dashboards_are_what_their_script_makes() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/dashboards");
    let checked = Command::new(script).arg("--check").output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn every_panel_says_what_it_shows_and_in_which_unit() {
    for (name, board) in boards() {
        assert!(board["schemaVersion"].as_u64() >= Some(39), "{name}");
        assert_eq!(board["uid"], format!("ratekeeper-{name}"));
        let mut titles = BTreeSet::new();
        for panel in panels(&board) {
            let place = format!("{name}: {}", panel["title"]);
            assert!(titles.insert(text(&panel["title"])), "{place} stands twice");
            assert!(text(&panel["description"]).ends_with('.'), "{place} has no description");
            let defaults = &panel["fieldConfig"]["defaults"];
            assert!(UNITS.contains(&text(&defaults["unit"])), "{place} has no unit that is known");
            assert!(!list(&defaults["thresholds"]["steps"]).is_empty(), "{place} has no thresholds");
            for target in list(&panel["targets"]) {
                assert_eq!(target["datasource"]["uid"], "${datasource}", "{place}");
                assert!(text(&target["expr"]).contains(r#"job=~"$job", instance=~"$instance""#), "{place}");
            }
        }
    }
}

#[test]
fn variables_choose_source_job_and_replica() {
    for (name, board) in boards() {
        let variables: Vec<&str> =
            list(&board["templating"]["list"]).iter().map(|it| text(&it["name"])).collect();
        assert!(variables.starts_with(&["datasource", "job", "instance"]), "{name}: {variables:?}");
        assert_eq!(variables[3..] == ["domain", "rule"], name == "domain", "{variables:?}");
    }
}

#[test]
fn panels_have_numbers_of_their_own_and_do_not_overlap() {
    for (name, board) in boards() {
        let (mut taken, mut numbers) = (BTreeSet::new(), BTreeSet::new());
        for panel in list(&board["panels"]) {
            assert!(numbers.insert(panel["id"].as_u64().unwrap()), "{name}: {}", panel["id"]);
            let grid = |side: &str| panel["gridPos"][side].as_u64().unwrap();
            assert!(grid("x") + grid("w") <= 24, "{name}: {} is too wide", panel["title"]);
            for x in grid("x")..grid("x") + grid("w") {
                for y in grid("y")..grid("y") + grid("h") {
                    assert!(taken.insert((x, y)), "{name}: {} lies on another", panel["title"]);
                }
            }
        }
    }
}
