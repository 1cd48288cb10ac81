//! `ratekeeper bench`: load for any server of `envoy.service.ratelimit.v3.RateLimitService`, and what it did.
//!
//! A closed loop, or an open one at a fixed rate, over raw HTTP/2 with frames that are encoded once, so that on a machine
//! shared with the server the generator takes clearly less CPU than what it measures. The steady figure is the server's CPU time
//! per million decisions; give its process with `--pid`.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::time::Instant;

use self::connection::Plan;
use self::generator::Generator;
use self::http2::request::RequestHead;
pub use self::load::Load;
use self::open_files::allow_open_files;
use self::phase::{Extent, Phase};
use self::process::{cpu_time, peak_memory};
pub use self::report::Report;
use self::report::{Cost, ServerCost};
use self::tally::Tally;

pub mod alarm;
pub mod answer;
pub mod connection;
pub mod frame;
pub mod generator;
pub mod http2;
pub mod keys;
pub mod link;
pub mod load;
pub mod open_files;
pub mod pace;
pub mod phase;
pub mod process;
pub mod report;
pub mod schedule;
pub mod streams;
pub mod tally;
pub mod target;
#[cfg(test)]
mod tests;
pub mod zipf;

/// The arguments of `ratekeeper bench`.
#[derive(Debug, Clone, clap::Args)]
pub struct BenchArgs {
    /// The load.
    #[command(flatten)]
    pub load: Load,

    /// The server's process on this machine, whose CPU time and memory are to be measured
    #[arg(short, long)]
    pub pid: Option<u32>,

    /// How to print the result
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Makes the load and prints the result to standard output.
///
/// # Errors
///
/// When the server cannot be reached, decides nothing, or its process cannot be read.
pub fn run(args: &BenchArgs) -> anyhow::Result<()> {
    let report = measure(&args.load, args.pid)?;
    let text = match args.format {
        Format::Text => report.to_string(),
        Format::Json => serde_json::to_string_pretty(&report)? + "\n",
    };
    std::io::stdout().write_all(text.as_bytes()).context("cannot print the result")?;
    ensure!(report.decisions > 0 || report.interrupted, "the server decided nothing");
    Ok(())
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
