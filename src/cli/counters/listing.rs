//! A listing, printed page by page: however many counters there are, only one page is held.

use std::io::{IsTerminal, Stdout, Write};

use super::table::{self, Table};
use crate::server::http::admin::counters::page::{CounterPage, ForeignLine, UnreadLine};

/// A listing under way.
#[derive(Debug)]
pub(super) struct Listing<W> {
    out: W,
    form: Form,
    counters: usize,
    foreign: Vec<ForeignLine>,
    unread: Vec<UnreadLine>,
}

#[derive(Debug)]
enum Form {
    Json,
    Table(Table),
}

impl Listing<Stdout> {
    /// Begins one on the standard output.
    pub(super) fn start(json: bool, out: Stdout) -> anyhow::Result<Self> {
        let colours = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self::begin(json, colours, out)
    }
}

impl<W: Write> Listing<W> {
    pub(super) fn begin(json: bool, colours: bool, mut out: W) -> anyhow::Result<Self> {
        let form = if json { Form::Json } else { Form::Table(Table::new(colours)) };
        if json {
            write!(out, "{{\"counters\":[")?;
        }
        Ok(Self { out, form, counters: 0, foreign: Vec::new(), unread: Vec::new() })
    }

    /// How many counters were printed.
    pub(super) fn counters(&self) -> usize {
        self.counters
    }

    /// Prints a page; gives where the next one begins.
    pub(super) fn add(&mut self, page: CounterPage) -> anyhow::Result<Option<String>> {
        match &mut self.form {
            Form::Table(table) => self.out.write_all(table.lines(&page.counters).as_bytes())?,
            Form::Json => {
                for (index, counter) in page.counters.iter().enumerate() {
                    let comma = if self.counters + index == 0 { "" } else { "," };
                    write!(self.out, "{comma}\n{}", serde_json::to_string(counter)?)?;
                }
            }
        }
        self.counters += page.counters.len();
        self.foreign.extend(page.foreign);
        for unread in page.not_read {
            if !self.unread.contains(&unread) {
                self.unread.push(unread);
            }
        }
        Ok(page.cursor)
    }

    /// Prints what there is beside counters; gives the shards that did not answer.
    pub(super) fn end(mut self, cursor: Option<&str>) -> anyhow::Result<Vec<UnreadLine>> {
        match self.form {
            Form::Table(_) => {
                self.out.flush()?;
                table::tell_besides(&self.foreign, &self.unread);
                table::tell_count(self.counters, cursor);
            }
            Form::Json => {
                let [foreign, unread, cursor] = [
                    serde_json::to_string(&self.foreign)?,
                    serde_json::to_string(&self.unread)?,
                    serde_json::to_string(&cursor)?,
                ];
                writeln!(self.out, "\n],\"foreign\":{foreign},\"not_read\":{unread},\"cursor\":{cursor}}}")?;
                self.out.flush()?;
            }
        }
        Ok(self.unread)
    }
}
