//! Which plots are made of a run.

use super::super::slices::Slice;
use super::as_f64;
use super::bars::{Bar, BarPlot};
use super::figure::{SERVER_CPU, latency, number};
use super::plot::{Caption, Line, LinePlot};
use super::results::{Results, ServerResults};
use super::scale::Axis;

/// Points of a line of percentiles: more than one for each two pixels of most screens.
const PERCENTILE_STEPS: u16 = 240;

/// What a decision cost each server; nothing where no process was named.
pub(super) fn server_cpu(results: &Results) -> Option<BarPlot> {
    let bar = |(place, server): (usize, &ServerResults)| {
        let spread = server.figure(SERVER_CPU.name)?.spread;
        let show = |value| number(value, 2);
        let value = if spread.min < spread.max {
            format!("{} ({}–{})", show(spread.median), show(spread.min), show(spread.max))
        } else {
            show(spread.median)
        };
        let name = format!("{} {}", place + 1, server.target);
        Some(Bar { server: place, name, value, spread })
    };
    let bars: Vec<Bar> = results.servers.iter().enumerate().filter_map(bar).collect();
    let described: Vec<String> = bars.iter().map(|bar| format!("{}: {}", bar.name, bar.value)).collect();
    let longest = bars.iter().map(|bar| bar.spread.max).reduce(f64::max)?;
    Some(BarPlot {
        caption: Caption {
            id: "cpu",
            title: "CPU seconds per million decisions",
            note: "What the server spent: the bar is the median, the whisker goes from the smallest to the largest round",
            description: sentence(&described),
        },
        axis: Axis::from_zero("CPU seconds, less is better", longest, short),
        bars,
    })
}

/// How long the slowest answers took.
pub(super) fn percentiles(results: &Results) -> LinePlot {
    let decided = || results.servers.iter().enumerate().filter(|(_, server)| server.latency.count() > 0);
    let answers = decided().map(|(_, server)| as_f64(server.latency.count())).fold(0.0, f64::max);
    let x = Axis::quantiles("answered within, % of answers", answers);
    let line = |(place, server): (usize, &ServerResults)| {
        let quantile = |step: u16| x.quantile_at(f64::from(step) / f64::from(PERCENTILE_STEPS));
        let point = |step: u16| (quantile(step), server.latency.micros_within(quantile(step)));
        Line { server: place, points: (0..=PERCENTILE_STEPS).map(point).collect() }
    };
    let lines: Vec<Line> = decided().map(line).collect();
    let described: Vec<String> = decided()
        .map(|(_, server)| {
            let at = |quantile| latency(server.latency.micros_within(quantile));
            format!(
                "{}: half within {}, 99 % within {}, 99.9 % within {}",
                server.target,
                at(0.5),
                at(0.99),
                at(0.999)
            )
        })
        .collect();
    let y = magnitudes("latency", &lines);
    let caption = Caption {
        id: "latency",
        title: "Latency by percentile",
        note: "All rounds; each further nine is as wide as the one before",
        description: sentence(&described),
    };
    LinePlot { caption, x, y, marked: false, lines }
}

/// Decisions per second over the time of the run.
pub(super) fn rate(results: &Results) -> LinePlot {
    let lines = over_time(results, |slice| Some(slice.decisions_per_second));
    let highest = values(&lines).fold(0.0, f64::max);
    LinePlot {
        caption: Caption {
            id: "rate",
            title: "Decisions per second over time",
            note: whose(results),
            description: extremes(results, &lines, |value| number(value, 0)),
        },
        marked: several(results),
        x: seconds(results),
        y: Axis::from_zero("decisions per second", highest, |value| number(value, 0)),
        lines,
    }
}

/// The slow ones over the time of the run.
pub(super) fn slow(results: &Results) -> LinePlot {
    let lines = over_time(results, |slice| slice.p99_us);
    LinePlot {
        caption: Caption {
            id: "p99",
            title: "Latency p99 over time",
            note: whose(results),
            description: extremes(results, &lines, latency),
        },
        marked: several(results),
        x: seconds(results),
        y: magnitudes("99 % answered within", &lines),
        lines,
    }
}

/// A line for each stretch in which a server has a value, level as long as each slice lasts: servers take turns, so
/// there is nothing to connect between theirs.
fn over_time(results: &Results, value: fn(&Slice) -> Option<f64>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (place, server) in results.servers.iter().enumerate() {
        for turn in &server.turns {
            for stretch in turn.report.slices.split(|slice| value(slice).is_none()) {
                let ends = |slice: &Slice| {
                    let start = turn.started_seconds + slice.start_seconds;
                    value(slice).map(|value| [(start, value), (start + slice.seconds, value)])
                };
                let points: Vec<(f64, f64)> = stretch.iter().filter_map(ends).flatten().collect();
                if !points.is_empty() {
                    lines.push(Line { server: place, points });
                }
            }
        }
    }
    lines
}

fn several(results: &Results) -> bool {
    results.servers.len() > 1
}

fn whose(results: &Results) -> &'static str {
    if several(results) { "Servers take turns; each line has the number of its server" } else { "All rounds" }
}

fn seconds(results: &Results) -> Axis {
    let turns = results.servers.iter().flat_map(|server| &server.turns);
    let end = turns.map(|turn| turn.started_seconds + turn.report.seconds).fold(0.0, f64::max);
    Axis::until("seconds since the run began", end, short)
}

fn magnitudes(title: &str, lines: &[Line]) -> Axis {
    let low = values(lines).fold(f64::INFINITY, f64::min);
    let high = values(lines).fold(0.0, f64::max);
    Axis::logarithmic(title, if low.is_finite() { low } else { 1.0 }, high, latency)
}

fn values(lines: &[Line]) -> impl Iterator<Item = f64> {
    lines.iter().flat_map(|line| &line.points).map(|(_, value)| *value)
}

fn extremes(results: &Results, lines: &[Line], show: fn(f64) -> String) -> String {
    let described = |(place, server): (usize, &ServerResults)| {
        let own = || lines.iter().filter(move |line| line.server == place).flat_map(|line| &line.points);
        let low = own().map(|(_, value)| *value).reduce(f64::min)?;
        let high = own().map(|(_, value)| *value).reduce(f64::max)?;
        Some(format!("{}: from {} to {}", server.target, show(low), show(high)))
    };
    sentence(&results.servers.iter().enumerate().filter_map(described).collect::<Vec<_>>())
}

fn sentence(described: &[String]) -> String {
    if described.is_empty() { "Nothing was answered.".to_owned() } else { described.join("; ") + "." }
}

/// A round number without needless digits.
fn short(value: f64) -> String {
    format!("{value:.3}").trim_end_matches('0').trim_end_matches('.').to_owned()
}
