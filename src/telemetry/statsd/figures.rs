//! What is sent: figures by name and tags, as they are now. Those of the registry are read from its text, as every metric of
//! ours is there and none is anywhere else.

use std::collections::BTreeMap;
use std::time::Duration;

/// What the names of our own metrics begin with.
const OURS: &str = "ratekeeper_";

/// Whose figure it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    /// The name.
    pub name: String,
    /// What tells it from others of that name.
    pub tags: Vec<(String, String)>,
}

/// How often something took how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timer {
    /// The name.
    pub name: String,
    /// Since the process began, by how long it took at most.
    pub counts: Vec<(Duration, u64)>,
}

/// Figures at one time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// Since the process began.
    pub counters: BTreeMap<Series, u64>,
    /// As they are.
    pub gauges: BTreeMap<Series, f64>,
    /// Since the process began.
    pub timers: Vec<Timer>,
}

impl From<String> for Series {
    fn from(name: String) -> Self {
        Self { name, tags: Vec::new() }
    }
}

impl Figures {
    /// Our own counters and gauges out of OpenMetrics text, under the names that they have there. Histograms are left to
    /// Prometheus: StatsD has nothing that is like them.
    #[must_use]
    pub fn from_openmetrics(text: &str) -> Self {
        let mut figures = Self::default();
        let mut kind = "";
        for line in text.lines() {
            if let Some(described) = line.strip_prefix("# TYPE ") {
                kind = described.rsplit(' ').next().unwrap_or_default();
            } else if let Some((series, value)) = line.starts_with(OURS).then(|| sample(line)).flatten() {
                figures.take(kind, series, value);
            }
        }
        figures
    }

    fn take(&mut self, kind: &str, series: Series, value: &str) {
        match kind {
            "counter" => {
                if let Ok(value) = value.parse() {
                    self.counters.insert(series, value);
                }
            }
            "gauge" => {
                if let Ok(value) = value.parse() {
                    self.gauges.insert(series, value);
                }
            }
            _ => {}
        }
    }
}

/// A line's series and value. What follows the value, such as an exemplar, is nothing that StatsD has.
fn sample(line: &str) -> Option<(Series, &str)> {
    let (name, mut rest) = line.split_at(line.find(['{', ' '])?);
    let mut tags = Vec::new();
    if let Some(labels) = rest.strip_prefix('{') {
        rest = labels;
        while !rest.starts_with('}') {
            let (key, quoted) = rest.split_once("=\"")?;
            let (value, after) = unquoted(quoted)?;
            tags.push((key.to_owned(), value));
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        rest = &rest[1..];
    }
    let value = rest.split_whitespace().next()?;
    Some((Series { name: name.to_owned(), tags }, value))
}

/// A label's value without its escapes, and what follows the closing quotation mark.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    None
}
