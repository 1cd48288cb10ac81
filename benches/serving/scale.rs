//! `scale`: several replicas on one Redis, a Cluster of three, and a ring of three, beside one replica.
//!
//! Each replica serves with as many threads as one alone does: what is compared is what a decision costs, not how many
//! fit into this machine. The callers are as many in all whatever the number of replicas, so several replicas have fewer
//! each, and share fewer wake-ups and script calls among them; `--per-replica` gives each as many as one alone, which
//! leaves what replicas themselves cost.

use std::num::NonZeroUsize;

use anyhow::Context;
use clap::Parser;

use crate::contender::{Contender, build_examples};
use crate::demand::{Callers, Keys};
use crate::fleet::{Fleet, FleetTurn};
use crate::goal::Goal;
use crate::page::Page;
use crate::rounds::Pace;
use crate::setup::Setup;
use crate::spread::Spread;
use crate::table::Table;

/// How much of one replica's decisions per CPU second several should reach.
const LEAST_SHARE: f64 = 0.9;

/// What to measure.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Numbers of replicas, the first of them being what the others are compared with
    #[arg(long, value_delimiter = ',', default_value = "1,2,4")]
    replicas: Vec<NonZeroUsize>,
    /// Which stores; the floor has none, and shows what this machine itself takes from several processes
    #[arg(long, value_enum, value_delimiter = ',', default_value = "constant,redis,cluster,ring")]
    servers: Vec<Contender>,
    /// Threads of each replica
    #[arg(long, default_value = "1")]
    threads: NonZeroUsize,
    /// Connections to all replicas together
    #[arg(long, default_value = "4")]
    connections: NonZeroUsize,
    /// Streams on each connection
    #[arg(long, default_value = "64")]
    streams: NonZeroUsize,
    /// Give so many connections to each replica instead
    #[arg(long)]
    per_replica: bool,
    /// Size of the key space, and the exponent of Zipf's law; 1 is one hot key
    #[arg(long, value_name = "N[:S]", default_value = "10000")]
    keys: Keys,
}

pub(crate) fn run(options: &Options, pace: Pace, page: &mut Page) -> anyhow::Result<()> {
    let (rounds, seconds, threads) = (pace.rounds, pace.turn().as_secs(), options.threads);
    page.heading(&format!(
        "Replicas of {threads} threads; {rounds} rounds of {seconds} s, {} connections × {} streams {}; {}",
        options.connections,
        options.streams,
        if options.per_replica { "to each" } else { "to all together" },
        options.keys
    ))?;
    let mut table = Table::new([
        "store",
        "replicas",
        "decisions / CPU s",
        "by one replica's",
        "decisions / CPU s of Redis",
        "by one replica's",
        "decisions / s",
    ]);
    build_examples(&options.servers)?;
    let mut goals = Vec::new();
    for &contender in &options.servers {
        let setup = Setup { threads: Some(options.threads), ..Setup::of(contender) };
        let start = |&count| Fleet::start(&setup, count);
        let fleets: Vec<Fleet> = options.replicas.iter().map(start).collect::<Result<_, _>>()?;
        let turns = pace.interleave(fleets.len(), |place| {
            let callers = options.callers(options.replicas[place])?;
            fleets[place].take_turn(callers, options.keys, pace.turn())
        })?;
        for (count, turns_of_count) in options.replicas.iter().zip(&turns) {
            let (cells, more) = compare(contender, *count, turns_of_count, &turns[0]);
            table.row(cells);
            // The floor is what it is.
            goals.extend(more.into_iter().filter(|_| contender.constant_way().is_none()));
        }
    }
    page.table(&table)?;
    page.goals(&goals)
}

impl Options {
    /// What each of so many replicas gets.
    fn callers(&self, replicas: NonZeroUsize) -> anyhow::Result<Callers> {
        let parts = if self.per_replica { 1 } else { replicas.get() };
        let callers = Callers::new(self.connections.get() / parts, self.streams.get());
        callers.with_context(|| format!("{replicas} replicas need a connection each"))
    }
}

/// A row of figures, and the goals: that replicas cost no more CPU, and nothing is decided without the store.
fn compare(
    contender: Contender,
    replicas: NonZeroUsize,
    turns: &[FleetTurn],
    first: &[FleetTurn],
) -> (Vec<String>, Vec<Goal>) {
    let own = |of: fn(&FleetTurn) -> f64| Spread::of(turns.iter().map(of));
    let ratio = |of: fn(&FleetTurn) -> f64| {
        let figures = |turns: &[FleetTurn]| turns.iter().map(of).collect::<Vec<_>>();
        Spread::of_ratios(&figures(turns), &figures(first))
    };
    let (by_replicas, by_redis) = (ratio(|turn| turn.by_replica_cpu), ratio(|turn| turn.by_redis_cpu));
    let spreads = [
        own(|turn| turn.by_replica_cpu),
        by_replicas,
        own(|turn| turn.by_redis_cpu),
        by_redis,
        own(|turn| turn.decisions_per_second),
    ];
    let name = format!("{contender}, {replicas} replicas");
    let mut goals =
        vec![Goal::at_most(format!("{name}: hits without the store"), 0.0, own(|turn| turn.fallback).max)];
    if replicas.get() > 1 {
        let goal = |what, ratio: Spread| Goal::at_least(format!("{name}: {what}"), LEAST_SHARE, ratio.median);
        goals.push(goal("decisions per CPU second by the first's", by_replicas));
        goals.push(goal("decisions per CPU second of Redis by the first's", by_redis));
    }
    let names = [contender.to_string(), replicas.to_string()];
    (names.into_iter().chain(spreads.map(|spread| spread.to_string())).collect(), goals)
}
