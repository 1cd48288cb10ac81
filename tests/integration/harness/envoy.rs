//! A real Envoy, from the `.venv` that `scripts/test-setup` makes.

mod bootstrap;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::process::Process;
use super::{Ratekeeper, Upstream, http, wait};
pub(crate) use bootstrap::{Bootstrap, DOMAIN};

/// A running Envoy. Its port was chosen by the kernel.
pub(crate) struct Envoy {
    /// Where clients send their requests to.
    pub(crate) entrance: SocketAddr,
    /// Where Envoy tells about itself.
    pub(crate) admin: SocketAddr,
    process: Process,
    _folder: TempDir,
}

impl Envoy {
    /// An Envoy in front of `upstream` that asks these replicas, ready to be told more.
    pub(crate) fn asking(replicas: &[&Ratekeeper], upstream: &Upstream) -> Bootstrap {
        let replicas = replicas.iter().map(|replica| replica.listen.grpc).collect();
        Bootstrap::new(replicas, upstream.address)
    }

    /// Starts an Envoy with a whole configuration in JSON or YAML, whose listener `entrance` is the one to use.
    pub(crate) async fn start(configuration: &str) -> Self {
        Self::start_at("entrance", configuration).await
    }

    /// The same with a listener of another name.
    pub(crate) async fn start_at(entrance: &str, configuration: &str) -> Self {
        let folder = TempDir::with_prefix("envoy-").unwrap();
        let file = folder.path().join("envoy.yaml");
        std::fs::write(&file, configuration).unwrap();
        let mut process = launch(&file, folder.path());
        let admin = admin_address(&mut process, &folder.path().join("admin-address")).await;
        wait::until("Envoy to be ready", || async {
            http::get(admin, "/ready").await.is_ok_and(|answer| answer.status == 200)
        })
        .await;
        let entrance = wait::for_some("Envoy's listener", || listener(admin, entrance)).await;
        Self { entrance, admin, process, _folder: folder }
    }

    /// Where another one of its listeners is.
    pub(crate) async fn address_of(&self, name: &str) -> SocketAddr {
        wait::for_some("another listener of Envoy's", || listener(self.admin, name)).await
    }

    /// Whether Envoy takes this configuration, and all that it says of it.
    pub(crate) fn validate(configuration: &str) -> (bool, String) {
        let folder = TempDir::with_prefix("envoy-").unwrap();
        let file = folder.path().join("envoy.yaml");
        std::fs::write(&file, configuration).unwrap();
        let mut command = Command::new(program());
        command
            .args(["--mode", "validate", "--disable-hot-restart", "--log-level", "warning", "-c"])
            .arg(file);
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// All that it logged so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// What Envoy counted of a cluster so far, those of nothing aside.
    pub(crate) async fn cluster_statistics(&self, cluster: &str) -> String {
        let path = format!("/stats?usedonly&filter=^cluster.{cluster}");
        http::get(self.admin, &path).await.unwrap().text()
    }

    /// The value of one of Envoy's own counters or gauges; 0 where it has none yet.
    pub(crate) async fn statistic(&self, name: &str) -> u64 {
        let answer = http::get(self.admin, &format!("/stats?filter=^{name}$")).await.unwrap();
        let text = answer.text();
        text.trim().rsplit(": ").next().and_then(|value| value.parse().ok()).unwrap_or(0)
    }
}

fn program() -> PathBuf {
    let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/envoy");
    assert!(program.exists(), "no Envoy at {}: run scripts/test-setup", program.display());
    program
}

fn launch(file: &Path, folder: &Path) -> Process {
    let mut command = Command::new(program());
    command.arg("-c").arg(file).arg("--admin-address-path").arg(folder.join("admin-address"));
    command.args(["--concurrency", "2", "--disable-hot-restart", "--log-level", "warning"]);
    Process::start("envoy", command, folder)
}

/// Envoy writes the address into the file as soon as it has bound it.
async fn admin_address(process: &mut Process, file: &Path) -> SocketAddr {
    let end = tokio::time::Instant::now() + wait::PATIENCE;
    loop {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if let Ok(address) = text.trim().parse() {
            return address;
        }
        assert!(process.exited().is_none(), "Envoy refused its configuration");
        assert!(tokio::time::Instant::now() < end, "Envoy never told its admin address");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

async fn listener(admin: SocketAddr, name: &str) -> Option<SocketAddr> {
    let answer = http::get(admin, "/listeners?format=json").await.ok()?;
    let listeners: Value = serde_json::from_slice(&answer.body).ok()?;
    let found = listeners["listener_statuses"].as_array()?.iter().find(|one| one["name"] == name)?;
    let address = &found["local_address"]["socket_address"];
    format!("{}:{}", address["address"].as_str()?, address["port_value"]).parse().ok()
}
