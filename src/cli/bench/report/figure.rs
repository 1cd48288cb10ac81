//! The figures that servers are compared by, and how numbers are written.

use super::super::spread::Spread;
use super::super::turns::Turn;
use super::{Report, as_f64};

/// A figure of a report.
#[derive(Debug)]
pub struct Figure {
    /// What programs call it; never changes.
    pub name: &'static str,
    /// What people call it, with its unit.
    pub title: &'static str,
    /// Digits behind the point that say something.
    pub digits: usize,
    /// Its value, where the report has it.
    of: fn(&Report) -> Option<f64>,
}

/// How a figure came out over all rounds.
#[derive(Debug, Clone, Copy)]
pub struct Summary {
    /// Which figure.
    pub figure: &'static Figure,
    /// Its values in the rounds.
    pub spread: Spread,
    /// Its values divided by those of the first server in the same rounds; nothing for the first server itself.
    pub ratio_to_first: Option<Spread>,
}

/// What a decision cost the server.
pub static SERVER_CPU: Figure = Figure {
    name: "server_cpu_seconds_per_million",
    title: "server's CPU seconds per million decisions",
    digits: 2,
    of: |report| decided(report).and(report.server.map(|server| server.cost.cpu_seconds_per_million)),
};

/// All of them, the most telling first.
pub static FIGURES: [&Figure; 10] = [
    &SERVER_CPU,
    &Figure {
        name: "decisions_per_second",
        title: "decisions per second",
        digits: 0,
        of: |report| Some(report.decisions_per_second),
    },
    &Figure {
        name: "latency_p50_us",
        title: "latency p50, µs",
        digits: 0,
        of: |report| decided(report).map(|report| report.latency_us.p50),
    },
    &Figure {
        name: "latency_p90_us",
        title: "latency p90, µs",
        digits: 0,
        of: |report| decided(report).map(|report| report.latency_us.p90),
    },
    &Figure {
        name: "latency_p99_us",
        title: "latency p99, µs",
        digits: 0,
        of: |report| decided(report).map(|report| report.latency_us.p99),
    },
    &Figure {
        name: "latency_p999_us",
        title: "latency p99.9, µs",
        digits: 0,
        of: |report| decided(report).map(|report| report.latency_us.p999),
    },
    &Figure {
        name: "latency_max_us",
        title: "latency max, µs",
        digits: 0,
        of: |report| decided(report).map(|report| report.latency_us.max),
    },
    &Figure {
        name: "sent_late_p99_us",
        title: "requests sent late by this program, p99, µs",
        digits: 0,
        of: |report| sent(report)?.punctuality.map(|punctuality| punctuality.delay_us.p99),
    },
    &Figure {
        name: "peak_memory_mib",
        title: "server's peak memory, MiB",
        digits: 1,
        of: |report| report.server.map(|server| as_f64(server.peak_memory_bytes) / f64::from(1 << 20)),
    },
    &Figure {
        name: "generator_cpu_seconds_per_million",
        title: "this program's CPU seconds per million decisions",
        digits: 2,
        of: |report| decided(report).map(|report| report.generator.cpu_seconds_per_million),
    },
];

impl Figure {
    /// Over these turns of a server; nothing where none of them has the figure.
    #[must_use]
    pub fn summarise(&'static self, turns: &[&Turn], of_first: Option<&[&Turn]>) -> Option<Summary> {
        let value = |turn: &Turn| (self.of)(&turn.report);
        let spread = Spread::of(turns.iter().filter_map(|turn| value(turn)))?;
        let ratio = |turn: &&Turn| {
            let first = of_first?.iter().find(|first| first.round == turn.round)?;
            let base = value(first).filter(|base| *base > 0.0)?;
            Some(value(turn)? / base)
        };
        Some(Summary { figure: self, spread, ratio_to_first: Spread::of(turns.iter().filter_map(ratio)) })
    }

    /// Its value in a report, as people read it.
    #[must_use]
    pub fn show(&self, report: &Report) -> String {
        (self.of)(report).map_or_else(|| "–".to_owned(), |value| number(value, self.digits))
    }
}

/// A server that decided nothing has no latency, and not one of 0.
fn decided(report: &Report) -> Option<&Report> {
    (report.decisions > 0).then_some(report)
}

fn sent(report: &Report) -> Option<&Report> {
    (report.requests > 0).then_some(report)
}

/// A ratio and how it lies: `1.16 (1.11–1.19)`.
#[must_use]
pub fn ratio(spread: Spread) -> String {
    format!("{:.2} ({:.2}–{:.2})", spread.median, spread.min, spread.max)
}

/// A number with so many digits behind the point, and commas between thousands.
#[must_use]
pub fn number(value: f64, digits: usize) -> String {
    let plain = format!("{:.digits$}", value.abs());
    let (whole, rest) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let mut text = if value < 0.0 { "-".to_owned() } else { String::new() };
    for (place, digit) in whole.char_indices() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text + rest
}

/// A latency of so many microseconds in its best unit: `250 µs`, `2.5 ms`, `1.2 s`.
#[must_use]
pub fn latency(micros: f64) -> String {
    let (value, unit) = match micros {
        small if small < 999.5 => (micros, "µs"),
        middle if middle < 999_500.0 => (micros / 1e3, "ms"),
        _ => (micros / 1e6, "s"),
    };
    let digits = if value < 9.95 { 2 } else { usize::from(value < 99.5) };
    let text = format!("{value:.digits$}");
    let text = if digits > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        let check = |value, digits, expected: &str| assert_eq!(number(value, digits), expected);
        check(1_234_567.0, 0, "1,234,567");
        check(999.0, 0, "999");
        check(1000.5, 1, "1,000.5");
        check(-1234.0, 0, "-1,234");
        check(0.125, 2, "0.12");
    }

    #[test]
    fn latencies_have_the_unit_that_suits_them() {
        let check = |micros, expected: &str| assert_eq!(latency(micros), expected);
        check(50.0, "50 µs");
        check(999.9, "1 ms");
        check(2500.0, "2.5 ms");
        check(200_000.0, "200 ms");
        check(1_250_000.0, "1.25 s");
    }
}
