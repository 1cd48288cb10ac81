//! One server under load once: connecting, warming up, measuring, and what processes spent meanwhile.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use tokio::time::Instant;

use super::answer::CallError;
use super::connection::Plan;
use super::generator::Generator;
use super::http2::request::RequestHead;
use super::load::Load;
use super::open_files::allow_open_files;
use super::phase::{Extent, Phase};
use super::process::{cpu_time, peak_memory};
use super::report::{Cost, Report, ServerCost};
use super::tally::Tally;
use super::target::Target;
use super::turns::Server;

/// Finds out before the first round whether a server is there: the first one is measured soon enough.
pub fn look_for(load: &Load, server: &Server) -> anyhow::Result<()> {
    reach(load, &server.target)?;
    server.pid.map(cpu_time).transpose()?;
    Ok(())
}

fn reach(load: &Load, target: &Target) -> anyhow::Result<()> {
    open(&Load { target: target.clone(), connections: NonZeroUsize::MIN, ..load.clone() })?;
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

    let own_cost = Cost::new(cpu_time(own_pid)?.saturating_sub(own_before), tally.answered());
    let mut report = Report::new(load, &tally, elapsed, own_cost);
    report.interrupted = interrupted;
    // What was counted until the server went away is not lost with it.
    let server = pid.zip(server_before).map(|(pid, before)| server_cost(pid, before, tally.answered()));
    match server.transpose().and_then(|server| still_there(load, &tally).map(|()| server)) {
        Ok(server) => report.server = server,
        Err(error) => report.lost = Some(format!("{error:#}")),
    }
    Ok(report)
}

fn server_cost(pid: u32, before: Duration, decisions: u64) -> anyhow::Result<ServerCost> {
    let cost = Cost::new(cpu_time(pid)?.saturating_sub(before), decisions);
    Ok(ServerCost { pid, cost, peak_memory_bytes: peak_memory(pid)? })
}

/// Asks the server where there is a doubt: a connection may have been refused only while it started anew.
fn still_there(load: &Load, tally: &Tally) -> anyhow::Result<()> {
    if tally.errors().contains_key(&CallError::ConnectionRefused) {
        reach(load, &load.target)
    } else {
        Ok(())
    }
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
