//! What a decision costs, beside a server that answers a constant: `make bench`.
//!
//! Starts the servers, drives all of them with the same load in turn, several rounds long, and prints the CPU time per
//! million decisions and its ratio to the floor, round by round; where they count in Redis, its CPU time and commands
//! too. Other figures (decisions per second, latency) depend on how the load generator and the servers share the cores;
//! CPU time hardly does.
//!
//! ```text
//! cargo bench --bench decision_cost -- --servers constant,redis --keys 1 --descriptors 4
//! ```

mod case;
mod contender;
mod program;
mod redis;
mod server;
mod spread;
mod table;

use std::io::Write;
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use ratekeeper::cli::bench::Load;
use ratekeeper::cli::bench::target::Target;

use crate::case::Case;
use crate::contender::Contender;
use crate::server::Server;
use crate::table::Table;

/// Measures the servers' CPU time per million decisions, beside the floor.
#[derive(Debug, Parser)]
struct Arguments {
    /// Seconds that each server is measured in each round
    #[arg(long, default_value = "2")]
    seconds: u32,
    /// Rounds; each measures every server once
    #[arg(long, default_value = "3")]
    rounds: NonZeroUsize,
    /// Which servers, the first of them being the floor
    #[arg(long, value_enum, value_delimiter = ',', default_value = "constant,local,redis,cluster")]
    servers: Vec<Contender>,
    /// Connections to a server
    #[arg(long, default_value = "4")]
    connections: NonZeroUsize,
    /// Streams on each connection
    #[arg(long, default_value = "16")]
    streams: NonZeroUsize,
    /// Sizes of each descriptor's key space; 1 is one hot key
    #[arg(long, value_delimiter = ',', default_value = "10000,1")]
    keys: Vec<NonZeroU64>,
    /// Numbers of descriptors in a request; each is measured with each size of the key space
    #[arg(long, value_delimiter = ',', default_value = "1,4")]
    descriptors: Vec<NonZeroUsize>,
    /// `cargo bench` says so to every benchmark; `cargo test --all-targets`, which has no time for this, does not.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    fn callers(&self) -> usize {
        self.connections.get() * self.streams.get()
    }

    fn load(&self, case: Case, target: Target) -> Load {
        Load {
            target,
            connections: self.connections,
            streams: self.streams,
            rate: None,
            threads: None,
            duration: Duration::from_secs(self.seconds.into()),
            requests: None,
            warmup: Duration::from_millis(500),
            timeout: Duration::from_secs(5),
            keys: case.keys,
            zipf: None,
            domain: contender::DOMAIN.to_owned(),
            entry_key: contender::ENTRY_KEY.to_owned(),
            descriptors: case.descriptors,
        }
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if !arguments.bench {
        return Ok(());
    }
    contender::build_examples(&arguments.servers)?;
    let cores = std::thread::available_parallelism().context("how many cores are there?")?;
    let Arguments { seconds, rounds, connections, streams, .. } = &arguments;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{rounds} rounds of {seconds} s, {connections} connections × {streams} streams, {cores} cores shared with the load"
    )?;
    for case in Case::product(&arguments.keys, &arguments.descriptors) {
        write!(out, "\n{case}\n{}", measure(&arguments, case)?)?;
    }
    Ok(())
}

/// All servers under one kind of load, started for it and ended after it.
fn measure(arguments: &Arguments, case: Case) -> anyhow::Result<Table> {
    let servers: Vec<Server> =
        arguments.servers.iter().map(|&contender| Server::start(contender)).collect::<Result<_, _>>()?;
    let mut table = Table::new(case, arguments.callers(), &arguments.servers);
    for round in 0..arguments.rounds.get() {
        for place in order(round, servers.len()) {
            let server = &servers[place];
            table.add(place, server.take_turn(&arguments.load(case, server.target()))?);
        }
    }
    Ok(table)
}

/// Every other round goes backwards, so that no server always follows the same one.
fn order(round: usize, servers: usize) -> Vec<usize> {
    if round.is_multiple_of(2) { (0..servers).collect() } else { (0..servers).rev().collect() }
}
