//! A server under measurement, with the Redis that it counts in, and one turn of load on it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use anyhow::{Context, ensure};
use ratekeeper::cli::bench::target::Target;
use ratekeeper::cli::bench::{Load, Report, measure};
use tempfile::TempDir;

use crate::contender::{self, Contender, Ports};
use crate::program::{Program, free_ports};
use crate::redis::{Redis, Work};

/// How long a metrics page may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server that answers.
#[derive(Debug)]
pub(crate) struct Server {
    contender: Contender,
    program: Program,
    ports: Ports,
    redis: Option<Redis>,
    _folder: TempDir,
}

/// What one turn of load showed.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) report: Report,
    pub(crate) store: Option<StoreTurn>,
}

/// What it showed of the store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoreTurn {
    /// What Redis did.
    pub(crate) work: Work,
    /// Hits that were decided without it.
    pub(crate) fallback: u64,
}

impl Server {
    /// Starts it on free ports, with a fresh Redis where it needs one, and waits until it decides.
    pub(crate) fn start(contender: Contender) -> anyhow::Result<Self> {
        let folder = TempDir::with_prefix("ratekeeper-bench-").context("cannot make a temporary folder")?;
        let redis = contender.redis()?;
        let [grpc, http, metrics, admin] = free_ports()?;
        let ports = Ports { grpc, http, metrics, admin };
        let command = contender.command(folder.path(), ports, redis.as_ref())?;
        let program = Program::start(&contender.to_string(), command, folder.path())?;
        let mut server = Self { contender, program, ports, redis, _folder: folder };
        let probe = probe(server.target());
        server.program.wait(|| {
            let report = measure(&probe, None)?;
            ensure!(report.decisions == 1, "{report}");
            Ok(())
        })?;
        Ok(server)
    }

    pub(crate) fn target(&self) -> Target {
        Target::Tcp { host: "127.0.0.1".to_owned(), port: self.ports.grpc }
    }

    /// Warms it up and measures. The figures count only if every single answer was OK.
    pub(crate) fn take_turn(&self, load: &Load) -> anyhow::Result<Turn> {
        let turn = self.drive(load).with_context(|| format!("{} could not be measured", self.contender))?;
        let (name, report) = (self.contender, &turn.report);
        ensure!(!report.interrupted, "interrupted");
        ensure!(
            report.decisions > 0 && report.decisions == report.requests && report.errors.is_empty(),
            "{name} did not answer everything, so its figure means nothing:\n{report}"
        );
        ensure!(report.over_limit == 0, "{name} denied requests that its rules let pass:\n{report}");
        Ok(turn)
    }

    /// Warming up is a run of its own, so that what the store did meanwhile is left out of its figures, too.
    fn drive(&self, load: &Load) -> anyhow::Result<Turn> {
        measure(&Load { duration: load.warmup, warmup: Duration::ZERO, ..load.clone() }, None)?;
        let before = self.store_so_far()?;
        let report = measure(&Load { warmup: Duration::ZERO, ..load.clone() }, Some(self.program.pid()))?;
        let store = before.zip(self.store_so_far()?).map(|(before, after)| StoreTurn {
            work: after.work - before.work,
            fallback: after.fallback - before.fallback,
        });
        Ok(Turn { report, store })
    }

    fn store_so_far(&self) -> anyhow::Result<Option<StoreTurn>> {
        let Some(redis) = &self.redis else { return Ok(None) };
        Ok(Some(StoreTurn { work: redis.work()?, fallback: fallback_decisions(self.ports.metrics)? }))
    }
}

/// A single request.
fn probe(target: Target) -> Load {
    Load {
        target,
        connections: NonZeroUsize::MIN,
        streams: NonZeroUsize::MIN,
        rate: None,
        threads: None,
        duration: Duration::ZERO,
        requests: Some(NonZeroU64::MIN),
        warmup: Duration::ZERO,
        timeout: Duration::from_secs(1),
        keys: NonZeroU64::MIN,
        zipf: None,
        domain: contender::DOMAIN.to_owned(),
        entry_key: contender::ENTRY_KEY.to_owned(),
        descriptors: NonZeroUsize::MIN,
    }
}

/// The sum of the samples of the counter on the metrics page, which must be there.
fn fallback_decisions(port: u16) -> anyhow::Result<u64> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).context("no metrics page")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page).context("no metrics page")?;
    let samples = page.lines().filter_map(|line| line.strip_prefix("ratekeeper_fallback_decisions_total{"));
    let values: Vec<u64> = samples.filter_map(|sample| sample.rsplit_once(' ')?.1.parse().ok()).collect();
    ensure!(!values.is_empty(), "fallback decisions are not on the metrics page:\n{page}");
    Ok(values.iter().sum())
}
