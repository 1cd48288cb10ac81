//! `connections`: few and many connections with few and many streams, as Envoy makes them.
//!
//! What a decision costs depends on how many callers there are in all, as many at once share wake-ups and system calls.
//! So each number of connections is compared with four of them at an equal total of callers, never across totals, and
//! the floor is measured likewise: what it pays for many connections is the kernel's share.

mod memory;

use std::num::NonZeroUsize;

use clap::Parser;

use crate::contender::{Contender, build_examples};
use crate::demand::{Callers, SOME_KEYS, load};
use crate::goal::Goal;
use crate::page::Page;
use crate::rounds::Pace;
use crate::server::{Server, Turn, server_cost};
use crate::spread::Spread;
use crate::table::Table;

/// What all others are compared with.
const USUAL_CONNECTIONS: usize = 4;

/// More streams than this on a connection are refused by default.
const MOST_STREAMS: usize = 1024;

/// How much more or less a decision may cost than with the usual number of connections.
const TOLERANCE: f64 = 0.2;

/// How much of the busiest core's work the least busy one should do at the least, where each can have a connection.
const LEAST_SHARE: f64 = 0.5;

/// What to measure.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Numbers of connections
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,64,2000")]
    connections: Vec<NonZeroUsize>,
    /// Numbers of callers in all, spread evenly over the connections
    #[arg(long, value_delimiter = ',', default_value = "64,512,2000")]
    callers: Vec<NonZeroUsize>,
    /// Which servers, the first of them being the floor
    #[arg(long, value_enum, value_delimiter = ',', default_value = "constant,local")]
    servers: Vec<Contender>,
    /// Connections that lie idle while memory is measured
    #[arg(long, default_value = "2000")]
    idle: NonZeroUsize,
}

pub(crate) fn run(options: &Options, pace: Pace, page: &mut Page) -> anyhow::Result<()> {
    build_examples(&options.servers)?;
    let servers: Vec<Server> =
        options.servers.iter().map(|&contender| Server::start_plain(contender)).collect::<Result<_, _>>()?;
    for &callers in &options.callers {
        compare(options, pace, callers, &servers, page)?;
    }
    memory::measure(options.idle, &options.servers, page)
}

/// All numbers of connections for one number of callers.
fn compare(
    options: &Options,
    pace: Pace,
    total: NonZeroUsize,
    servers: &[Server],
    page: &mut Page,
) -> anyhow::Result<()> {
    let cases: Vec<Callers> =
        options.connections.iter().filter_map(|&connections| spread(total, connections)).collect();
    let places: Vec<(&Server, Callers)> =
        servers.iter().flat_map(|server| cases.iter().map(move |&case| (server, case))).collect();
    let turns = pace.interleave(places.len(), |place| {
        let (server, callers) = places[place];
        server.take_turn(&load(server.target(), callers, SOME_KEYS, pace.turn())?)
    })?;
    page.heading(&format!("{total} callers in all; {} rounds of {} s", pace.rounds, pace.turn().as_secs()))?;
    let mut table = Table::new([
        "server",
        "connections × streams",
        "CPU s / M decisions",
        "by 4 connections'",
        "by the first server's",
        "least / most busy core",
    ]);
    let by_server: Vec<&[Vec<Turn>]> = turns.chunks(cases.len().max(1)).collect();
    let usual = cases.iter().position(|case| case.connections.get() == USUAL_CONNECTIONS);
    let mut goals = Vec::new();
    for (server, turns) in servers.iter().zip(&by_server) {
        for (place, case) in cases.iter().enumerate() {
            let figures = Figures {
                cost: Spread::of(costs(&turns[place])),
                by_usual: ratio(&turns[place], usual.map(|usual| &turns[usual][..])),
                by_floor: ratio(&turns[place], Some(&by_server[0][place])),
                share: shares(&turns[place]),
            };
            table.row(figures.cells(server, *case));
            goals.extend(figures.goals(server, *case));
        }
    }
    page.table(&table)?;
    page.goals(&goals)
}

/// One server's figures of one case.
#[derive(Debug, Clone, Copy)]
struct Figures {
    cost: Spread,
    by_usual: Spread,
    by_floor: Spread,
    share: Spread,
}

impl Figures {
    fn cells(&self, server: &Server, case: Callers) -> Vec<String> {
        let Callers { connections, streams } = case;
        let spreads = [self.cost, self.by_usual, self.by_floor, self.share].map(|spread| spread.to_string());
        let names = [server.name().to_owned(), format!("{connections} × {streams}")];
        names.into_iter().chain(spreads).collect()
    }

    /// The floor has none: it is what it is.
    fn goals(&self, server: &Server, case: Callers) -> Vec<Goal> {
        let (name, connections) = (server.name(), case.connections.get());
        let mut goals = Vec::new();
        if !server.is_ours() {
            return goals;
        }
        if connections != USUAL_CONNECTIONS && !self.by_usual.median.is_nan() {
            let what = format!("{name}: CPU of {case} by that of {USUAL_CONNECTIONS} connections");
            goals.push(Goal::at_most(what, 1.0 + TOLERANCE, self.by_usual.median));
        }
        if connections > 1 && !self.share.median.is_nan() {
            let what = format!("{name}: least / most busy core, {case}");
            goals.push(Goal::at_least(what, LEAST_SHARE, self.share.median));
        }
        goals
    }
}

/// So many callers on so many connections, where that goes.
fn spread(total: NonZeroUsize, connections: NonZeroUsize) -> Option<Callers> {
    let callers = Callers::new(connections.get(), total.get() / connections.get())?;
    (callers.streams.get() <= MOST_STREAMS).then_some(callers)
}

/// Each round's cost by the same round's other one, where there is one.
fn ratio(turns: &[Turn], by: Option<&[Turn]>) -> Spread {
    Spread::of_ratios(&costs(turns), &by.map(costs).unwrap_or_default())
}

fn costs(turns: &[Turn]) -> Vec<f64> {
    turns.iter().map(|turn| server_cost(&turn.report)).collect()
}

/// The least busy core's CPU time by the busiest one's.
fn shares(turns: &[Turn]) -> Spread {
    Spread::of(turns.iter().map(|turn| {
        let seconds = || turn.cores.iter().map(std::time::Duration::as_secs_f64);
        seconds().fold(f64::NAN, f64::min) / seconds().fold(f64::NAN, f64::max)
    }))
}
