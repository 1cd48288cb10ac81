//! `ratekeeper bench`: load for any server of `envoy.service.ratelimit.v3.RateLimitService`, and what it did.
//!
//! A closed loop, or an open one at a fixed rate, over raw HTTP/2 with frames that are encoded once, so that on a machine
//! shared with the server the generator takes clearly less CPU than what it measures. The steady figure is the server's CPU time
//! per million decisions; give its process with `--pid`.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};

pub use self::arguments::{BenchArgs, Format};
pub use self::load::Load;
use self::machine::Machine;
pub use self::measure::measure;
pub use self::report::Report;
use self::report::html::Page;
use self::report::json;
use self::report::results::{Circumstances, Results};
use self::report::text::Text;
use crate::decision::time::Timestamp;
use crate::service::clock::{Clock, SystemClock};

pub mod alarm;
pub mod answer;
pub mod arguments;
pub mod connection;
pub mod frame;
pub mod generator;
pub mod http2;
pub mod keys;
pub mod latencies;
pub mod link;
pub mod load;
pub mod machine;
pub mod measure;
pub mod open_files;
pub mod pace;
pub mod phase;
pub mod process;
pub mod report;
pub mod schedule;
pub mod slices;
pub mod spread;
pub mod streams;
pub mod tally;
pub mod target;
#[cfg(test)]
mod tests;
pub mod turns;
pub mod zipf;

/// Makes the load and writes the result.
///
/// # Errors
///
/// When a server cannot be reached, decides nothing, goes away, or its process cannot be read; when the result cannot be
/// written.
pub fn run(args: &BenchArgs) -> anyhow::Result<()> {
    // Before the load, which may take long: nobody wants to learn after it that there is no such folder.
    let output = args.output.as_deref().map(open_output).transpose()?;
    let circumstances = Circumstances {
        date: utc_date(SystemClock.now()),
        command: std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect(),
        machine: Machine::this(),
    };
    let results = compare(args, circumstances)?;
    let text = match args.format {
        Format::Text => Text(&results).to_string(),
        Format::Json => json::write(&results)?,
        Format::Html => Page(&results).to_string(),
    };
    match output {
        None => std::io::stdout().write_all(text.as_bytes()).context("cannot print the result")?,
        Some(file) => write_output(file, &text).context("cannot write the result")?,
    }
    if let Some(failure) = results.failure {
        bail!(failure);
    }
    let idle = |server: &&report::results::ServerResults| server.latency.count() == 0;
    match results.servers.iter().find(idle) {
        Some(server) if !results.interrupted => bail!("{} decided nothing", server.target),
        _ => Ok(()),
    }
}

/// Measures all servers in all rounds.
///
/// # Errors
///
/// When there is nothing to report, because a server cannot be reached, decides nothing while warming up, or its process
/// cannot be read. What comes later is in the results.
pub fn compare(args: &BenchArgs, circumstances: Circumstances) -> anyhow::Result<Results> {
    let servers = args.servers()?;
    for (place, server) in servers.iter().enumerate().skip(1) {
        measure::look_for(&args.load, server)
            .with_context(|| format!("cannot compare with server {}", place + 1))?;
    }
    let turns = turns::take_turns(&args.load, &servers, args.round_count(), measure)?;
    Ok(Results::new(circumstances, &servers, turns))
}

/// What is in the file stays there until there is something better.
fn open_output(path: &Path) -> anyhow::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(false);
    options.open(path).with_context(|| format!("cannot write to {}", path.display()))
}

fn write_output(mut file: File, text: &str) -> std::io::Result<()> {
    // Pipes and devices have no length that could be set.
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    file.write_all(text.as_bytes())
}

/// As RFC 3339 writes it, to the second.
fn utc_date(now: Timestamp) -> String {
    let seconds = i64::try_from(now.millis() / 1000).unwrap_or(i64::MAX);
    prost_types::Timestamp { seconds, nanos: 0 }.to_string()
}
