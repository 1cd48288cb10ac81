//! What a decision costs, beside a server that answers a constant: `make bench`.
//!
//! Starts the servers, drives all of them with the same load in turn, several rounds long, and prints the CPU time per
//! million decisions and its ratio to the floor, round by round. Other figures (decisions per second, latency)
//! depend on how the load generator and the server share the cores; CPU time hardly does.
//!
//! ```text
//! cargo bench --bench decision_cost -- --seconds 3 --rounds 3
//! ```

mod contender;
mod server;
mod table;

use std::io::Write;
use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use ratekeeper::cli::bench::target::Target;
use ratekeeper::cli::bench::{Load, Report, measure};

use crate::contender::Contender;
use crate::server::Server;
use crate::table::Table;

/// Measures the servers' CPU time per million decisions, beside the floor.
#[derive(Debug, Parser)]
struct Arguments {
    /// Seconds that each server is measured in each round
    #[arg(long, default_value = "3")]
    seconds: u32,
    /// Rounds; each measures every server once
    #[arg(long, default_value = "3")]
    rounds: NonZeroUsize,
    /// Which servers, the first of them being the floor
    #[arg(long, value_enum, value_delimiter = ',', default_value = "constant,ratekeeper")]
    servers: Vec<Contender>,
    /// Connections to a server
    #[arg(long, default_value = "4")]
    connections: NonZeroUsize,
    /// Streams on each connection
    #[arg(long, default_value = "16")]
    streams: NonZeroUsize,
    /// Size of the key space
    #[arg(long, default_value = "10000")]
    keys: NonZeroU64,
    /// Descriptors in each request
    #[arg(long, default_value = "1")]
    descriptors: NonZeroUsize,
    /// `cargo bench` says so to every benchmark; `cargo test --all-targets`, which has no time for this, does not.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    fn load(&self, target: Target) -> Load {
        Load {
            target,
            connections: self.connections,
            streams: self.streams,
            threads: None,
            duration: Duration::from_secs(self.seconds.into()),
            requests: None,
            warmup: Duration::from_secs(1),
            timeout: Duration::from_secs(5),
            keys: self.keys,
            domain: contender::DOMAIN.to_owned(),
            entry_key: contender::ENTRY_KEY.to_owned(),
            descriptors: self.descriptors,
        }
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if !arguments.bench {
        return Ok(());
    }
    contender::build_examples(&arguments.servers)?;
    let servers: Vec<Server> =
        arguments.servers.iter().map(|&contender| Server::start(contender)).collect::<Result<_, _>>()?;

    let mut table = Table::new(arguments.servers.clone());
    for round in 0..arguments.rounds.get() {
        for place in order(round, servers.len()) {
            let report = drive(&arguments, &servers[place])?;
            table.add(place, report);
        }
    }

    let cores = std::thread::available_parallelism().context("how many cores are there?")?;
    let Arguments { seconds, rounds, connections, streams, keys, descriptors, .. } = arguments;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{rounds} rounds of {seconds} s, {connections} connections × {streams} streams, {keys} keys, \
         {descriptors} descriptors, {cores} cores shared with the load\n\n{table}"
    )?;
    Ok(())
}

/// Every other round goes backwards, so that no server always follows the same one.
fn order(round: usize, servers: usize) -> Vec<usize> {
    if round.is_multiple_of(2) { (0..servers).collect() } else { (0..servers).rev().collect() }
}

/// One server's turn; a figure counts only if every single answer was OK.
fn drive(arguments: &Arguments, server: &Server) -> anyhow::Result<Report> {
    let name = server.contender();
    let report = measure(&arguments.load(server.target().clone()), Some(server.pid()))
        .with_context(|| format!("{name} could not be measured"))?;
    ensure!(!report.interrupted, "interrupted");
    ensure!(
        report.decisions > 0 && report.decisions == report.requests && report.errors.is_empty(),
        "{name} did not answer everything, so its figure means nothing:\n{report}"
    );
    ensure!(report.over_limit == 0, "{name} denied requests that its rules let pass:\n{report}");
    Ok(report)
}
