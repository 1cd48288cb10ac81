//! What one server showed under load once, and the ways to print what several did in several rounds.

pub mod bars;
pub mod escape;
pub mod figure;
pub mod html;
pub mod json;
pub mod plot;
pub mod plots;
pub mod punctuality;
pub mod results;
#[cfg(test)]
mod sample;
pub mod scale;
pub mod text;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use self::punctuality::{OffSchedule, Punctuality};
use super::latencies::Latencies;
use super::load::Load;
use super::slices::Slice;
use super::tally::Tally;

/// Everything that a run found out.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The server.
    pub target: String,
    /// Connections to it.
    pub connections: usize,
    /// Streams on each of them.
    pub streams: usize,
    /// Threads that made the load.
    pub threads: usize,
    /// Size of the key space.
    pub keys: u64,
    /// The exponent of Zipf's law, unless keys were drawn uniformly.
    pub zipf: Option<f64>,
    /// Descriptors in each request.
    pub descriptors: usize,
    /// Whether Ctrl-C ended the run before its time.
    pub interrupted: bool,
    /// Why the server is gone, where it went away while it was measured.
    pub lost: Option<String>,
    /// How long was measured, in seconds.
    pub seconds: f64,
    /// Requests that went out.
    pub requests: u64,
    /// Requests that got a decision.
    pub decisions: u64,
    /// Decisions that denied.
    pub over_limit: u64,
    /// What failed, and how often.
    pub errors: BTreeMap<String, u64>,
    /// Decisions per second.
    pub decisions_per_second: f64,
    /// From sending a request, or from when it was due if there is a rate, to the end of its answer.
    pub latency_us: Latency,
    /// Whether requests went out when they were due, where there was a rate.
    pub punctuality: Option<Punctuality>,
    /// What the load itself cost.
    pub generator: Cost,
    /// What the server spent, where its process was named.
    pub server: Option<ServerCost>,
    /// The run second by second.
    pub slices: Vec<Slice>,
    /// How long answers took, in full; programs get it once for all rounds of a server.
    #[serde(skip)]
    pub latencies: Latencies,
}

/// Latencies in microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Latency {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

/// CPU time.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Cost {
    /// User and system time in the measured phase, in seconds.
    pub cpu_seconds: f64,
    /// The same per million decisions; 0 where there were none.
    pub cpu_seconds_per_million: f64,
}

/// What a server spent.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ServerCost {
    /// Its process.
    pub pid: u32,
    /// CPU time in the measured phase.
    #[serde(flatten)]
    pub cost: Cost,
    /// The most memory that it ever had resident, in bytes.
    pub peak_memory_bytes: u64,
}

impl Report {
    /// Puts together what was asked for and what was counted.
    #[must_use]
    pub fn new(load: &Load, tally: &Tally, elapsed: Duration, generator: Cost) -> Self {
        let seconds = elapsed.as_secs_f64();
        Self {
            target: load.target.to_string(),
            connections: load.connections.get(),
            streams: load.streams.get(),
            threads: load.thread_count(),
            keys: load.keys.get(),
            zipf: load.zipf,
            descriptors: load.descriptors.get(),
            interrupted: false,
            lost: None,
            seconds,
            requests: tally.sent(),
            decisions: tally.answered(),
            over_limit: tally.over_limit(),
            errors: tally.errors().iter().map(|(error, count)| (error.to_string(), *count)).collect(),
            decisions_per_second: per(tally.answered(), seconds),
            latency_us: Latency::of(|quantile| tally.latency_at(quantile)),
            punctuality: load.rate.map(|rate| Punctuality::of(rate.get(), tally)),
            generator,
            server: None,
            slices: tally.slices(elapsed),
            latencies: tally.latencies().clone(),
        }
    }

    /// The load in a few words, without the server.
    #[must_use]
    pub fn load_in_words(&self) -> String {
        let counted =
            |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
        let zipf = self.zipf.map(|exponent| format!(" by Zipf's law with {exponent}")).unwrap_or_default();
        let rate = self.punctuality.map(|punctuality| punctuality.rate);
        let rate = rate.map(|rate| format!(", {rate} requests per second")).unwrap_or_default();
        format!(
            "{} × {} from {}, {} keys{zipf}, {}{rate}",
            counted(self.connections, "connection"),
            counted(self.streams, "stream"),
            counted(self.threads, "thread"),
            self.keys,
            counted(self.descriptors, "descriptor"),
        )
    }

    /// Whether it was measured for as long as asked for.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.interrupted && self.lost.is_none()
    }

    /// Everything that failed, in a line.
    #[must_use]
    pub fn errors_in_words(&self) -> String {
        in_words(&self.errors)
    }

    /// What did not go out at its time, where it was so much that the figures do not count; what a lost server has missed
    /// needs no further word.
    #[must_use]
    pub fn off_schedule(&self) -> Option<OffSchedule> {
        let Punctuality { late, unsent, .. } = self.punctuality?;
        if self.lost.is_some() { None } else { OffSchedule::of(self.requests, late, unsent) }
    }
}

impl Cost {
    /// CPU time that was spent on so many decisions.
    #[must_use]
    pub fn new(cpu: Duration, decisions: u64) -> Self {
        let cpu_seconds = cpu.as_secs_f64();
        let per_decision = if decisions == 0 { 0.0 } else { cpu_seconds / as_f64(decisions) };
        Self { cpu_seconds, cpu_seconds_per_million: per_decision * 1e6 }
    }
}

impl Latency {
    fn of(duration_at: impl Fn(f64) -> Duration) -> Self {
        let at = |quantile| duration_at(quantile).as_secs_f64() * 1e6;
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1.0) }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.target, self.load_in_words())?;
        if self.interrupted {
            writeln!(f, "interrupted: this is what there was")?;
        }
        writeln!(f, "requests     {} in {:.2} s", self.requests, self.seconds)?;
        writeln!(f, "decisions    {}, {:.0} per second", self.decisions, self.decisions_per_second)?;
        writeln!(f, "over limit   {}", self.over_limit)?;
        writeln!(f, "errors       {}", self.errors_in_words())?;
        writeln!(f, "latency      {}", self.latency_us)?;
        self.punctuality.iter().try_for_each(|punctuality| writeln!(f, "schedule     {punctuality}"))?;
        writeln!(f, "this program {}", self.generator)?;
        self.server.iter().try_for_each(|server| writeln!(f, "server       {server}"))?;
        self.off_schedule().iter().try_for_each(|lapse| writeln!(f, "\nwarning: {lapse}"))
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50, p90, p99, p999, max } = self;
        write!(f, "p50 {p50:.0} µs, p90 {p90:.0} µs, p99 {p99:.0} µs, p99.9 {p999:.0} µs, max {max:.0} µs")
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu_seconds, cpu_seconds_per_million } = self;
        write!(f, "{cpu_seconds:.2} CPU s, {cpu_seconds_per_million:.2} per million decisions")
    }
}

impl fmt::Display for ServerCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = as_f64(self.peak_memory_bytes) / f64::from(1 << 20);
        write!(f, "{} (process {}), peak memory {mebibytes:.1} MiB", self.cost, self.pid)
    }
}

/// Errors by kind, in a line; `none` where there are none.
fn in_words(errors: &BTreeMap<String, u64>) -> String {
    let errors: Vec<String> = errors.iter().map(|(error, count)| format!("{count} × {error}")).collect();
    if errors.is_empty() { "none".to_owned() } else { errors.join(", ") }
}

/// A rate; 0 where no time went by.
pub(super) fn per(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { as_f64(count) / seconds } else { 0.0 }
}

/// Nanoseconds as microseconds.
pub(super) fn micros(nanos: u64) -> f64 {
    as_f64(nanos) / 1e3
}

#[expect(clippy::cast_precision_loss, reason = "figures are shown with a few digits")]
pub(super) fn as_f64(count: u64) -> f64 {
    count as f64
}
