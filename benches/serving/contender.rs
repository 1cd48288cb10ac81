//! The servers that can be measured: how each is built and called.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context, ensure};
use clap::ValueEnum;
use ratekeeper::cli::bench::target::Target;

use crate::redis::Redis;

/// Our own binary, which cargo builds before a benchmark.
pub(crate) const RATEKEEPER: &str = env!("CARGO_BIN_EXE_ratekeeper");

/// A server that we start.
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
    /// The same with a ring of three Redis servers.
    Ring,
}

/// A server of the same API that runs already: `HOST:PORT[,PID[,REDIS_PORT]]`.
#[derive(Debug, Clone)]
pub(crate) struct Rival {
    pub(crate) target: Target,
    /// Its process, for its CPU time.
    pub(crate) pid: Option<u32>,
    /// Where its Redis listens on this machine, for that one's.
    pub(crate) redis_port: Option<u16>,
}

impl Contender {
    /// Starts the Redis that it counts in.
    pub(crate) fn redis(self) -> anyhow::Result<Option<Redis>> {
        match self {
            Contender::Constant | Contender::ConstantTonic | Contender::Local => Ok(None),
            Contender::Redis => Redis::single().map(Some),
            Contender::Cluster => Redis::cluster(3).map(Some),
            Contender::Ring => Redis::ring(3).map(Some),
        }
    }

    /// How the constant server is told to serve, where it is one.
    pub(crate) fn constant_way(self) -> Option<&'static str> {
        match self {
            Contender::Constant => Some("cores"),
            Contender::ConstantTonic => Some("tonic"),
            Contender::Local | Contender::Redis | Contender::Cluster | Contender::Ring => None,
        }
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
            Contender::Ring => "ratekeeper, ring of 3",
        })
    }
}

impl FromStr for Rival {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(',');
        let target = parts.next().unwrap_or_default().parse()?;
        let pid = parts.next().map(str::parse).transpose().context("no process number")?;
        let redis_port = parts.next().map(str::parse).transpose().context("no port of a Redis")?;
        ensure!(parts.next().is_none(), "write HOST:PORT[,PID[,REDIS_PORT]]");
        Ok(Self { target, pid, redis_port })
    }
}

/// Builds the constant server, which cargo does not do for a benchmark.
pub(crate) fn build_examples(contenders: &[Contender]) -> anyhow::Result<()> {
    if contenders.iter().all(|contender| contender.constant_way().is_none()) {
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

/// Where that puts it.
pub(crate) fn constant_server() -> PathBuf {
    let mut program = PathBuf::from(RATEKEEPER);
    program.pop();
    program.extend(["examples", "constant_server"]);
    program
}
