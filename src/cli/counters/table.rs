//! Counters in words and columns, for people.

use std::fmt::Write as _;

use crate::cli::tell;
use crate::server::http::admin::counters::page::{CounterLine, ForeignLine, ResetPage, RuleLine, UnreadLine};

/// The columns, and whether they are numbers, which stand at the right.
const COLUMNS: [(&str, bool); 13] = [
    ("DOMAIN", false),
    ("ENTRIES", false),
    ("ALGORITHM", false),
    ("LIMIT", true),
    ("COUNT", true),
    ("CAPACITY", true),
    ("REMAINING", true),
    ("NEXT", true),
    ("RESET", true),
    ("WHERE", false),
    ("RULE", false),
    ("NAME", false),
    ("FROM", false),
];

type Row = [String; COLUMNS.len()];

const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

/// A table whose columns stay as wide as they were.
#[derive(Debug)]
pub(super) struct Table {
    colours: bool,
    widths: [usize; COLUMNS.len()],
    has_begun: bool,
}

impl Table {
    /// A table, with what is used up in red or without colours.
    pub(super) fn new(colours: bool) -> Self {
        Self { colours, widths: COLUMNS.map(|(name, _)| name.len()), has_begun: false }
    }

    /// More lines of it, with the head if they are the first.
    pub(super) fn lines(&mut self, counters: &[CounterLine]) -> String {
        let rows: Vec<Row> = counters.iter().map(row).collect();
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut text = String::new();
        if !self.has_begun && !rows.is_empty() {
            self.has_begun = true;
            self.push(&mut text, &COLUMNS.map(|(name, _)| name.to_owned()), false);
        }
        for (row, counter) in rows.iter().zip(counters) {
            self.push(&mut text, row, self.colours && counter.remaining == Some(0));
        }
        text
    }

    fn push(&self, text: &mut String, row: &Row, red: bool) {
        let mut line = String::new();
        for ((cell, width), (_, right)) in row.iter().zip(self.widths).zip(COLUMNS) {
            // Writing to a string cannot fail.
            let _ = match right {
                true => write!(line, "{cell:>width$}  "),
                false => write!(line, "{cell:<width$}  "),
            };
        }
        let line = line.trim_end();
        let _ = if red { writeln!(text, "{RED}{line}{PLAIN}") } else { writeln!(text, "{line}") };
    }
}

fn row(counter: &CounterLine) -> Row {
    let or_dash = |number: Option<u32>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let in_seconds =
        |seconds: Option<u64>| seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds}s"));
    let of_rule = |part: &dyn Fn(&RuleLine) -> Option<&String>| {
        counter.rule.as_ref().and_then(part).map_or_else(|| "-".to_owned(), String::clone)
    };
    [
        counter.domain.clone(),
        counter.entries.clone(),
        counter.algorithm.clone(),
        format!("{}/{}", or_dash(counter.limit), counter.unit),
        counter.count.to_string(),
        or_dash(counter.capacity),
        or_dash(counter.remaining),
        in_seconds(counter.next_seconds),
        in_seconds(counter.reset_seconds),
        place(counter).to_owned(),
        rule(counter),
        of_rule(&|rule| rule.name.as_ref()),
        of_rule(&|rule| Some(&rule.location)),
    ]
}

fn place(counter: &CounterLine) -> &str {
    counter.shard.as_deref().unwrap_or("local")
}

fn rule(counter: &CounterLine) -> String {
    let paths =
        |rules: &[RuleLine]| rules.iter().map(|rule| rule.path.as_str()).collect::<Vec<_>>().join(" or ");
    match &counter.rule {
        Some(rule) => rule.path.clone(),
        None if counter.possible_rules.is_empty() => "-".to_owned(),
        None => paths(&counter.possible_rules),
    }
}

/// One counter, a line for each thing that is known.
pub(super) fn in_words(counter: &CounterLine) -> String {
    let count = match (&counter.foreign, counter.limit, counter.remaining) {
        (Some(why), ..) => format!("none: something else is in its place, {why}"),
        (None, Some(limit), Some(remaining)) => {
            let capacity = counter.capacity.unwrap_or(limit);
            match capacity == limit {
                true => format!("{} of {limit} per {}, {remaining} remaining", counter.count, counter.unit),
                false => format!(
                    "{} of {capacity}, {remaining} remaining; drains at {limit} per {}",
                    counter.count, counter.unit
                ),
            }
        }
        _ if counter.reset_seconds.is_none() => {
            format!("{} when it was used last, of an unknown limit per {}", counter.count, counter.unit)
        }
        _ => format!("{} in this {}, of an unknown limit", counter.count, counter.unit),
    };
    let reset = match counter.reset_seconds {
        Some(seconds) => format!("in {seconds} s"),
        None => "unknown: how fast it drains is known with its limit".to_owned(),
    };
    let next = counter.next_seconds.map(|seconds| format!("in {seconds} s"));
    let rule = match &counter.rule {
        Some(RuleLine { path, name, location, shadow_mode }) => {
            let name = name.as_ref().map_or_else(String::new, |name| format!(", named {name}"));
            format!("{path} ({location}){name}{}", if *shadow_mode { ", in shadow mode" } else { "" })
        }
        None if counter.possible_rules.is_empty() => "none that is in force".to_owned(),
        None => format!("{}; the key leaves open which", rule(counter)),
    };
    let lines = [
        ("domain", Some(counter.domain.as_str())),
        ("entries", Some(&counter.entries)),
        ("algorithm", Some(&counter.algorithm)),
        ("count", Some(&count)),
        ("next", next.as_deref()),
        ("reset", Some(&reset)),
        ("rule", Some(&rule)),
        ("where", Some(place(counter))),
        ("key", Some(&counter.key)),
    ];
    let known = lines.into_iter().filter_map(|(name, value)| Some((name, value?)));
    known.map(|(name, value)| format!("{name:<9} {value}\n")).collect()
}

/// What a reset has done.
pub(super) fn reset_in_words(done: &ResetPage) -> String {
    let what = match done.reset {
        0 => "no counter was there to reset".to_owned(),
        1 => "1 counter was reset".to_owned(),
        more => format!("{more} counters were reset"),
    };
    match done.others_may_deny_for_seconds {
        none if none <= 0.0 => format!("{what}\n"),
        seconds => format!("{what}; other replicas may deny from memory for up to {seconds} s more\n"),
    }
}

/// Says on standard error what is no counter, and what was not read.
pub(super) fn tell_besides(foreign: &[ForeignLine], unread: &[UnreadLine]) {
    for ForeignLine { key, shard, why } in foreign {
        let shard = shard.as_deref().unwrap_or("local");
        tell(&format!("no counter of ours: {key} at {shard}: {why}"));
    }
    for UnreadLine { shard, why } in unread {
        tell(&format!("not read: {shard}: {why}"));
    }
}

/// Says on standard error how many there were, and how to see more.
pub(super) fn tell_count(counters: usize, cursor: Option<&str>) {
    let more = cursor.map_or_else(String::new, |cursor| {
        format!("; there may be more: --limit 0 lists all, --cursor '{cursor}' goes on")
    });
    let noun = if counters == 1 { "counter" } else { "counters" };
    tell(&format!("{counters} {noun}{more}"));
}
