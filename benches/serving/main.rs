//! What serving costs, in suites: `make bench` and its sisters run them.
//!
//! Each suite starts the servers that it measures, drives them in turn, several rounds long, and prints medians with the
//! smallest and the largest round in brackets, and its goals. Decisions per second and latency depend on how the load
//! generator and the servers share the cores; CPU time hardly does, so that is what most goals are about.
//!
//! ```text
//! cargo bench --bench serving -- cost --servers constant,redis --keys 1 --descriptors 4
//! ```

mod algorithms;
mod connections;
mod contender;
mod cost;
mod demand;
mod facts;
mod fleet;
mod footprint;
mod goal;
mod idle;
mod latency;
mod page;
mod process;
mod program;
mod quarters;
mod redis;
mod reload;
mod rounds;
mod rule_set;
mod scale;
mod scrape;
mod server;
mod setup;
mod soak;
mod spread;
mod table;

use clap::{Parser, Subcommand};

use crate::page::Page;
use crate::rounds::Pace;

/// Measures what serving costs.
#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure; cost unless given
    #[command(subcommand)]
    suite: Option<Suite>,
    #[command(flatten)]
    pace: Pace,
    /// Print Markdown
    #[arg(long, global = true)]
    markdown: bool,
    /// `cargo bench` says so to every benchmark; `cargo test --all-targets`, which has no time for this, does not.
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum Suite {
    /// CPU time per decision, of servers and of Redis
    Cost(cost::Options),
    /// What each algorithm costs beside a fixed window, in CPU time and in bytes
    Algorithms(algorithms::Options),
    /// Latency at a fixed rate, beside the floor's
    Latency(latency::Options),
    /// Few and many connections and streams: cost, sharing among cores, memory
    Connections(connections::Options),
    /// Several replicas on one store
    Scale(scale::Options),
    /// Start, idle memory, and memory of many counters
    Footprint(footprint::Options),
    /// Many rules, rewritten while load runs
    Reload(reload::Options),
    /// Minutes of load with reloads, churn and an outage of Redis: what creeps
    Soak(soak::Options),
}

fn main() -> anyhow::Result<()> {
    let Arguments { suite, pace, markdown, bench } = Arguments::parse();
    if !bench {
        return Ok(());
    }
    let mut page = Page::new(markdown);
    for fact in facts::facts() {
        page.note(&fact)?;
    }
    match suite.unwrap_or_else(|| Suite::Cost(cost::Options::parse_from(["cost"]))) {
        Suite::Cost(options) => cost::run(&options, pace, &mut page),
        Suite::Algorithms(options) => algorithms::run(&options, pace, &mut page),
        Suite::Latency(options) => latency::run(&options, pace, &mut page),
        Suite::Connections(options) => connections::run(&options, pace, &mut page),
        Suite::Scale(options) => scale::run(&options, pace, &mut page),
        Suite::Footprint(options) => footprint::run(&options, pace, &mut page),
        Suite::Reload(options) => reload::run(&options, pace, &mut page),
        Suite::Soak(options) => soak::run(&options, &mut page),
    }
}
