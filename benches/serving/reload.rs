//! `reload`: many rules and many domains, rewritten every second while load runs, beside two rules that stay.
//!
//! The requests' path is what the threads that serve spend; reading and compiling rules happens on others. So CPU per
//! decision is that of the serving threads alone, while latency shows what the others take from them on a full machine.

mod creep;
mod rewriter;

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use clap::Parser;
use ratekeeper::cli::bench::Load;

use crate::contender::Contender;
use crate::demand::{Callers, Keys, load};
use crate::goal::Goal;
use crate::page::Page;
use crate::process::megabytes;
use crate::rounds::Pace;
use crate::rule_set::RuleSet;
use crate::server::{Server, Turn};
use crate::setup::Setup;
use crate::spread::{Spread, as_f64, figure};
use crate::table::Table;
use rewriter::Rewriter;

/// How much longer a look-up among many rules may take than among two.
const MOST_RATIO: f64 = 1.5;

/// What the 99th percentile may grow by.
const MOST_ADDED_MS: f64 = 1.0;

/// Half a second, and the tenth that files must be quiet before they are read.
const MOST_LOAD_SECONDS: f64 = 0.6;

/// What to measure.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    #[command(flatten)]
    callers: Callers,
    /// Rules in one domain
    #[arg(long, default_value = "100000")]
    rules: NonZeroU32,
    /// Domains, in a file each
    #[arg(long, default_value = "10000")]
    domains: NonZeroU32,
    /// Requests per second where latency is measured
    #[arg(long, default_value = "2000")]
    rate: NonZeroU64,
    /// Reloads, a second apart, under which memory is watched
    #[arg(long, default_value = "60")]
    reloads: NonZeroU32,
}

/// One server under one kind of load.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    server: &'a Server,
    rules: RuleSet,
    reloads: bool,
}

/// What a round showed of it: the closed loop, then the open one.
#[derive(Debug)]
struct Pair {
    cpu: f64,
    p99: f64,
    /// How much of the changes came into force meanwhile; the rest was overtaken by the next one.
    in_force: f64,
}

pub(crate) fn run(options: &Options, pace: Pace, page: &mut Page) -> anyhow::Result<()> {
    let sets = [RuleSet::One, RuleSet::Rules(options.rules.get()), RuleSet::Domains(options.domains.get())];
    let servers: Vec<Server> = sets.iter().map(|&rules| start(rules)).collect::<Result<_, _>>()?;
    load_times(&servers, &sets, pace, page)?;
    let places = places(&servers, &sets);
    let turns = pace.interleave(places.len(), |place| places[place].take_turn(options, pace.turn()))?;
    let seconds = pace.turn().as_secs();
    page.heading(&format!(
        "{} rounds of {seconds} s closed and {seconds} s open loop, {}",
        pace.rounds, options.callers
    ))?;
    let p99 = format!("p99 ms at {} / s", options.rate);
    let head = [
        "rules",
        "rewritten",
        "serving CPU s / M decisions",
        "by the first's",
        &p99,
        "over the first's",
        "changes in force",
    ];
    let (mut table, mut goals) = (Table::new(head), Vec::new());
    for (place, pairs) in places.iter().zip(&turns) {
        let (cells, more) = place.compare(pairs, &turns[0]);
        table.row(cells);
        goals.extend(more);
    }
    page.table(&table)?;
    page.goals(&goals)?;
    for (server, &rules) in servers.iter().zip(&sets).skip(1) {
        creep::watch(server, rules, options, page)?;
    }
    Ok(())
}

fn start(rules: RuleSet) -> anyhow::Result<Server> {
    Server::start(&Setup { rules, log_level: "info", ..Setup::of(Contender::Local) })
}

/// Two rules that stay; the others quiet, to see look-ups, and rewritten.
fn places<'a>(servers: &'a [Server], sets: &[RuleSet]) -> Vec<Place<'a>> {
    let of = |(place, (server, &rules)): (usize, (&'a Server, &RuleSet))| {
        let kinds: &[bool] = if place == 0 { &[false] } else { &[false, true] };
        kinds.iter().map(|&reloads| Place { server, rules, reloads }).collect::<Vec<_>>()
    };
    servers.iter().zip(sets).enumerate().flat_map(of).collect()
}

/// How long rules take to come into force, at the start and when they change, without load.
fn load_times(servers: &[Server], sets: &[RuleSet], pace: Pace, page: &mut Page) -> anyhow::Result<()> {
    page.heading(
        "From the start to the first decision, and from a change to its being in force, without load",
    )?;
    let (mut table, mut goals) =
        (Table::new(["rules", "start, s", "MB", "change, s", "MB after changes"]), Vec::new());
    for (server, &rules) in servers.iter().zip(sets) {
        let (rewriter, pid) = (Rewriter::new(server, rules)?, server.pid()?);
        let at_start = figure(megabytes(pid)?);
        let time = |_| Ok(rewriter.time_one()?.as_secs_f64());
        let times = Spread::of((0..pace.rounds.get()).map(time).collect::<anyhow::Result<Vec<_>>>()?);
        let start = figure(server.ready_after()?.as_secs_f64());
        table.row([rules.to_string(), start, at_start, times.to_string(), figure(megabytes(pid)?)]);
        goals.push(Goal::at_most(
            format!("{rules}: s until a change is in force"),
            MOST_LOAD_SECONDS,
            times.median,
        ));
    }
    page.table(&table)?;
    page.goals(&goals)
}

impl Place<'_> {
    fn take_turn(&self, options: &Options, time: Duration) -> anyhow::Result<Pair> {
        let closed = closed_loop(options, self.server, time)?;
        let open = Load { rate: Some(options.rate), ..closed.clone() };
        let pair = || {
            let closed = self.server.take_turn(&closed)?;
            let open = self.server.take_turn(&open)?;
            Ok(Pair { cpu: serving_cost(&closed), p99: open.report.latency_us.p99 / 1e3, in_force: f64::NAN })
        };
        if !self.reloads {
            return pair();
        }
        let (pair, in_force) = Rewriter::new(self.server, self.rules)?.during(pair)?;
        Ok(Pair { in_force, ..pair })
    }

    fn compare(&self, pairs: &[Pair], first: &[Pair]) -> (Vec<String>, Vec<Goal>) {
        let cpu = |pairs: &[Pair]| pairs.iter().map(|pair| pair.cpu).collect::<Vec<_>>();
        let p99 = |pairs: &[Pair]| pairs.iter().map(|pair| pair.p99).collect::<Vec<_>>();
        let ratio = Spread::of_ratios(&cpu(pairs), &cpu(first));
        let added = Spread::of_differences(&p99(pairs), &p99(first));
        let how = if self.reloads { "every second" } else { "never" };
        let in_force = Spread::of(pairs.iter().map(|pair| pair.in_force));
        let spreads = [Spread::of(cpu(pairs)), ratio, Spread::of(p99(pairs)), added, in_force];
        let name = format!("{}, rewritten {how}", self.rules);
        let goals = vec![
            Goal::at_most(format!("{name}: serving CPU by the first's"), MOST_RATIO, ratio.median),
            Goal::at_most(format!("{name}: p99 over the first's, ms"), MOST_ADDED_MS, added.median),
        ];
        let cells = [self.rules.to_string(), how.to_owned()].into_iter();
        let goals = if self.rules == RuleSet::One { Vec::new() } else { goals };
        (cells.chain(spreads.map(|spread| spread.to_string())).collect(), goals)
    }
}

/// As many keys as there are rules, so that each of them decides something.
fn closed_loop(options: &Options, server: &Server, time: Duration) -> anyhow::Result<Load> {
    load(server.target(), options.callers, Keys::uniform(options.rules.into()), time)
}

/// CPU seconds of the serving threads per million decisions.
fn serving_cost(turn: &Turn) -> f64 {
    let seconds: f64 = turn.cores.iter().map(Duration::as_secs_f64).sum();
    seconds * 1e6 / as_f64(turn.report.decisions)
}
