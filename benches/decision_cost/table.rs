//! The figures of all rounds of one case, and the table that is printed of them.

use std::fmt;

use ratekeeper::cli::bench::Report;

use crate::case::Case;
use crate::contender::Contender;
use crate::server::{StoreTurn, Turn};
use crate::spread::Spread;

/// Turns by server, in the order of rounds; the first server is the floor.
#[derive(Debug)]
pub(crate) struct Table {
    case: Case,
    callers: usize,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    contender: Contender,
    turns: Vec<Turn>,
}

impl Table {
    pub(crate) fn new(case: Case, callers: usize, contenders: &[Contender]) -> Self {
        let rows = contenders.iter().map(|&contender| Row { contender, turns: Vec::new() }).collect();
        Self { case, callers, rows }
    }

    /// Adds a turn of the server at this place of the list.
    pub(crate) fn add(&mut self, place: usize, turn: Turn) {
        self.rows[place].turns.push(turn);
    }
}

impl Row {
    fn costs(&self) -> impl Iterator<Item = f64> {
        self.turns.iter().map(|turn| server_cost(&turn.report))
    }

    fn median(&self, figure: fn(&Report) -> f64) -> f64 {
        Spread::of(self.turns.iter().map(|turn| figure(&turn.report))).median
    }

    /// A figure of the store for each decision, and the hits that it did not decide.
    fn of_store(&self, figure: fn(&StoreTurn) -> f64) -> Vec<f64> {
        let by_decision = |turn: &Turn| Some(figure(turn.store.as_ref()?) / as_f64(turn.report.decisions));
        self.turns.iter().filter_map(by_decision).collect()
    }

    fn fallback(&self) -> u64 {
        self.turns.iter().filter_map(|turn| Some(turn.store?.fallback)).sum()
    }
}

/// Each round's cost by the same round's floor: what troubles the machine for a while troubles both.
fn ratios(costs: impl Iterator<Item = f64>, floor: &Row) -> Spread {
    Spread::of(costs.zip(floor.costs()).map(|(cost, floor)| cost / floor))
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:26}{:^24}{:^24}{:>12}{:>10}{:>10}{:>11}",
            "", "CPU s / M decisions", "ratio to the first", "decisions", "p99", "peak", "load"
        )?;
        writeln!(
            f,
            "{:26}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>12}{:>10}{:>10}{:>11}",
            "server", "min", "median", "max", "min", "median", "max", "per second", "µs", "MiB", "CPU s / M"
        )?;
        let Some(floor) = self.rows.first() else { return Ok(()) };
        for row in &self.rows {
            write_row(f, row, floor)?;
            if row.contender.counts_in_redis() {
                self.write_store(f, row, floor)?;
            }
        }
        Ok(())
    }
}

impl Table {
    /// What Redis did for a server, against what it should do, which no clock decides.
    fn write_store(&self, f: &mut fmt::Formatter<'_>, row: &Row, floor: &Row) -> fmt::Result {
        let costs = row.of_store(|store| store.work.cpu_seconds * 1e6);
        let ratios = ratios(costs.iter().copied(), floor);
        writeln!(f, "{:26}{}{ratios}", "  its Redis", Spread::of(costs))?;
        let commands = Spread::of(row.of_store(|store| as_f64(store.work.commands)));
        let calls = Spread::of(row.of_store(|store| as_f64(store.work.calls)));
        #[expect(clippy::cast_precision_loss, reason = "nobody sends so many descriptors")]
        let keys = self.case.descriptors.get() as f64;
        let (worst, goal) = (calls.max / keys, self.case.goal(self.callers));
        let verdict = if worst <= goal { "met" } else { "MISSED" };
        writeln!(
            f,
            "  per million decisions {:.0} commands, those within scripts included, and {:.0} script calls",
            commands.median * 1e6,
            calls.median * 1e6
        )?;
        writeln!(f, "  script calls per key {worst:.3} in the worst round, goal at most {goal}: {verdict}")?;
        match row.fallback() {
            0 => Ok(()),
            without => writeln!(
                f,
                "  ATTENTION: {without} hits were decided WITHOUT Redis, so these figures mean little"
            ),
        }
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, row: &Row, floor: &Row) -> fmt::Result {
    write!(f, "{:26}{}{}", row.contender, Spread::of(row.costs()), ratios(row.costs(), floor))?;
    write!(
        f,
        "{:>12.0}{:>10.0}",
        row.median(|report| report.decisions_per_second),
        row.median(|report| report.latency_us.p99)
    )?;
    writeln!(
        f,
        "{:>10.1}{:>11.2}",
        row.median(peak_mebibytes),
        row.median(|report| report.generator.cpu_seconds_per_million)
    )
}

fn server_cost(report: &Report) -> f64 {
    report.server.map_or(f64::NAN, |server| server.cost.cpu_seconds_per_million)
}

fn peak_mebibytes(report: &Report) -> f64 {
    report.server.map_or(f64::NAN, |server| as_f64(server.peak_memory_bytes) / 1_048_576.0)
}

#[expect(clippy::cast_precision_loss, reason = "shown with a few digits")]
fn as_f64(count: u64) -> f64 {
    count as f64
}
