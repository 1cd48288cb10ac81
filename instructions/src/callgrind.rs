//! Running something under callgrind, and reading what it counted.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

/// One path and what it costs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    pub(crate) path: String,
    /// Of one pass, all that it calls included.
    pub(crate) instructions: u64,
}

/// The function of which callgrind counts, and the one around it after which it writes down what it counted. They are two, as
/// callgrind does not take two such options for one function.
const COUNTED: &str = "*passes_under_callgrind*";
const WRITTEN: &str = "*case_under_callgrind*";

/// What callgrind counts and writes down: so many passes.
#[inline(never)]
pub(crate) fn case_under_callgrind(pass: &mut dyn FnMut(), passes: u32) {
    passes_under_callgrind(pass, passes);
    black_box(passes);
}

#[inline(never)]
fn passes_under_callgrind(pass: &mut dyn FnMut(), passes: u32) {
    for _ in 0..passes {
        black_box(&mut *pass)();
    }
}

/// This program under callgrind, its own arguments to be added; what is counted goes to `output`.
pub(crate) fn command(output: &Path, options: &[String]) -> anyhow::Result<Command> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet"]).args(options);
    command.arg(format!("--callgrind-out-file={}", output.display()));
    command.arg(std::env::current_exe().context("where is this program?")?);
    Ok(command)
}

/// Runs `paths` of this program; gives the instructions of each call of [`case_under_callgrind`].
pub(crate) fn count_calls(folder: &Path) -> anyhow::Result<Vec<u64>> {
    let output = folder.join("paths");
    let options = [format!("--toggle-collect={COUNTED}"), format!("--dump-after={WRITTEN}")];
    let status = command(&output, &options)?.arg("paths").status().context("cannot run valgrind")?;
    ensure!(status.success(), "the paths could not be run under valgrind ({status})");
    (1..)
        .map(|call| output.with_extension(call.to_string()))
        .take_while(|file| file.exists())
        .map(|file| total(&file))
        .collect()
}

/// The instructions that one of callgrind's files tells of.
pub(crate) fn total(file: &Path) -> anyhow::Result<u64> {
    let text = std::fs::read(file).with_context(|| format!("valgrind wrote no {}", file.display()))?;
    let text = String::from_utf8_lossy(&text);
    let totals = text.lines().filter_map(|line| line.strip_prefix("totals: ")?.trim().parse::<u64>().ok());
    let total: u64 = totals.sum();
    ensure!(total > 0, "valgrind counted nothing in {}", file.display());
    Ok(total)
}
