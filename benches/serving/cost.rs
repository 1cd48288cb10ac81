//! `cost`: CPU time per million decisions, of each server and of its Redis, beside a server that answers a constant.
//!
//! Servers are started anew for each kind of load and driven in turn. Others of the same API can be measured in the same
//! rounds; they must have a rule for the domain `bench` and the key `key` that denies nothing.

mod case;
mod goals;
pub(crate) mod row;

use std::num::NonZeroUsize;

use clap::Parser;

use crate::contender::{Contender, Rival, build_examples};
use crate::demand::{Callers, Keys};
use crate::page::Page;
use crate::rounds::Pace;
use crate::server::Server;
use crate::table::Table;
use case::Case;
use goals::goals;
use row::Row;

/// What to measure.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    #[command(flatten)]
    callers: Callers,
    /// Which servers, the first of them being the floor
    #[arg(long, value_enum, value_delimiter = ',', default_value = "constant,local,redis,cluster")]
    servers: Vec<Contender>,
    /// A server that runs already: its address, its process, and its Redis's port on this machine
    #[arg(long, value_name = "HOST:PORT[,PID[,REDIS_PORT]]")]
    against: Vec<Rival>,
    /// Sizes of each descriptor's key space, and the exponent of Zipf's law; 1 is one hot key
    #[arg(long, value_name = "N[:S]", value_delimiter = ',', default_value = "10000,1,10000:1.1")]
    keys: Vec<Keys>,
    /// Numbers of descriptors in a request; each is measured with each of the key spaces
    #[arg(long, value_delimiter = ',', default_value = "1,4")]
    descriptors: Vec<NonZeroUsize>,
}

pub(crate) fn run(options: &Options, pace: Pace, page: &mut Page) -> anyhow::Result<()> {
    build_examples(&options.servers)?;
    let (rounds, seconds) = (pace.rounds, pace.turn().as_secs());
    page.note(&format!("{rounds} rounds of {seconds} s, {}", options.callers))?;
    for &keys in &options.keys {
        for &descriptors in &options.descriptors {
            let case = Case { keys, descriptors, callers: options.callers };
            let rows = measure(options, pace, case)?;
            page.heading(&case.to_string())?;
            page.table(&table(&rows))?;
            for row in &rows {
                row.notes().iter().try_for_each(|note| page.note(note))?;
            }
            page.goals(&goals(case, &rows))?;
        }
    }
    Ok(())
}

/// All servers under one kind of load, started for it and ended after it.
fn measure(options: &Options, pace: Pace, case: Case) -> anyhow::Result<Vec<Row>> {
    let started = options.servers.iter().map(|&contender| Server::start_plain(contender));
    let servers: Vec<Server> =
        started.chain(options.against.iter().map(Server::attach)).collect::<Result<_, _>>()?;
    let turns = pace.interleave(servers.len(), |place| {
        let server = &servers[place];
        server.take_turn(&case.load(server.target(), pace.turn())?)
    })?;
    let kinds = options.servers.iter().copied().map(Some).chain(std::iter::repeat(None));
    let rows = servers.iter().zip(kinds).zip(turns);
    Ok(rows.map(|((server, kind), turns)| Row { name: server.name().to_owned(), kind, turns }).collect())
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new([
        "server",
        "CPU s / M decisions",
        "by the first's",
        "decisions / s",
        "p99 µs",
        "peak MB",
        "load CPU s / M",
        "script calls / M",
        "commands / M",
    ]);
    let Some(floor) = rows.first() else { return table };
    for row in rows {
        table.row(row.cells(floor));
        row.store_cells(floor).into_iter().for_each(|cells| table.row(cells));
    }
    table
}
