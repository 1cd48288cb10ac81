//! What a process holds and how its threads share the work, as Linux tells it under `/proc`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::spread::as_f64;

/// What a process holds just now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Holdings {
    /// Resident memory, in millions of bytes.
    pub(crate) megabytes: f64,
    /// Open file descriptors.
    pub(crate) descriptors: usize,
    pub(crate) threads: usize,
}

/// What a process holds just now.
pub(crate) fn holdings(pid: u32) -> anyhow::Result<Holdings> {
    Ok(Holdings {
        megabytes: megabytes(pid)?,
        descriptors: entries(pid, "fd")?.len(),
        threads: entries(pid, "task")?.len(),
    })
}

/// Resident memory, in millions of bytes.
pub(crate) fn megabytes(pid: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("no such process")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().context("no VmRSS")?;
    Ok(as_f64(kibibytes * 1024) / 1e6)
}

/// CPU time of the threads that serve connections, by core. None where a server has no such threads.
pub(crate) fn core_times(pid: u32) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    for task in entries(pid, "task")? {
        // A thread may end between the listing and now.
        let Ok(name) = std::fs::read_to_string(task.join("comm")) else { continue };
        if let Some(core) = name.trim().strip_prefix("core-").and_then(|core| core.parse::<usize>().ok()) {
            times.push((core, run_time(&task)?));
        }
    }
    times.sort_unstable();
    Ok(times.into_iter().map(|(_, time)| time).collect())
}

/// The first figure of `schedstat` is nanoseconds on a CPU; `stat` would only tell hundredths of a second.
fn run_time(task: &std::path::Path) -> anyhow::Result<Duration> {
    let text = std::fs::read_to_string(task.join("schedstat")).context("no schedstat")?;
    let nanoseconds = text.split_whitespace().next().and_then(|first| first.parse().ok());
    Ok(Duration::from_nanos(nanoseconds.context("no schedstat")?))
}

fn entries(pid: u32, what: &str) -> anyhow::Result<Vec<PathBuf>> {
    let path = format!("/proc/{pid}/{what}");
    let found = std::fs::read_dir(&path).with_context(|| format!("cannot read {path}"))?;
    let entries: Vec<PathBuf> = found.filter_map(|entry| Some(entry.ok()?.path())).collect();
    ensure!(!entries.is_empty(), "{path} is empty");
    Ok(entries)
}
