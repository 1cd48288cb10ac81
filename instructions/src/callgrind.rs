//! Running something under callgrind, and reading what it counted.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// One path and what it costs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    pub(crate) path: String,
    /// Of one pass, all that it calls included.
    pub(crate) instructions: u64,
}

/// The function that callgrind counts, with all that it calls.
const COUNTED: &str = "--toggle-collect=*passes_under_callgrind*";

/// What callgrind counts: so many passes.
#[inline(never)]
pub(crate) fn passes_under_callgrind(pass: &mut dyn FnMut(), passes: u32) {
    for _ in 0..passes {
        black_box(&mut *pass)();
    }
}

/// Callgrind, the program to be added; what is counted goes to `output`.
pub(crate) fn command(output: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet"]);
    command.arg(format!("--callgrind-out-file={}", output.display()));
    command
}

/// Where this program is.
pub(crate) fn own_program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("where is this program?")
}

/// Runs one path of this program; gives the instructions of [`passes_under_callgrind`] in it.
pub(crate) fn count_passes(folder: &Path, path: usize) -> anyhow::Result<u64> {
    let output = folder.join("counted");
    let mut command = command(&output);
    command.arg(COUNTED).arg(own_program()?).args(["path", &path.to_string()]);
    let status = command.status().context("cannot run valgrind")?;
    ensure!(status.success(), "path {path} could not be run under valgrind ({status})");
    total(&output)
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
