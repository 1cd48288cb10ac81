//! Instructions of the main paths, counted by callgrind and compared with `instructions/baseline.json`: `make instructions`.
//!
//! Instructions do not depend on what else the machine does, so that a path that became a few per cent longer shows, which no
//! time would. It starts itself under valgrind: once for each path that can be called, and as a server for whole calls.
//! `docs/decisions/0012-instructions-on-record.md` says what the figures are worth.

mod baseline;
mod callgrind;
mod calls;
mod cases;
mod constant;
mod program;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use ratekeeper::cli::Arguments as Ratekeeper;

use crate::baseline::Baseline;
use crate::callgrind::Measured;

/// As ratekeeper's own.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Counts the instructions of ratekeeper's main paths.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compare with what is on record, and fail where something differs
    Check,
    /// Put what is measured now on record
    Record,
    /// Go a path that can be called; what valgrind is started with
    Path { path: usize },
    /// Serve a constant answer; what valgrind is started with
    Constant { address: SocketAddr },
    /// Run a command of ratekeeper; what valgrind is started with, and what makes the load
    Ratekeeper {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    match Arguments::parse().command {
        Command::Check => {
            let difference = Baseline::read(&baseline_file())?.compare(&measure_all()?);
            tell(&difference.to_string());
            Ok(if difference.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Record => {
            let (before, now) = (Baseline::read(&baseline_file()), measure_all()?);
            tell(&before.unwrap_or_default().compare(&now).table());
            Baseline::of(&now).write(&baseline_file())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Path { path } => {
            cases::run(path);
            Ok(ExitCode::SUCCESS)
        }
        Command::Constant { address } => constant::serve(address).map(|()| ExitCode::SUCCESS),
        Command::Ratekeeper { arguments } => {
            Ok(Ratekeeper::parse_from(std::iter::once("ratekeeper".to_owned()).chain(arguments)).run())
        }
    }
}

fn measure_all() -> anyhow::Result<Vec<Measured>> {
    let mut measured = cases::measure()?;
    measured.extend(calls::measure()?);
    Ok(measured)
}

fn baseline_file() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "baseline.json"].iter().collect()
}

#[expect(clippy::print_stdout, reason = "the result of a command")]
fn tell(text: &str) {
    println!("{text}");
}
