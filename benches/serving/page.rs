//! Where a suite writes what it found: text for a terminal, or Markdown that can be pasted into a document.

use std::io::{Stdout, Write, stdout};

use crate::goal::Goal;
use crate::table::Table;

/// Standard output, in one of two forms. Remembers which goals were missed.
#[derive(Debug)]
pub(crate) struct Page {
    markdown: bool,
    out: Stdout,
    missed: Vec<String>,
}

impl Page {
    pub(crate) fn new(markdown: bool) -> Self {
        Self { markdown, out: stdout(), missed: Vec::new() }
    }

    /// Begins a part of the page.
    pub(crate) fn heading(&mut self, text: &str) -> anyhow::Result<()> {
        if self.markdown {
            self.write(&format!("\n### {text}\n\n"))
        } else {
            self.write(&format!("\n{text}\n"))
        }
    }

    /// A line that says how to read what follows, or what went before.
    pub(crate) fn note(&mut self, text: &str) -> anyhow::Result<()> {
        if self.markdown { self.write(&format!("\n{text}\n")) } else { self.write(&format!("{text}\n")) }
    }

    pub(crate) fn table(&mut self, table: &Table) -> anyhow::Result<()> {
        if self.markdown { self.write(&table.markdown()) } else { self.write(&table.columns()) }
    }

    /// Each goal with its verdict.
    pub(crate) fn goals(&mut self, goals: &[Goal]) -> anyhow::Result<()> {
        if goals.is_empty() {
            return Ok(());
        }
        let mut table = Table::new(["goal", "bound", "measured", ""]);
        for goal in goals {
            table.row(goal.cells());
            if !goal.is_met() {
                self.missed.push(goal.what.clone());
            }
        }
        self.write("\n")?;
        self.table(&table)
    }

    /// What the goals were about that were missed so far.
    pub(crate) fn missed(&self) -> &[String] {
        &self.missed
    }

    fn write(&mut self, text: &str) -> anyhow::Result<()> {
        self.out.write_all(text.as_bytes())?;
        Ok(self.out.flush()?)
    }
}
