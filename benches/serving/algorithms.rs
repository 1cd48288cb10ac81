//! `algorithms`: what each algorithm costs, in the local store and in Redis, beside a fixed window: CPU time, and bytes a counter.
//!
//! A leaky bucket is a token bucket that holds one hit; it costs what that costs, and is not measured apart.

use std::num::NonZeroU64;

use clap::Parser;
use ratekeeper::decision::algorithm::Algorithm;

use crate::contender::Contender;
use crate::cost::row::Row;
use crate::demand::{Callers, SOME_KEYS, load};
use crate::footprint::bytes_each;
use crate::goal::Goal;
use crate::page::Page;
use crate::rounds::Pace;
use crate::rule_set::RuleSet;
use crate::server::Server;
use crate::setup::Setup;
use crate::spread::{Spread, figure};
use crate::table::Table;

/// The first is what the others are compared with.
const MEASURED: [Algorithm; 4] =
    [Algorithm::FixedWindow, Algorithm::TokenBucket, Algorithm::SlidingWindow, Algorithm::SlidingLog];

/// What to measure.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    #[command(flatten)]
    callers: Callers,
    /// Live counters of each algorithm in the local store
    #[arg(long, default_value = "200000")]
    entries: NonZeroU64,
}

pub(crate) fn run(options: &Options, pace: Pace, page: &mut Page) -> anyhow::Result<()> {
    page.heading(&format!("Algorithms, {}, {}", SOME_KEYS, options.callers))?;
    let local = measure(options, pace, Contender::Local)?;
    let redis = measure(options, pace, Contender::Redis)?;
    let mut table = Table::new([
        "algorithm",
        "local store: CPU s / M",
        "by fixed_window's",
        "bytes a counter",
        "Redis's CPU s / M",
        "by fixed_window's",
        "bytes a counter there",
    ]);
    let mut goals = Vec::new();
    for (place, algorithm) in MEASURED.into_iter().enumerate() {
        let by_first = |of: &dyn Fn(&Row) -> Vec<f64>, rows: &[(Row, f64)]| {
            Spread::of_ratios(&of(&rows[place].0), &of(&rows[0].0))
        };
        let there = by_first(&Row::store_costs, &redis);
        table.row([
            algorithm.name().to_owned(),
            Spread::of(local[place].0.costs()).to_string(),
            by_first(&Row::costs, &local).to_string(),
            figure(bytes_each(RuleSet::Held(algorithm), options.entries)?),
            Spread::of(redis[place].0.store_costs()).to_string(),
            there.to_string(),
            figure(redis[place].1),
        ]);
        if algorithm == Algorithm::TokenBucket {
            goals.push(Goal::at_most("token_bucket: Redis's CPU by fixed_window's", 1.5, there.median));
        }
    }
    page.table(&table)?;
    for (row, _) in local.iter().chain(&redis) {
        row.notes().iter().try_for_each(|note| page.note(note))?;
    }
    page.goals(&goals)
}

/// A server for each algorithm, all driven in turn; and the bytes of a counter in its Redis afterwards.
fn measure(options: &Options, pace: Pace, contender: Contender) -> anyhow::Result<Vec<(Row, f64)>> {
    let start = |algorithm| Server::start(&Setup { rules: RuleSet::Held(algorithm), ..Setup::of(contender) });
    let servers: Vec<Server> = MEASURED.into_iter().map(start).collect::<Result<_, _>>()?;
    let turns = pace.interleave(servers.len(), |place| {
        let server = &servers[place];
        server.take_turn(&load(server.target(), options.callers, SOME_KEYS, pace.turn())?)
    })?;
    let rows = servers.iter().zip(MEASURED).zip(turns).map(|((server, algorithm), turns)| {
        let bytes = server.redis().map_or(Ok(f64::NAN), |redis| redis.bytes_a_key())?;
        Ok((Row { name: algorithm.name().to_owned(), kind: Some(contender), turns }, bytes))
    });
    rows.collect()
}
