//! A run for programs: one JSON object, described in `docs/benchmarks.md`.

use std::io;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::ser::Formatter;

use super::super::latencies::Latencies;
use super::super::spread::Spread;
use super::figure::Summary;
use super::results::Results;

/// The usual points; 100 is the largest latency.
pub const PERCENTILES: [f64; 10] = [50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.99, 99.999, 100.0];

#[derive(Serialize)]
struct NamedSpread {
    #[serde(flatten)]
    spread: Spread,
    ratio_to_first: Option<Spread>,
}

#[derive(Serialize)]
struct Point {
    percentile: f64,
    us: f64,
}

#[derive(Serialize)]
struct Distribution {
    answers: u64,
    percentiles: Vec<Point>,
    /// Microseconds, and how many answers took that long.
    histogram: Vec<(f64, u64)>,
}

/// The object, in lines that people can read, too.
///
/// # Errors
///
/// Never, as far as serde is concerned: all keys are texts.
pub fn write(results: &Results) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    results.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Lines::default()))?;
    bytes.push(b'\n');
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

pub(super) fn by_name<S: Serializer>(figures: &[Summary], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(figures.len()))?;
    for Summary { figure, spread, ratio_to_first } in figures {
        map.serialize_entry(figure.name, &NamedSpread { spread: *spread, ratio_to_first: *ratio_to_first })?;
    }
    map.end()
}

pub(super) fn latencies<S: Serializer>(latencies: &Latencies, serializer: S) -> Result<S::Ok, S::Error> {
    let point = |percentile| Point { percentile, us: latencies.micros_within(percentile / 100.0) };
    Distribution {
        answers: latencies.count(),
        percentiles: PERCENTILES.map(point).into(),
        histogram: latencies.counts_by_micros().collect(),
    }
    .serialize(serializer)
}

/// Objects over several lines, but lists in one: a histogram has thousands of values.
#[derive(Debug, Default)]
struct Lines {
    /// Objects that are open.
    depth: usize,
    /// Whether the one that was just opened has a field.
    has_field: bool,
}

impl Lines {
    fn break_line<W: ?Sized + io::Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| writer.write_all(b"  "))
    }
}

impl Formatter for Lines {
    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.has_field = false;
        writer.write_all(b"{")
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        self.break_line(writer)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_field = true;
        Ok(())
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.has_field {
            self.break_line(writer)?;
        }
        writer.write_all(b"}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::super::sample::{paced_turn, results, summed_up};
    use super::*;

    /// The paths of all values, with their kinds; what stands in a list counts as one.
    fn shape(value: &Value, path: &str, paths: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    let inner = format!("{path}.{name}");
                    // Figures look alike, so their names do.
                    if path.ends_with(".figures") {
                        paths.insert(inner);
                        shape(field, &format!("{path}.*"), paths);
                    } else {
                        shape(field, &inner, paths);
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| shape(value, &format!("{path}[]"), paths)),
            Value::Null => drop(paths.insert(format!("{path} null"))),
            Value::Bool(_) => drop(paths.insert(format!("{path} bool"))),
            Value::Number(_) => drop(paths.insert(format!("{path} number"))),
            Value::String(_) => drop(paths.insert(format!("{path} text"))),
        }
    }

    #[test]
    fn the_shape_never_changes_unnoticed() {
        let mut paths = BTreeSet::new();
        let mut paced = summed_up(&["h:1"], vec![vec![paced_turn("h:1", 1, 0)]]);
        paced.servers[0].turns[0].report.lost = Some("gone".to_owned());
        paced.failure = Some("lost server 1".to_owned());
        for results in [results(), paced] {
            let value: Value = serde_json::from_str(&write(&results).unwrap()).unwrap();
            shape(&value, "", &mut paths);
        }
        let found: String = paths.into_iter().map(|path| path + "\n").collect();
        assert_eq!(found, include_str!("json/shape.txt"), "found:\n{found}");
    }

    #[test]
    fn lines_are_broken_where_nothing_but_layout_depends_on_it() {
        let results = results();
        let text = write(&results).unwrap();
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(value(&text), value(&serde_json::to_string(&results).unwrap()));
        assert!(text.starts_with("{\n  \"schema\": 1,\n  \"ratekeeper\": "), "{text}");
        assert!(text.contains("\n      \"errors\": {},\n"), "{text}");
        let histogram = text.lines().find(|line| line.trim_start().starts_with("\"histogram\": ")).unwrap();
        assert!(histogram.ends_with("]]"), "{histogram}");
    }

    #[test]
    fn the_histogram_counts_every_answer() {
        let value = serde_json::to_value(results()).unwrap();
        let latency = &value["servers"][0]["latency"];
        let counts: u64 =
            latency["histogram"].as_array().unwrap().iter().map(|pair| pair[1].as_u64().unwrap()).sum();
        assert_eq!((latency["answers"].as_u64(), counts), (Some(300), 300));
        let p90 = &latency["percentiles"][2];
        assert_eq!(p90["percentile"], 90.0);
        assert!((p90["us"].as_f64().unwrap() / 90_000.0 - 1.0).abs() < 0.002, "{p90}");
    }
}
