//! The commands: each a struct of arguments and a function that runs it.
//!
//! They speak to a person at a terminal: results go to standard output, what went wrong to standard error.

pub mod bench;
pub mod check;
pub mod counters;
pub mod explain;
pub mod health;
mod peer;
pub mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Rate limit decision service for Envoy and Istio.
#[derive(Debug, Parser)]
#[command(name = "ratekeeper", version, propagate_version = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve decisions until SIGTERM; SIGHUP reads the rules again
    Serve(serve::ServeArgs),
    /// Check rule files, and settings, and say everything that is wrong with them
    Check(check::CheckArgs),
    /// Say which rule decides a request, what came close, and which counter it would use
    ///
    /// Reads rule files and asks no server; GET /explain on the admin port says the same of the rules in force. Exit status: 0 a rule
    /// decides each descriptor; 1 none does for some; 2 wrong arguments, or faulty rules.
    #[command(after_help = explain::EXAMPLES)]
    Explain(explain::ExplainArgs),
    /// List, show and reset the counters of a running server
    Counters(counters::CountersArgs),
    /// Ask a running server whether it is well, as a probe does
    ///
    /// Asks /readyz of the port in listen.http on this machine, or what the flags say. Prints one line; exit status: 0 healthy; 1 not;
    /// 2 wrong arguments, or settings with faults.
    #[command(after_help = health::EXAMPLES)]
    Health(health::HealthArgs),
    /// Make load for a rate limit service and measure what it costs
    Bench(bench::BenchArgs),
}

impl Arguments {
    /// Runs the command; a failure is told on standard error.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let done = match &self.command {
            Command::Serve(args) => serve::run(args).map(|()| ExitCode::SUCCESS),
            Command::Check(args) => check::run(args),
            Command::Explain(args) => explain::run(args),
            Command::Counters(args) => counters::run(args),
            Command::Health(args) => health::run(args),
            Command::Bench(args) => bench::run(args).map(|()| ExitCode::SUCCESS),
        };
        done.unwrap_or_else(|error| {
            tell(&format!("ratekeeper: {error:#}"));
            ExitCode::FAILURE
        })
    }
}

#[expect(clippy::print_stderr, reason = "the program's last word to whoever started it")]
fn tell(message: &str) {
    eprintln!("{message}");
}
