//! The `ratekeeper` program: picks the command.

use std::process::ExitCode;

use clap::Parser;
use ratekeeper::cli::Arguments;

fn main() -> ExitCode {
    Arguments::parse().run()
}
