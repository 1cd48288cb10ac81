//! The figures of all rounds, and the table that is printed of them.

use std::fmt;

use ratekeeper::cli::bench::Report;

use crate::contender::Contender;

/// Reports by server, in the order of rounds; the first server is the floor.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    contender: Contender,
    reports: Vec<Report>,
}

/// Smallest, middle and largest of some figures.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Spread {
    min: f64,
    median: f64,
    max: f64,
}

impl Table {
    pub(crate) fn new(contenders: Vec<Contender>) -> Self {
        let rows = contenders.into_iter().map(|contender| Row { contender, reports: Vec::new() }).collect();
        Self { rows }
    }

    /// Adds the report of the server at this place of the list.
    pub(crate) fn add(&mut self, place: usize, report: Report) {
        self.rows[place].reports.push(report);
    }
}

impl Row {
    fn costs(&self) -> Vec<f64> {
        self.figures(server_cost)
    }

    fn figures(&self, figure: fn(&Report) -> f64) -> Vec<f64> {
        self.reports.iter().map(figure).collect()
    }

    /// Each round's cost by the same round's floor: what troubles the machine for a while troubles both.
    fn ratios(&self, floor: &Row) -> Vec<f64> {
        self.costs().iter().zip(floor.costs()).map(|(cost, floor)| cost / floor).collect()
    }
}

impl Spread {
    fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
        let last = figures.len().saturating_sub(1);
        Self { min: at(0), median: f64::midpoint(at(last / 2), at(last.div_ceil(2))), max: at(last) }
    }
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
        self.rows.iter().try_for_each(|row| write_row(f, row, floor))
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, row: &Row, floor: &Row) -> fmt::Result {
    let median = |figure| Spread::of(row.figures(figure)).median;
    let (cost, ratio) = (Spread::of(row.costs()), Spread::of(row.ratios(floor)));
    write!(f, "{:26}{:>8.2}{:>8.2}{:>8.2}", row.contender, cost.min, cost.median, cost.max)?;
    write!(f, "{:>8.2}{:>8.2}{:>8.2}", ratio.min, ratio.median, ratio.max)?;
    write!(
        f,
        "{:>12.0}{:>10.0}",
        median(|report| report.decisions_per_second),
        median(|report| report.latency_us.p99)
    )?;
    writeln!(
        f,
        "{:>10.1}{:>11.2}",
        median(peak_mebibytes),
        median(|report| report.generator.cpu_seconds_per_million)
    )
}

fn server_cost(report: &Report) -> f64 {
    report.server.map_or(f64::NAN, |server| server.cost.cpu_seconds_per_million)
}

#[expect(clippy::cast_precision_loss, reason = "shown with one digit after the point")]
fn peak_mebibytes(report: &Report) -> f64 {
    report.server.map_or(f64::NAN, |server| server.peak_memory_bytes as f64 / 1_048_576.0)
}
