//! `ratekeeper bench`: load for any server of `envoy.service.ratelimit.v3.RateLimitService`, and what it did.
//!
//! A closed loop, or an open one at a fixed rate, over raw HTTP/2 with frames that are encoded once, so that on a machine
//! shared with the server the generator takes clearly less CPU than what it measures. The steady figure is the server's CPU time
//! per million decisions; give its process with `--pid`.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::time::Instant;

use self::connection::Plan;
use self::generator::Generator;
use self::http2::request::RequestHead;
pub use self::load::Load;
use self::machine::Machine;
use self::open_files::allow_open_files;
use self::phase::{Extent, Phase};
use self::process::{cpu_time, peak_memory};
pub use self::report::Report;
use self::report::html::Page;
use self::report::results::{Circumstances, Results};
use self::report::text::Text;
use self::report::{Cost, ServerCost, json};
use self::tally::Tally;
use self::target::Target;
use self::turns::{Server, take_turns};
use crate::decision::time::Timestamp;
use crate::service::clock::{Clock, SystemClock};

pub mod alarm;
pub mod answer;
pub mod connection;
pub mod frame;
pub mod generator;
pub mod http2;
pub mod keys;
pub mod latencies;
pub mod link;
pub mod load;
pub mod machine;
pub mod open_files;
pub mod pace;
pub mod phase;
pub mod process;
pub mod report;
pub mod schedule;
pub mod slices;
pub mod spread;
pub mod streams;
pub mod tally;
pub mod target;
#[cfg(test)]
mod tests;
pub mod turns;
pub mod zipf;

/// The arguments of `ratekeeper bench`.
#[derive(Debug, Clone, clap::Args)]
pub struct BenchArgs {
    /// The load.
    #[command(flatten)]
    pub load: Load,

    /// Another server to measure under the same load, in turn with the first, up to 8 of them
    #[arg(short, long, value_name = "TARGET")]
    pub against: Vec<Target>,

    /// How often to measure each server, up to 100 times [default: 1, with --against 3]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub rounds: Option<u8>,

    /// The servers' processes on this machine, whose CPU time and memory are to be measured: one for each server, in
    /// their order, as in 12,34
    #[arg(short, long = "pid", value_name = "PID", value_delimiter = ',')]
    pub pids: Vec<u32>,

    /// How to print the result
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,

    /// Where to write the result, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people at a terminal.
    Text,
    /// For programs.
    Json,
    /// A page with plots, for people with a browser.
    Html,
}

/// So many can be told apart in a plot, beside the first.
const MOST_OTHERS: usize = 8;

impl BenchArgs {
    /// The servers in their order, the first being what the others are compared with.
    ///
    /// # Errors
    ///
    /// When there are too many, or not one process for each of them.
    pub fn servers(&self) -> anyhow::Result<Vec<Server>> {
        let targets: Vec<&Target> = std::iter::once(&self.load.target).chain(&self.against).collect();
        ensure!(
            self.against.len() <= MOST_OTHERS,
            "--against was given {} times: at most {MOST_OTHERS} servers can be compared with the first",
            self.against.len()
        );
        ensure!(
            self.pids.is_empty() || self.pids.len() == targets.len(),
            "{} processes were given for {} servers: give --pid once for each, in the same order, or leave it out",
            self.pids.len(),
            targets.len()
        );
        let pids = self.pids.iter().copied().map(Some).chain(std::iter::repeat(None));
        Ok(targets
            .into_iter()
            .zip(pids)
            .map(|(target, pid)| Server { target: target.clone(), pid })
            .collect())
    }

    /// How often each server is measured.
    #[must_use]
    pub fn round_count(&self) -> usize {
        let default = if self.against.is_empty() { 1 } else { 3 };
        self.rounds.unwrap_or(default).into()
    }
}

/// Makes the load and writes the result.
///
/// # Errors
///
/// When a server cannot be reached, decides nothing, or its process cannot be read; when the result cannot be written.
pub fn run(args: &BenchArgs) -> anyhow::Result<()> {
    // Before the load, which may take long: nobody wants to learn after it that there is no such folder.
    let output = args.output.as_deref().map(open_output).transpose()?;
    let circumstances = Circumstances {
        date: utc_date(SystemClock.now()),
        command: std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect(),
        machine: Machine::this(),
    };
    let results = compare(args, circumstances)?;
    let text = match args.format {
        Format::Text => Text(&results).to_string(),
        Format::Json => json::write(&results)?,
        Format::Html => Page(&results).to_string(),
    };
    match output {
        None => std::io::stdout().write_all(text.as_bytes()).context("cannot print the result")?,
        Some(file) => write_output(file, &text).context("cannot write the result")?,
    }
    let idle = |server: &&report::results::ServerResults| server.latency.count() == 0;
    match results.servers.iter().find(idle) {
        Some(server) if !results.interrupted => bail!("{} decided nothing", server.target),
        _ => Ok(()),
    }
}

/// Measures all servers in all rounds.
///
/// # Errors
///
/// When a server cannot be reached, decides nothing while warming up, or its process cannot be read.
pub fn compare(args: &BenchArgs, circumstances: Circumstances) -> anyhow::Result<Results> {
    let servers = args.servers()?;
    for (place, server) in servers.iter().enumerate().skip(1) {
        look_for(&args.load, server).with_context(|| format!("cannot compare with server {}", place + 1))?;
    }
    let turns = take_turns(&args.load, &servers, args.round_count(), measure)?;
    Ok(Results::new(circumstances, &servers, turns))
}

/// Finds out before the first round whether a server is there: the first one is measured soon enough.
fn look_for(load: &Load, server: &Server) -> anyhow::Result<()> {
    open(&Load { target: server.target.clone(), connections: NonZeroUsize::MIN, ..load.clone() })?;
    server.pid.map(cpu_time).transpose()?;
    Ok(())
}

/// What is in the file stays there until there is something better.
fn open_output(path: &Path) -> anyhow::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(false);
    options.open(path).with_context(|| format!("cannot write to {}", path.display()))
}

fn write_output(mut file: File, text: &str) -> std::io::Result<()> {
    // Pipes and devices have no length that could be set.
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    file.write_all(text.as_bytes())
}

/// As RFC 3339 writes it, to the second.
fn utc_date(now: Timestamp) -> String {
    let seconds = i64::try_from(now.millis() / 1000).unwrap_or(i64::MAX);
    prost_types::Timestamp { seconds, nanos: 0 }.to_string()
}

/// Connects, warms up and measures. Ctrl-C ends it early with what there is by then.
///
/// # Errors
///
/// When the server cannot be reached, decides nothing while warming up, or its process cannot be read.
pub fn measure(load: &Load, pid: Option<u32>) -> anyhow::Result<Report> {
    let mut generators = open(load)?;
    if warm_up(&mut generators, load)? {
        let mut report = Report::new(load, &Tally::new(), Duration::ZERO, Cost::new(Duration::ZERO, 0));
        report.interrupted = true;
        return Ok(report);
    }

    let own_pid = std::process::id();
    let (own_before, server_before) = (cpu_time(own_pid)?, pid.map(cpu_time).transpose()?);
    let begin = Instant::now();
    let (tally, interrupted) = run_phase(&mut generators, load.extent(), load.patience())?;
    let elapsed = begin.elapsed();

    let cost = |before: Duration, after: Duration| Cost::new(after.saturating_sub(before), tally.answered());
    let mut report = Report::new(load, &tally, elapsed, cost(own_before, cpu_time(own_pid)?));
    report.interrupted = interrupted;
    if let (Some(pid), Some(before)) = (pid, server_before) {
        let cost = cost(before, cpu_time(pid)?);
        report.server = Some(ServerCost { pid, cost, peak_memory_bytes: peak_memory(pid)? });
    }
    Ok(report)
}

fn open(load: &Load) -> anyhow::Result<Vec<Generator>> {
    let connections = load.connections.get() as u64;
    // With a rate, each connection has a timer too.
    allow_open_files(if load.rate.is_some() { connections.saturating_mul(2) } else { connections })?;
    let plan = Arc::new(Plan {
        target: load.target.clone(),
        connect_timeout: load.timeout,
        streams: load.streams.get(),
        template: load.template(),
        keys: load.key_space()?,
        head: RequestHead::new(&load.target)?,
        rate: load.rate,
        connections,
    });
    let threads = load.thread_count();
    // Dealt out like cards, so that no thread has two more than another.
    let share = |thread: usize| (thread as u64..connections).step_by(threads);
    (0..threads).map(|thread| Ok(Generator::open(&plan, share(thread))?)).collect()
}

/// Whether the warm-up was interrupted.
fn warm_up(generators: &mut [Generator], load: &Load) -> anyhow::Result<bool> {
    if load.warmup.is_zero() {
        return Ok(false);
    }
    let (tally, interrupted) = run_phase(generators, Extent::Lasting(load.warmup), load.patience())?;
    if tally.answered() == 0 && !interrupted {
        let errors: Vec<String> = tally.errors().iter().map(|(error, n)| format!("{n} × {error}")).collect();
        bail!("{} decided nothing while warming up: {}", load.target, errors.join(", "));
    }
    Ok(interrupted)
}

/// Runs all generators through one phase, each on a thread of its own; also whether it was interrupted.
fn run_phase(
    generators: &mut [Generator],
    extent: Extent,
    patience: Duration,
) -> anyhow::Result<(Tally, bool)> {
    let phase = Arc::new(Phase::begin(extent));
    let mut total = Tally::new();
    std::thread::scope(|scope| {
        let phase = &phase;
        let start = |generator| {
            std::thread::Builder::new()
                .name("bench".to_owned())
                .spawn_scoped(scope, move || Generator::run(generator, phase, patience))
        };
        let threads: Vec<_> = generators.iter_mut().map(start).collect::<Result<_, _>>()?;
        for thread in threads {
            let Ok(tally) = thread.join() else { bail!("a generator thread panicked") };
            total.merge(&tally);
        }
        Ok(())
    })?;
    Ok((total, phase.interrupted()))
}
