//! Lines as they are written, and which there are.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::writer::{Lost, Target, Writer};
use super::{CallerIds, Change, ChangeFault, DecisionLog, DecisionLogSettings, Salt};
use crate::decision::cost::Cost;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::plan::{Modes, Plan};
use crate::decision::request::{Descriptor, Entry, Hits, Request};
use crate::decision::rules::RuleSet;
use crate::decision::rules::spec::{DescriptorSpec, DomainSpec, LimitSpec, Location, QuotaSpec};
use crate::decision::time::Timestamp;
use crate::decision::verdict::{Outcome, Verdict};
use crate::decision::{hit::HitAnswer, reading::Reading};
use crate::service::ManualClock;

const NOW: Timestamp = Timestamp::from_millis(1_735_689_599_001);

/// A log in a file of its own.
struct Scene {
    log: DecisionLog,
    writer: Writer,
    folder: TempDir,
}

fn settings() -> DecisionLogSettings {
    DecisionLogSettings {
        outcomes: [Outcome::Over].into_iter().collect(),
        sample_ratio: 1.0,
        max_per_second: 100,
        hash: vec!["address".into()],
        drop: vec!["token".into()],
    }
}

impl Scene {
    fn new(settings: DecisionLogSettings) -> Self {
        let folder = TempDir::new().unwrap();
        let writer = Writer::start(Target::File(folder.path().join("log"))).unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        let log = DecisionLog::new(settings, Salt::of("secret"), writer.queue(), clock);
        Self { log, writer, folder }
    }

    /// Notes a request whose counters all have this count, of a limit of 2.
    fn note(&self, count: u64, descriptors: &[&[(&str, &str)]]) {
        let rules = rules();
        let descriptors = descriptors.iter().map(|entries| Descriptor {
            entries: entries
                .iter()
                .map(|(key, value)| Entry { key: key.as_bytes(), value: value.as_bytes() })
                .collect(),
            limit_override: None,
            hits: Hits::Take(1),
        });
        let request = Request { domain: "mesh", descriptors: descriptors.collect() };
        let plan = Plan::new(&request, &rules, Modes { near_limit_ratio: 1.0, ..Modes::default() });
        let reading = Reading::of_window(count, count > 2);
        let answers = vec![HitAnswer::from(reading); plan.batch().hits.len()];
        let ids = CallerIds { request_id: Some("id-1"), trace_id: None };
        self.log.note(|| ids, &request, &Verdict::new(&plan, &answers, NOW));
    }

    async fn lines(self) -> Vec<Value> {
        self.writer.finish(Duration::from_secs(10)).await;
        let text = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn rules() -> RuleSet {
    let spec = |key: &str| {
        let location = Location { file: "rules.yaml".into(), line: 4, column: 5 };
        let quota = QuotaSpec::Counted(Limit::new(2, Period::MINUTE));
        let limit = LimitSpec { quota, name: Some("few".into()), replaces: Vec::new(), cost: Cost::PLAIN };
        DescriptorSpec { limit: Some(limit), ..DescriptorSpec::new(key, location) }
    };
    let mut address = spec("address");
    address.descriptors = vec![spec("token")];
    RuleSet::compile(&[DomainSpec { name: "mesh".into(), descriptors: vec![spec("user"), address] }]).unwrap()
}

#[tokio::test]
async fn a_line_tells_who_was_denied_by_what() {
    let scene = Scene::new(settings());
    scene.note(3, &[&[("user", "a\n\"b")], &[("address", "10.0.0.1"), ("token", "hunter2")], &[("k", "v")]]);
    scene.note(2, &[&[("user", "passes")]]);
    let limit = json!({"outcome": "over", "decided_by": "store", "name": "few", "location": "rules.yaml:4",
                       "limit": 2, "unit": "minute", "algorithm": "fixed_window", "hits": 1, "count": 3, "remaining": 0});
    let with = |more: Value| {
        let mut line = limit.clone();
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        line
    };
    let hash = "0cee0d78c9184cf3";
    let expected = json!({
        "time": "2024-12-31T23:59:59.001Z", "domain": "mesh", "denied": true, "request_id": "id-1",
        "statuses": [
            with(json!({"descriptor": 0, "rule": "user", "entries": [{"key": "user", "value": "a%0A\"b"}]})),
            with(json!({"descriptor": 1, "rule": "address,token",
                        "entries": [{"key": "address", "hash": hash}, {"key": "token"}]})),
            {"descriptor": 2, "outcome": "no_rule", "decided_by": "rules", "entries": [{"key": "k", "value": "v"}]},
        ],
    });
    let mut lines = scene.lines().await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines.remove(0), expected);
}

#[tokio::test]
async fn lines_are_bounded_whatever_is_asked() {
    let scene = Scene::new(settings());
    let long = "x".repeat(10_000);
    let many: Vec<(&str, &str)> = vec![("user", &long); 64];
    let one: &[(&str, &str)] = &[("user", &long)];
    scene.note(3, &vec![one; 1_000]);
    scene.note(3, &[&[("user", "a")], &many, &many, &many, &many]);
    let mut hidden: Vec<&[(&str, &str)]> = vec![&[("k", "v")]; 50];
    hidden.push(&[("user", "a")]);
    scene.note(3, &hidden);
    let lines = scene.lines().await;
    let descriptors = |line: &Value| -> Vec<u64> {
        let statuses = line["statuses"].as_array().unwrap();
        statuses.iter().map(|status| status["descriptor"].as_u64().unwrap()).collect()
    };
    assert_eq!((descriptors(&lines[2]), &lines[2]["left_out"]), (vec![50], &json!(50)));
    assert_eq!(lines[0]["statuses"].as_array().unwrap().len(), 32);
    assert_eq!(lines[0]["left_out"], 968);
    let entry = &lines[0]["statuses"][0]["entries"][0];
    assert_eq!((entry["value"].as_str().unwrap().len(), &entry["bytes"]), (128, &json!(10_000)));
    assert!(lines[1].to_string().len() < 32 << 10, "{}", lines[1].to_string().len());
    assert_eq!(lines[1]["left_out"], 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_above_the_rate_is_counted_and_what_is_not_drawn_is_not() {
    let scene = Scene::new(DecisionLogSettings { max_per_second: 5, sample_ratio: 0.5, ..settings() });
    for _ in 0..40 {
        scene.note(3, &[&[("user", "a")]]);
    }
    assert_eq!(scene.writer.tally().lost(Lost::Rate), 15);
    // The thread that writes knows no paused time.
    tokio::time::resume();
    assert_eq!(scene.lines().await.len(), 5);
}

#[tokio::test]
async fn it_is_changed_while_it_runs_or_not_at_all() {
    let scene = Scene::new(settings());
    let change = |change: Change| scene.log.change(&change).map(|_| ());
    let some = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(change(Change { outcomes: some(&["ok", "near"]), ..Change::default() }), Ok(()));
    scene.note(3, &[&[("user", "over")]]);
    scene.note(1, &[&[("user", "ok")]]);
    assert_eq!(change(Change { drop: some(&["user"]), ..Change::default() }), Ok(()));
    scene.note(1, &[&[("user", "unseen")]]);
    let before = scene.log.settings();
    for (wrong, fault) in [
        (Change { outcomes: some(&["okay"]), ..Change::default() }, ChangeFault::NoOutcome("okay".into())),
        (Change { outcomes: some(&[]), ..Change::default() }, ChangeFault::NoOutcomes),
        (Change { sample_ratio: Some(1.5), ..Change::default() }, ChangeFault::SampleRatio(1.5)),
        (Change { max_per_second: Some(0), ..Change::default() }, ChangeFault::MaxPerSecond(0)),
        (
            Change { sample_ratio: Some(0.1), hash: some(&[""]), ..Change::default() },
            ChangeFault::Keys("hash"),
        ),
    ] {
        assert_eq!(change(wrong), Err(fault));
    }
    assert_eq!(scene.log.settings(), before);
    let entries: Vec<Value> =
        scene.lines().await.iter().map(|line| line["statuses"][0]["entries"][0].clone()).collect();
    assert_eq!(entries, [json!({"key": "user", "value": "ok"}), json!({"key": "user"})]);
}
