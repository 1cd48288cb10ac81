//! From figures to lines, and from lines to datagrams.
//!
//! StatsD: `name:1|c`. Tags are part of the name there as `.__key=value`, the form that receivers of envoyproxy/ratelimit's
//! figures know; DogStatsD has `|#key:value` behind the line.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::time::Duration;

use super::{Figures, Series, Timer};

/// The longest datagram: what passes an Ethernet in one piece, with room for headers of tunnels.
pub(super) const MAX_DATAGRAM: usize = 1432;

/// The dialect of StatsD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Tags in names.
    Statsd,
    /// Tags behind lines.
    DogStatsd,
}

/// The form of lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// The dialect.
    pub format: Format,
    /// What every line carries.
    pub tags: BTreeMap<String, String>,
}

/// What was sent so far: the next flush sends what has come since.
#[derive(Debug, Default)]
pub(super) struct Differences {
    counters: BTreeMap<Series, u64>,
    gauges: BTreeSet<Series>,
    timers: HashMap<(String, Duration), u64>,
}

impl Differences {
    /// The datagrams of one flush. A line that is longer than any datagram is left out.
    pub(super) fn datagrams(&mut self, figures: &Figures, lines: &Lines) -> Vec<Vec<u8>> {
        let mut packed = Datagrams::default();
        for (series, &count) in &figures.counters {
            let more = since(count, self.counters.get(series).copied());
            if more > 0 {
                packed.push(&lines.line(series, format_args!("{more}|c")));
            }
        }
        // Names that are gone are forgotten.
        self.counters.clone_from(&figures.counters);
        for (series, &value) in &figures.gauges {
            packed.push(&lines.gauge(series, value));
        }
        // Receivers keep a gauge until they are told otherwise.
        for gone in self.gauges.iter().filter(|series| !figures.gauges.contains_key(*series)) {
            packed.push(&lines.gauge(gone, 0.0));
        }
        self.gauges = figures.gauges.keys().cloned().collect();
        for timer in &figures.timers {
            self.timer(timer, lines, &mut packed);
        }
        packed.0
    }

    /// One line for each bucket: as many events as there were, each taken for the longest of its bucket.
    fn timer(&mut self, timer: &Timer, lines: &Lines, packed: &mut Datagrams) {
        let series = Series::from(timer.name.clone());
        for &(at_most, count) in &timer.counts {
            let before = self.timers.insert((timer.name.clone(), at_most), count);
            let more = since(count, before);
            let millis = at_most.as_secs_f64() * 1e3;
            match more {
                0 => {}
                1 => packed.push(&lines.line(&series, format_args!("{millis}|ms"))),
                more => {
                    let rate = sample_rate(more);
                    packed.push(&lines.line(&series, format_args!("{millis}|ms|@{rate}")));
                }
            }
        }
    }
}

impl Lines {
    /// The line of a level, or two that must stay together: in StatsD a level with a sign is a change, so that one below zero
    /// is written as a change from zero.
    fn gauge(&self, series: &Series, value: f64) -> String {
        let line = self.line(series, format_args!("{value}|g"));
        if value >= 0.0 || self.format == Format::DogStatsd {
            return line;
        }
        self.line(series, format_args!("0|g")) + "\n" + &line
    }

    fn line(&self, series: &Series, value: std::fmt::Arguments<'_>) -> String {
        let mut line = String::with_capacity(series.name.len() + 16);
        line.extend(
            series.name.chars().map(|c| if c.is_control() || c == ':' || c == '|' { '_' } else { c }),
        );
        let extra = self.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let own = series.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        // A tag without a value means nothing to receivers.
        let tags = extra.chain(own).filter(|(_, value)| !value.is_empty());
        // Writing to a string cannot fail.
        let _ = match self.format {
            Format::Statsd => {
                tags.for_each(|(key, value)| {
                    let _ = write!(line, ".__{key}={}", tag_value(value));
                });
                write!(line, ":{value}")
            }
            Format::DogStatsd => {
                let _ = write!(line, ":{value}");
                for (index, (key, value)) in tags.enumerate() {
                    let separator = if index == 0 { "|#" } else { "," };
                    let _ = write!(line, "{separator}{key}:{}", tag_value(value));
                }
                Ok(())
            }
        };
        line
    }
}

/// Whole lines, as many as fit into each.
#[derive(Debug, Default)]
struct Datagrams(Vec<Vec<u8>>);

impl Datagrams {
    fn push(&mut self, line: &str) {
        if line.len() > MAX_DATAGRAM {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.len() + 1 + line.len() <= MAX_DATAGRAM => {
                last.push(b'\n');
                last.extend(line.as_bytes());
            }
            _ => self.0.push(line.as_bytes().to_vec()),
        }
    }
}

/// A tag's value without what has a meaning in lines.
fn tag_value(value: &str) -> String {
    value
        .chars()
        .map(|c| if c.is_control() || matches!(c, '.' | ':' | '|' | ',') { '_' } else { c })
        .collect()
}

/// What has come since. A counter that is lower than before has begun anew.
fn since(now: u64, before: Option<u64>) -> u64 {
    match before {
        Some(before) if before <= now => now - before,
        _ => now,
    }
}

/// The rate of a sample that stands for so many. Receivers divide by it and cut the fraction off, so it is never a little too large.
fn sample_rate(events: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a process does not have 2^53 events between two flushes")]
    let events = events as f64;
    let rate = events.recip();
    if rate.recip() < events { rate.next_down() } else { rate }
}
