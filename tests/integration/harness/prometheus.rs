//! A real Prometheus that scrapes what a test serves, by the example and the rules of deploy/prometheus.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::process::Process;
use super::{http, ports, wait};

/// The folder with our rules.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus")
}

/// A running Prometheus.
pub(crate) struct Prometheus {
    address: SocketAddr,
    /// Held for its end.
    _process: Process,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts one that scrapes these addresses twice a second under the job `ratekeeper`, and waits until it answers.
    pub(crate) async fn start(targets: &[SocketAddr]) -> Self {
        let folder = TempDir::with_prefix("prometheus-").unwrap();
        let config = folder.path().join("prometheus.yaml");
        std::fs::write(&config, configuration(targets)).unwrap();
        let address = ports::free();
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()));
        command.arg(format!("--web.listen-address={address}"));
        let mut process = Process::start("prometheus", command, folder.path());
        let end = tokio::time::Instant::now() + wait::PATIENCE;
        while !http::get(address, "/-/ready").await.is_ok_and(|answer| answer.status == 200) {
            assert!(process.exited().is_none(), "Prometheus ended instead of answering");
            assert!(tokio::time::Instant::now() < end, "Prometheus never answered");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Self { address, _process: process, _folder: folder }
    }

    /// The samples that a query finds now.
    ///
    /// # Panics
    ///
    /// Where Prometheus does not take it.
    pub(crate) async fn query(&self, query: &str) -> Vec<Value> {
        let asked = serde_urlencoded::to_string([("query", query)]).unwrap();
        let answer = http::get(self.address, &format!("/api/v1/query?{asked}")).await.unwrap();
        let page = answer.json();
        assert_eq!(page["status"], "success", "{query}: {page}");
        page["data"]["result"].as_array().unwrap_or_else(|| panic!("{query}: {page}")).clone()
    }

    /// Every rule that it evaluates, with its state.
    pub(crate) async fn rules(&self) -> Vec<Value> {
        let page = http::get(self.address, "/api/v1/rules").await.unwrap().json();
        let groups = page["data"]["groups"].as_array().unwrap().clone();
        groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
    }
}

/// The example that we ship, with the test's targets, in a test's time.
fn configuration(targets: &[SocketAddr]) -> String {
    let example = std::fs::read_to_string(folder().join("prometheus.yaml")).unwrap();
    let targets: Vec<String> = targets.iter().map(ToString::to_string).collect();
    let rules = |name: &str| format!("  - {}\n", folder().join(name).display());
    let mut text = example;
    for (from, to) in [
        ("interval: 15s", "interval: 500ms".to_owned()),
        (r#"["ratekeeper-0:9090", "ratekeeper-1:9090"]"#, format!("{targets:?}")),
        ("  - recording.yaml\n", rules("recording.yaml")),
        ("  - alerts.yaml\n", rules("alerts.yaml")),
    ] {
        assert!(text.contains(from), "`{from}` is not in the example any more");
        text = text.replace(from, &to);
    }
    text
}
