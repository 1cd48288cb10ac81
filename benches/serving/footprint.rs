//! `footprint`: start to first decision, idle memory, and what many live counters cost in memory and in time.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use clap::Parser;
use ratekeeper::cli::bench::{Load, Report};

use crate::contender::Contender;
use crate::demand::{Callers, Keys, load, measure};
use crate::goal::Goal;
use crate::page::Page;
use crate::process::megabytes;
use crate::rounds::Pace;
use crate::rule_set::RuleSet;
use crate::server::{Server, ensure_all_passed, server_cost};
use crate::setup::Setup;
use crate::spread::{Spread, as_f64, figure};
use crate::table::Table;

/// So many that hardly any key is drawn twice.
const VAST_KEYS: Keys = Keys::uniform(NonZeroU64::new(10_000_000_000_000).unwrap());

/// Descriptors in a request, each of which makes a counter.
const DESCRIPTORS: NonZeroUsize = NonZeroUsize::new(100).unwrap();

/// What to measure.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// How often each server is started
    #[arg(long, default_value = "10")]
    starts: NonZeroUsize,
    /// Which servers are started
    #[arg(long, value_enum, value_delimiter = ',', default_value = "local,redis")]
    servers: Vec<Contender>,
    /// Numbers of live counters, in the local store
    #[arg(long, value_delimiter = ',', default_value = "1000000,10000000")]
    entries: Vec<NonZeroU64>,
}

/// A server that has just started.
struct Start {
    milliseconds: f64,
    megabytes: f64,
}

pub(crate) fn run(options: &Options, pace: Pace, page: &mut Page) -> anyhow::Result<()> {
    starts(options, pace, page)?;
    let head = [
        "live counters",
        "MB before",
        "MB with them",
        "bytes each",
        "to make one, CPU µs",
        "to hit one, CPU µs",
    ];
    let (mut table, mut goals) = (Table::new(head), Vec::new());
    for &entries in &options.entries {
        let (cells, goal) = fill(entries)?;
        table.row(cells);
        goals.push(goal);
    }
    page.heading(&format!(
        "Memory of live counters in the local store; {DESCRIPTORS} descriptors in a request"
    ))?;
    page.table(&table)?;
    page.goals(&goals)
}

fn starts(options: &Options, pace: Pace, page: &mut Page) -> anyhow::Result<()> {
    let often = Pace { rounds: options.starts, ..pace };
    let starts = often.interleave(options.servers.len(), |place| {
        let server = Server::start_plain(options.servers[place])?;
        let milliseconds = server.ready_after()?.as_secs_f64() * 1e3;
        Ok(Start { milliseconds, megabytes: megabytes(server.pid()?)? })
    })?;
    page.heading(&format!("{} starts", options.starts))?;
    let (mut table, mut goals) = (Table::new(["server", "ms to the first decision", "idle, MB"]), Vec::new());
    for (contender, starts) in options.servers.iter().zip(&starts) {
        let time = Spread::of(starts.iter().map(|start| start.milliseconds));
        let memory = Spread::of(starts.iter().map(|start| start.megabytes));
        table.row([contender.to_string(), time.to_string(), memory.to_string()]);
        goals.push(Goal::at_most(format!("{contender}: ms to the first decision"), 100.0, time.median));
        goals.push(Goal::at_most(format!("{contender}: idle, MB"), 20.0, memory.max));
    }
    page.table(&table)?;
    page.goals(&goals)
}

/// Makes so many counters, a few of them before the rest, then hits the same ones again: streams draw the same sequence of keys in every run.
fn fill(entries: NonZeroU64) -> anyhow::Result<(Vec<String>, Goal)> {
    let Filled { server, callers, before, with, made_entries, made } = filled(RuleSet::One, entries)?;
    let hit = pass(&server, callers, entries)?;
    let each = (with - before) * 1e6 / made_entries;
    let cost = |report: &Report| server_cost(report) / as_f64(DESCRIPTORS.get() as u64);
    let figures = [before, with, each, cost(&made), cost(&hit)].map(figure);
    let cells = std::iter::once(format!("{made_entries}")).chain(figures).collect();
    // 120 MB for a million.
    Ok((cells, Goal::at_most(format!("bytes of one of {entries} counters"), 120.0, each)))
}

/// The bytes that a counter of such rules takes in the local store, after one hit.
pub(crate) fn bytes_each(rules: RuleSet, entries: NonZeroU64) -> anyhow::Result<f64> {
    let Filled { before, with, made_entries, .. } = filled(rules, entries)?;
    Ok((with - before) * 1e6 / made_entries)
}

/// A server with many counters.
struct Filled {
    server: Server,
    callers: Callers,
    /// Megabytes before and with them.
    before: f64,
    with: f64,
    made_entries: f64,
    made: Report,
}

fn filled(rules: RuleSet, entries: NonZeroU64) -> anyhow::Result<Filled> {
    // Room for a tenth more, so that nothing has to give way.
    let max_entries = Some(entries.get() + entries.get() / 10);
    let server = Server::start(&Setup { max_entries, rules, ..Setup::of(Contender::Local) })?;
    // Connections and what is in the air on them take memory, too, which is not the counters'.
    let callers =
        Callers { connections: NonZeroUsize::new(2).unwrap_or(NonZeroUsize::MIN), streams: DESCRIPTORS };
    pass(&server, callers, NonZeroU64::MIN.saturating_add(entries.get() / 50))?;
    let before = megabytes(server.pid()?)?;
    let present = server.metric("ratekeeper_store_entries")?;
    let made = pass(&server, callers, entries)?;
    let (with, made_entries) =
        (megabytes(server.pid()?)?, server.metric("ratekeeper_store_entries")? - present);
    Ok(Filled { server, callers, before, with, made_entries, made })
}

fn pass(server: &Server, callers: Callers, entries: NonZeroU64) -> anyhow::Result<Report> {
    let load = load(server.target(), callers, VAST_KEYS, Duration::ZERO)?;
    let requests = NonZeroU64::new(entries.get() / DESCRIPTORS.get() as u64);
    let warmup = Duration::ZERO;
    let load = Load { requests, warmup, descriptors: DESCRIPTORS, ..load };
    let report = measure(&load, Some(server.pid()?))?;
    ensure_all_passed(server.name(), &report)?;
    Ok(report)
}
