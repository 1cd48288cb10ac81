//! A table of figures, for a terminal or as Markdown.

use std::fmt::Write as _;

/// Cells by row, under a head; the first column says what a row is about.
#[derive(Debug)]
pub(crate) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<H: ToString>(head: impl IntoIterator<Item = H>) -> Self {
        Self { head: head.into_iter().map(|cell| cell.to_string()).collect(), rows: Vec::new() }
    }

    /// Adds a row; cells that are missing at its end are empty.
    pub(crate) fn row<C: ToString>(&mut self, cells: impl IntoIterator<Item = C>) {
        let mut row: Vec<String> = cells.into_iter().map(|cell| cell.to_string()).collect();
        row.resize(self.head.len(), String::new());
        self.rows.push(row);
    }

    /// As it stands in documents.
    pub(crate) fn markdown(&self) -> String {
        let rule: Vec<String> = self.head.iter().map(|_| "---".to_owned()).collect();
        let lines = [&self.head, &rule].into_iter().chain(&self.rows);
        lines.map(|cells| format!("| {} |\n", cells.join(" | "))).collect()
    }

    /// In columns: words to the left, figures to the right.
    pub(crate) fn columns(&self) -> String {
        let lines = || std::iter::once(&self.head).chain(&self.rows);
        let width =
            |column: usize| lines().map(|cells| cells[column].chars().count()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let mut text = String::new();
        for cells in lines() {
            let mut line = String::new();
            for (column, (cell, &width)) in cells.iter().zip(&widths).enumerate() {
                // Writing to a string does not fail.
                let _ = match column {
                    0 => write!(line, "{cell:<width$}"),
                    _ => write!(line, "  {cell:>width$}"),
                };
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}
