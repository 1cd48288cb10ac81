//! A server under measurement, with the Redis that it counts in, and one turn of load on it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use ratekeeper::cli::bench::target::Target;
use ratekeeper::cli::bench::{Load, Report};
use tempfile::TempDir;
use tokio::time::Instant;

use crate::contender::{Contender, Rival};
use crate::demand::{measure, probe};
use crate::process::core_times;
use crate::program::{Program, free_ports, pause};
use crate::redis::{Redis, Work};
use crate::scrape;
use crate::setup::{Ports, Setup, rules_folder};

/// How long a server gets to see that the connections of the warm-up are closed, before new ones are dealt to its cores.
const SETTLING: Duration = Duration::from_millis(200);

/// A server that answers.
#[derive(Debug)]
pub(crate) struct Server {
    name: String,
    target: Target,
    pid: Option<u32>,
    redis: Option<Arc<Redis>>,
    started: Option<Started>,
}

/// What only a server has that we started.
#[derive(Debug)]
struct Started {
    contender: Contender,
    program: Program,
    metrics_port: u16,
    ready_after: Duration,
    folder: TempDir,
}

/// What one turn of load showed.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) report: Report,
    pub(crate) store: Option<StoreTurn>,
    /// CPU time of each thread that serves, where the server has one for each core.
    pub(crate) cores: Vec<Duration>,
}

/// What it showed of the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoreTurn {
    /// What Redis did.
    pub(crate) work: Work,
    /// Hits that were decided without it, as far as it tells.
    pub(crate) fallback: f64,
}

impl Server {
    /// Starts it on free ports, with a fresh Redis where it needs one, and waits until it decides.
    pub(crate) fn start(setup: &Setup) -> anyhow::Result<Self> {
        Self::start_with(setup, setup.contender.redis()?.map(Arc::new))
    }

    /// The same with one rule, all cores, and patience for its Redis.
    pub(crate) fn start_plain(contender: Contender) -> anyhow::Result<Self> {
        Self::start(&Setup::of(contender))
    }

    /// The same with a Redis that others may have as well.
    pub(crate) fn start_with(setup: &Setup, redis: Option<Arc<Redis>>) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("ratekeeper-bench-").context("cannot make a temporary folder")?;
        let [grpc, http, metrics, admin] = free_ports()?;
        let ports = Ports { grpc, http, metrics, admin };
        let target = Target::Tcp { host: "127.0.0.1".to_owned(), port: grpc };
        let command = setup.command(folder.path(), ports, redis.as_deref())?;
        let (name, probe) = (setup.contender.to_string(), probe(&target)?);
        let begin = Instant::now();
        let mut program = Program::start(&name, command, folder.path())?;
        program.wait(|| decides(&probe))?;
        let ready_after = begin.elapsed();
        let pid = Some(program.pid());
        let started =
            Some(Started { contender: setup.contender, program, metrics_port: metrics, ready_after, folder });
        Ok(Self { name, target, pid, redis, started })
    }

    /// A server that runs already.
    pub(crate) fn attach(rival: &Rival) -> anyhow::Result<Self> {
        let target = rival.target.clone();
        decides(&probe(&target)?).with_context(|| format!("{target} decides nothing"))?;
        let redis = rival.redis_port.map(|port| Arc::new(Redis::running(port)));
        Ok(Self { name: target.to_string(), target, pid: rival.pid, redis, started: None })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a ratekeeper that we started, not the floor or somebody else's.
    pub(crate) fn is_ours(&self) -> bool {
        self.started.as_ref().is_some_and(|started| started.contender.constant_way().is_none())
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    pub(crate) fn redis(&self) -> Option<&Arc<Redis>> {
        self.redis.as_ref()
    }

    /// Its process.
    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.pid.with_context(|| format!("the process of {} is not known", self.name))
    }

    /// From the start of its process to its first decision.
    pub(crate) fn ready_after(&self) -> anyhow::Result<Duration> {
        Ok(self.started()?.ready_after)
    }

    /// Where its rules are.
    pub(crate) fn rules(&self) -> anyhow::Result<PathBuf> {
        Ok(rules_folder(self.started()?.folder.path()))
    }

    /// How often its log says so.
    pub(crate) fn logged(&self, text: &str) -> anyhow::Result<usize> {
        Ok(self.started()?.program.log().matches(text).count())
    }

    /// The sum of a metric's samples.
    pub(crate) fn metric(&self, name: &str) -> anyhow::Result<f64> {
        scrape::sum(self.started()?.metrics_port, name)
    }

    /// Hits that it decided without its Redis.
    pub(crate) fn fallback(&self) -> anyhow::Result<f64> {
        self.metric("ratekeeper_fallback_decisions_total")
    }

    /// Warms it up and measures. The figures count only if every single answer was OK.
    pub(crate) fn take_turn(&self, load: &Load) -> anyhow::Result<Turn> {
        let turn = self.drive(load).with_context(|| format!("{} could not be measured", self.name))?;
        ensure_all_passed(&self.name, &turn.report)?;
        Ok(turn)
    }

    /// Warming up is a run of its own, so that what the store did meanwhile is left out of its figures, too.
    fn drive(&self, load: &Load) -> anyhow::Result<Turn> {
        self.warm_up(load)?;
        let (store, cores) = (self.store_so_far()?, self.core_times()?);
        let report = measure(&Load { warmup: Duration::ZERO, ..load.clone() }, self.pid)?;
        let cores = self.core_times()?.iter().zip(&cores).map(|(after, before)| *after - *before).collect();
        let store = store.zip(self.store_so_far()?).map(|(before, after)| StoreTurn {
            work: after.work - before.work,
            fallback: after.fallback - before.fallback,
        });
        Ok(Turn { report, store, cores })
    }

    /// Drives it for the time that the load is warmed up.
    pub(crate) fn warm_up(&self, load: &Load) -> anyhow::Result<()> {
        let warm_up = Load { duration: load.warmup, requests: None, warmup: Duration::ZERO, ..load.clone() };
        measure(&warm_up, None)?;
        pause(SETTLING)
    }

    fn store_so_far(&self) -> anyhow::Result<Option<StoreTurn>> {
        let Some(redis) = &self.redis else { return Ok(None) };
        let fallback = if self.started.is_some() { self.fallback()? } else { 0.0 };
        Ok(Some(StoreTurn { work: redis.work()?, fallback }))
    }

    fn core_times(&self) -> anyhow::Result<Vec<Duration>> {
        self.pid.map_or_else(|| Ok(Vec::new()), core_times)
    }

    fn started(&self) -> anyhow::Result<&Started> {
        self.started.as_ref().with_context(|| format!("{} was not started here", self.name))
    }
}

/// Fails unless every request was answered with OK.
pub(crate) fn ensure_all_passed(name: &str, report: &Report) -> anyhow::Result<()> {
    ensure!(!report.interrupted, "interrupted");
    ensure!(
        report.decisions > 0 && report.decisions == report.requests && report.errors.is_empty(),
        "{name} did not answer everything, so its figure means nothing:\n{report}"
    );
    ensure!(report.over_limit == 0, "{name} denied requests that its rules let pass:\n{report}");
    Ok(())
}

/// CPU seconds of the server per million decisions.
pub(crate) fn server_cost(report: &Report) -> f64 {
    report.server.map_or(f64::NAN, |server| server.cost.cpu_seconds_per_million)
}

fn decides(probe: &Load) -> anyhow::Result<()> {
    let report = measure(probe, None)?;
    ensure!(report.decisions == 1, "{report}");
    Ok(())
}
