//! What is on record, and how what is measured now compares with it.

use std::fmt;
use std::path::Path;

use anyhow::Context;
use serde_json::{Map, Value};

use crate::callgrind::Measured;

/// How far a figure may be from its record, in percent: above what two runs of the same program differ by, and below what
/// somebody would be sorry for.
const TOLERANCE: f64 = 3.0;

/// The same for whole calls, in which timers and the kernel's timing have a part.
const TOLERANCE_OF_CALLS: f64 = 10.0;

/// The record: instructions by path, in the order in which they are measured.
#[derive(Debug, Default)]
pub(crate) struct Baseline(Map<String, Value>);

impl Baseline {
    pub(crate) fn of(measured: &[Measured]) -> Self {
        let entry = |one: &Measured| (one.path.clone(), Value::from(one.instructions));
        Self(measured.iter().map(entry).collect())
    }

    pub(crate) fn read(file: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(Self(serde_json::from_str(&text).with_context(|| format!("{} is no record", file.display()))?))
    }

    pub(crate) fn write(&self, file: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(&self.0)? + "\n";
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
    }

    /// A line for each path that is measured now, and then for each that is not any more.
    pub(crate) fn compare(&self, measured: &[Measured]) -> Comparison {
        let now = measured.iter().map(|one| Line {
            path: one.path.clone(),
            recorded: self.0.get(&one.path).and_then(Value::as_u64),
            now: Some(one.instructions),
        });
        let gone = self.0.iter().filter(|(path, _)| measured.iter().all(|one| one.path != **path));
        let gone =
            gone.map(|(path, recorded)| Line { path: path.clone(), recorded: recorded.as_u64(), now: None });
        Comparison(now.chain(gone).collect())
    }
}

/// What is on record beside what is measured.
#[derive(Debug)]
pub(crate) struct Comparison(Vec<Line>);

#[derive(Debug)]
struct Line {
    path: String,
    recorded: Option<u64>,
    now: Option<u64>,
}

impl Comparison {
    /// Whether everything is as it was.
    pub(crate) fn is_none(&self) -> bool {
        self.0.iter().all(Line::is_as_recorded)
    }

    /// The lines alone.
    pub(crate) fn table(&self) -> String {
        let head = format!("{:<52}{:>12}{:>12}{:>12}\n", "instructions", "recorded", "now", "difference");
        self.0.iter().fold(head, |table, line| format!("{table}{line}\n"))
    }
}

impl Line {
    /// By how many percent there are more now.
    #[expect(clippy::cast_precision_loss, reason = "no path has 2^53 instructions")]
    fn difference(&self) -> Option<f64> {
        let (recorded, now) = (self.recorded? as f64, self.now? as f64);
        Some((now - recorded) / recorded * 100.0)
    }

    fn is_as_recorded(&self) -> bool {
        let tolerance = if self.path.starts_with("call: ") { TOLERANCE_OF_CALLS } else { TOLERANCE };
        self.difference().is_some_and(|difference| difference.abs() <= tolerance)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number =
            |number: Option<u64>| number.map_or_else(|| "none".to_owned(), |number| number.to_string());
        write!(f, "{:<52}{:>12}{:>12}", self.path, number(self.recorded), number(self.now))?;
        match self.difference() {
            Some(difference) => write!(f, "{difference:>+10.1} %")?,
            None => write!(f, "{:>12}", "")?,
        }
        f.write_str(if self.is_as_recorded() { "" } else { "  !" })
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.table())?;
        if self.is_none() {
            return f.write_str("Every path is as it is on record.");
        }
        let marked = self.0.iter().filter(|line| !line.is_as_recorded()).count();
        write!(
            f,
            "{marked} of {} are further from the record than {TOLERANCE} % (calls: {TOLERANCE_OF_CALLS} %), in lines marked with `!`.\n\
             Where a path became longer: find out what was added, and whether it has to be there.\n\
             The record was taken on x86_64; on another processor all paths differ.\n\
             Where it is meant, or a path became shorter: `make instructions-record`, and commit instructions/baseline.json\n\
             with the reason, so that what was gained is kept.",
            self.0.len()
        )
    }
}
