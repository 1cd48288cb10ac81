//! The servers that can be measured: how each is built, called and configured.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use clap::ValueEnum;

use crate::redis::Redis;

/// The domain of the load's requests.
pub(crate) const DOMAIN: &str = "bench";
/// The key of their entries.
pub(crate) const ENTRY_KEY: &str = "key";

/// So high that nothing is denied: every value has a counter of its own, in the longest window that starts often.
const RULES: &str = "\
domain: bench
descriptors:
  - key: key
    rate_limit:
      unit: day
      requests_per_unit: 4000000000
";

/// Our own binary, which cargo builds before a benchmark.
const RATEKEEPER: &str = env!("CARGO_BIN_EXE_ratekeeper");

/// A server to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Contender {
    /// A constant answer, served as ratekeeper serves: the floor.
    Constant,
    /// A constant answer, served by tonic's own `serve` on the multi-threaded runtime.
    ConstantTonic,
    /// `ratekeeper serve` with one rule and the local store.
    Local,
    /// The same with a Redis of its own.
    Redis,
    /// The same with a Redis Cluster of three masters.
    Cluster,
}

/// Where a server listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) grpc: u16,
    pub(crate) http: u16,
    pub(crate) metrics: u16,
    pub(crate) admin: u16,
}

impl Contender {
    /// Starts the Redis that it counts in.
    pub(crate) fn redis(self) -> anyhow::Result<Option<Redis>> {
        match self {
            Contender::Constant | Contender::ConstantTonic | Contender::Local => Ok(None),
            Contender::Redis => Redis::single().map(Some),
            Contender::Cluster => Redis::cluster(3).map(Some),
        }
    }

    /// The command that serves on these ports and counts there.
    pub(crate) fn command(
        self,
        folder: &Path,
        ports: Ports,
        redis: Option<&Redis>,
    ) -> anyhow::Result<Command> {
        match self {
            Contender::Constant => Ok(constant_server("cores", ports.grpc)),
            Contender::ConstantTonic => Ok(constant_server("tonic", ports.grpc)),
            Contender::Local | Contender::Redis | Contender::Cluster => {
                let store = redis.map_or_else(|| "store: local\n".to_owned(), Redis::settings);
                ratekeeper(folder, ports, &store)
            }
        }
    }

    /// Whether it has a Redis.
    pub(crate) fn counts_in_redis(self) -> bool {
        matches!(self, Contender::Redis | Contender::Cluster)
    }

    fn is_example(self) -> bool {
        matches!(self, Contender::Constant | Contender::ConstantTonic)
    }
}

impl fmt::Display for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Contender::Constant => "constant (our transport)",
            Contender::ConstantTonic => "constant (tonic's serve)",
            Contender::Local => "ratekeeper, local store",
            Contender::Redis => "ratekeeper, Redis",
            Contender::Cluster => "ratekeeper, Cluster of 3",
        })
    }
}

/// Builds the constant server, which cargo does not do for a benchmark.
pub(crate) fn build_examples(contenders: &[Contender]) -> anyhow::Result<()> {
    if !contenders.iter().any(|contender| contender.is_example()) {
        return Ok(());
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--release", "--example", "constant_server"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "the constant server does not build");
    Ok(())
}

fn constant_server(way: &str, port: u16) -> Command {
    let mut program = PathBuf::from(RATEKEEPER);
    program.pop();
    program.extend(["examples", "constant_server"]);
    let mut command = Command::new(program);
    command.args(["--serve", way, "--listen", &format!("127.0.0.1:{port}")]);
    command
}

fn ratekeeper(folder: &Path, ports: Ports, store: &str) -> anyhow::Result<Command> {
    let listen = |port| format!("\"127.0.0.1:{port}\"");
    let (grpc, http) = (listen(ports.grpc), listen(ports.http));
    let (metrics, admin) = (listen(ports.metrics), listen(ports.admin));
    let settings = format!(
        "listen: {{grpc: {grpc}, http: {http}, metrics: {metrics}, admin: {admin}}}\n\
         log: {{level: warn}}\n\
         {store}"
    );
    let (config, rules) = (folder.join("ratekeeper.yaml"), folder.join("rules"));
    std::fs::create_dir(&rules).context("cannot make the folder of rules")?;
    std::fs::write(&config, settings).context("cannot write the settings")?;
    std::fs::write(rules.join("bench.yaml"), RULES).context("cannot write the rules")?;
    let mut command = Command::new(RATEKEEPER);
    command.arg("serve").arg("--config").arg(config).arg("--rules").arg(rules);
    Ok(command)
}
