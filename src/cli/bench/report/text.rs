//! A run for people at a terminal: a table of every figure by server.

use std::fmt;

use super::figure::{FIGURES, Figure, number, ratio};
use super::results::{Results, ServerResults};

/// Shows the results; those of a single turn need no table.
#[derive(Debug)]
pub struct Text<'a>(pub &'a Results);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(results) = self;
        if let Some(turn) = results.only_turn() {
            write!(f, "{}", turn.report)?;
            return results.failure.iter().try_for_each(|failure| writeln!(f, "\n{failure}"));
        }
        writeln!(f, "{}", results.load_in_words())?;
        if results.interrupted {
            writeln!(f, "interrupted: this is what there was")?;
        }
        if let Some(failure) = &results.failure {
            writeln!(f, "{failure}; this is what there was")?;
        }
        let width =
            results.servers.iter().map(|server| server.target.chars().count()).max().unwrap_or(0).max(24);
        let ratios = if results.servers.len() > 1 { "   ratio to the first" } else { "" };
        writeln!(f, "\n{:width$}  {:>11}{:>11}{:>11}{ratios}", "", "min", "median", "max")?;
        FIGURES.iter().try_for_each(|figure| write_figure(f, results, figure, width))?;
        writeln!(f, "errors")?;
        results
            .servers
            .iter()
            .try_for_each(|server| writeln!(f, "  {:width$}  {}", server.target, server.errors_in_words()))?;
        results
            .servers
            .iter()
            .filter_map(|server| Some((server, server.warning()?)))
            .try_for_each(|(server, warning)| writeln!(f, "\nwarning: {}: {warning}", server.target))
    }
}

/// Left out where no server has the figure.
fn write_figure(f: &mut fmt::Formatter<'_>, results: &Results, figure: &Figure, width: usize) -> fmt::Result {
    let shown = |server: &ServerResults| server.figure(figure.name).is_some();
    if !results.servers.iter().any(shown) {
        return Ok(());
    }
    writeln!(f, "{}", figure.title)?;
    results.servers.iter().try_for_each(|server| {
        let Some(summary) = server.figure(figure.name) else {
            return writeln!(f, "  {:width$}{:>11}", server.target, "–");
        };
        let show = |value| number(value, figure.digits);
        let spread = summary.spread;
        write!(f, "  {:width$}", server.target)?;
        write!(f, "{:>11}{:>11}{:>11}", show(spread.min), show(spread.median), show(spread.max))?;
        match summary.ratio_to_first {
            Some(spread) => writeln!(f, "   {}", ratio(spread)),
            None => writeln!(f),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::{paced_turn, results, summed_up, turn};
    use super::*;

    #[test]
    fn several_servers_are_a_table() {
        let text = Text(&results()).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[..8],
            [
                "4 connections × 16 streams from 1 thread, 10000 keys, 1 descriptor; 3 rounds of 3.0 s",
                "",
                "                                     min     median        max   ratio to the first",
                "server's CPU seconds per million decisions",
                "  h:1                              10.00      11.00      12.00",
                "  unix:/tmp/<b>'x'&\"y\" z.sock      15.00      20.00      33.00   2.00 (1.25–3.00)",
                "decisions per second",
                "  h:1                              1,000      2,000      3,000",
            ],
            "{text}"
        );
        assert_eq!(lines.last(), Some(&"  unix:/tmp/<b>'x'&\"y\" z.sock  3 × timeout"), "{text}");
    }

    #[test]
    fn what_nobody_has_is_left_out() {
        let results = summed_up(&["h:1"], vec![vec![turn("h:1", 1, 1.0, None), turn("h:1", 2, 1.0, None)]]);
        let text = Text(&results).to_string();
        assert!(
            !text.contains("server's CPU") && !text.contains("ratio") && text.contains("latency p99, µs"),
            "{text}"
        );
    }

    #[test]
    fn a_single_turn_is_its_report() {
        let results = summed_up(&["h:1"], vec![vec![turn("h:1", 1, 1.0, None)]]);
        assert_eq!(Text(&results).to_string(), results.servers[0].turns[0].report.to_string());
    }

    #[test]
    fn a_load_that_was_not_kept_up_is_told_with_its_rounds() {
        let turns =
            |lates: &[u64]| (1..).zip(lates).map(|(round, late)| paced_turn("h:1", round, *late)).collect();
        let warned = summed_up(&["h:1", "h:2"], vec![turns(&[5, 0, 1, 3]), turns(&[0, 1])]);
        let text = Text(&warned).to_string();
        assert!(
            text.contains("10000 keys by Zipf's law with 1.1, 1 descriptor, 2000 requests per second;"),
            "{text}"
        );
        let own = text.find("requests sent late by this program").map(|at| &text[at..]).unwrap();
        assert!(
            own.lines().nth(1).is_some_and(|row| row.starts_with("  h:1 ") && row.contains("1,980")),
            "{text}"
        );
        let warnings: Vec<&str> = text.lines().filter(|line| line.starts_with("warning: ")).collect();
        let [warning] = warnings[..] else { panic!("{text}") };
        assert!(warning.starts_with("warning: h:1: in rounds 1, 4, this program sent 4.0 % of"), "{warning}");
        let alone = |late| Text(&summed_up(&["h:1"], vec![turns(&[late])])).to_string();
        assert!(
            alone(50).contains("\nwarning: this program sent 50.0 % of") && !alone(1).contains("warning")
        );
        assert!(alone(1).contains("\nschedule     2000 per second, sent late by p50"));
    }
}
