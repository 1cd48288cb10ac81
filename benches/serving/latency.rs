//! `latency`: how long answers take at a fixed rate, and how much of that is not the floor's.
//!
//! Open loop: requests are due at their time whatever the server does, and latency counts from then on. So a stall shows
//! in every request that was due meanwhile, not only in those that were under way.

use std::num::NonZeroU64;

use anyhow::ensure;
use clap::Parser;
use ratekeeper::cli::bench::report::Latency;
use ratekeeper::cli::bench::{Load, Report};

use crate::contender::{Contender, build_examples};
use crate::demand::{Callers, Keys, load};
use crate::goal::Goal;
use crate::page::Page;
use crate::rounds::Pace;
use crate::server::Server;
use crate::spread::{Spread, as_f64};
use crate::table::Table;

/// What to measure.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    #[command(flatten)]
    callers: Callers,
    /// Requests per second
    #[arg(long, default_value = "5000")]
    rate: NonZeroU64,
    /// Which servers, the first of them being the floor
    #[arg(long, value_enum, value_delimiter = ',', default_value = "constant,local,redis")]
    servers: Vec<Contender>,
    /// Size of the key space, and the exponent of Zipf's law; 1 is one hot key
    #[arg(long, value_name = "N[:S]", default_value = "10000")]
    keys: Keys,
}

/// What a turn showed.
#[derive(Debug, Clone, Copy)]
struct Seen {
    latency: Latency,
    /// How late the load itself was, in milliseconds.
    late: f64,
}

/// Reads a quantile, in microseconds.
type Quantile = fn(&Latency) -> f64;

/// What is read of a latency, by its name.
const QUANTILES: [(&str, Quantile); 3] =
    [("p50", |latency| latency.p50), ("p99", |latency| latency.p99), ("p99.9", |latency| latency.p999)];

pub(crate) fn run(options: &Options, pace: Pace, page: &mut Page) -> anyhow::Result<()> {
    build_examples(&options.servers)?;
    let servers: Vec<Server> =
        options.servers.iter().map(|&contender| Server::start_plain(contender)).collect::<Result<_, _>>()?;
    let turns = pace.interleave(servers.len(), |place| {
        let server = &servers[place];
        let load = load(server.target(), options.callers, options.keys, pace.turn())?;
        let report = server.take_turn(&Load { rate: Some(options.rate), ..load })?.report;
        ensure_rate(&report, options.rate)?;
        let late = report.punctuality.map_or(f64::NAN, |punctuality| punctuality.delay_us.p99 / 1e3);
        Ok(Seen { latency: report.latency_us, late })
    })?;
    let (rounds, seconds, rate) = (pace.rounds, pace.turn().as_secs(), options.rate);
    page.heading(&format!(
        "Latency at {rate} requests per second, in ms; {rounds} rounds of {seconds} s, {}; {}",
        options.callers, options.keys
    ))?;
    page.table(&table(&servers, &turns))?;
    page.goals(&goals(options, &servers, &turns))
}

/// What was sent more slowly was no open loop, and its latencies look better than they are.
pub(crate) fn ensure_rate(report: &Report, rate: NonZeroU64) -> anyhow::Result<()> {
    let reached = as_f64(report.requests) / report.seconds / as_f64(rate.get());
    ensure!((0.95..1.05).contains(&reached), "the load was not {rate} requests per second:\n{report}");
    Ok(())
}

fn table(servers: &[Server], turns: &[Vec<Seen>]) -> Table {
    let names = QUANTILES.map(|(name, _)| name);
    let head = ["server".to_owned()].into_iter().chain(names.map(str::to_owned));
    let added_names = names.map(|name| format!("{name} over the first's"));
    let mut table = Table::new(head.chain(added_names).chain(["load late, p99".to_owned()]));
    let Some(floor) = turns.first() else { return table };
    for (server, turns) in servers.iter().zip(turns) {
        let late = Spread::of(turns.iter().map(|turn| turn.late)).to_string();
        let spreads = QUANTILES.map(|(_, of)| Spread::of(milliseconds(turns, of)).to_string());
        let added = QUANTILES.map(|(_, of)| added(turns, floor, of).to_string());
        table.row([server.name().to_owned()].into_iter().chain(spreads).chain(added).chain([late]));
    }
    table
}

fn goals(options: &Options, servers: &[Server], turns: &[Vec<Seen>]) -> Vec<Goal> {
    let Some(floor) = turns.first() else { return Vec::new() };
    let goal = |((kind, server), turns): ((&Contender, &Server), &Vec<Seen>)| {
        let most = match kind {
            Contender::Local => 0.3,
            Contender::Redis => 1.0,
            _ => return None,
        };
        let what = format!("{}: p99 over the floor's, ms", server.name());
        Some(Goal::at_most(what, most, added(turns, floor, |latency| latency.p99).median))
    };
    options.servers.iter().zip(servers).zip(turns).filter_map(goal).collect()
}

fn added(turns: &[Seen], floor: &[Seen], of: Quantile) -> Spread {
    Spread::of_differences(&milliseconds(turns, of), &milliseconds(floor, of))
}

fn milliseconds(turns: &[Seen], of: Quantile) -> Vec<f64> {
    turns.iter().map(|turn| of(&turn.latency) / 1e3).collect()
}
