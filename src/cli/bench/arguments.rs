//! What `ratekeeper bench` is asked for: the load, the servers, and how to show the result.

use std::path::PathBuf;

use anyhow::ensure;

use super::load::Load;
use super::target::Target;
use super::turns::Server;

/// The arguments of `ratekeeper bench`.
#[derive(Debug, Clone, clap::Args)]
pub struct BenchArgs {
    /// The load.
    #[command(flatten)]
    pub load: Load,

    /// Another server to measure under the same load, in turn with the first, up to 8 of them
    #[arg(short, long, value_name = "TARGET")]
    pub against: Vec<Target>,

    /// How often to measure each server, up to 100 times [default: 1, with --against 3]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub rounds: Option<u8>,

    /// The servers' processes on this machine, whose CPU time and memory are to be measured: one for each server, in
    /// their order, as in 12,34
    #[arg(short, long = "pid", value_name = "PID", value_delimiter = ',')]
    pub pids: Vec<u32>,

    /// How to print the result
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,

    /// Where to write the result, instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people at a terminal.
    Text,
    /// For programs.
    Json,
    /// A page with plots, for people with a browser.
    Html,
}

/// So many can be told apart in a plot, beside the first.
const MOST_OTHERS: usize = 8;

impl BenchArgs {
    /// The servers in their order, the first being what the others are compared with.
    ///
    /// # Errors
    ///
    /// When there are too many, or not one process for each of them.
    pub fn servers(&self) -> anyhow::Result<Vec<Server>> {
        let targets: Vec<&Target> = std::iter::once(&self.load.target).chain(&self.against).collect();
        ensure!(
            self.against.len() <= MOST_OTHERS,
            "--against was given {} times: at most {MOST_OTHERS} servers can be compared with the first",
            self.against.len()
        );
        ensure!(
            self.pids.is_empty() || self.pids.len() == targets.len(),
            "{} processes were given for {} servers: give --pid once for each, in the same order, or leave it out",
            self.pids.len(),
            targets.len()
        );
        let pids = self.pids.iter().copied().map(Some).chain(std::iter::repeat(None));
        Ok(targets
            .into_iter()
            .zip(pids)
            .map(|(target, pid)| Server { target: target.clone(), pid })
            .collect())
    }

    /// How often each server is measured.
    #[must_use]
    pub fn round_count(&self) -> usize {
        let default = if self.against.is_empty() { 1 } else { 3 };
        self.rounds.unwrap_or(default).into()
    }
}
