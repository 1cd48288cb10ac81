//! Faults of files, variables and flags, as a good compiler gives them: all at once, each with its place, the offending
//! text and what to write instead. Passwords in them are not repeated.
//!
//! This file holds the values; `text` prints them for people and `json` for programs.

mod json;
mod quote;
mod secret;
mod snippet;
mod text;

use std::fmt;
use std::sync::Arc;

use crate::config::source::SourceFile;
use crate::config::yaml::Span;
pub(crate) use quote::quote;
use snippet::Snippet;

/// How many faults are kept. A file that has more is of the wrong kind, and all that it says would fill the memory.
const MAX_KEPT: usize = 1000;

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where the fault stands.
    pub origin: Origin,
    /// The path of the field, such as `descriptors[2].rate_limit.unit`; empty at the top.
    pub path: String,
    /// What is wrong, in one line without a full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    snippet: Option<Snippet>,
}

/// What a fault keeps from happening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// What has it cannot be used.
    Error,
    /// It can be used, but it hardly means what it says.
    Warning,
}

/// Where a fault stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// In a file.
    File {
        /// The path as the operator named it.
        name: Arc<str>,
        /// Absent where the file as a whole is meant.
        position: Option<Position>,
    },
    /// In an environment variable of this name.
    Variable(String),
    /// In a command-line flag of this name, dashes included.
    Flag(String),
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// Every fault that was found; printed with [`fmt::Display`], or through serde as JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    /// Faults beyond [`MAX_KEPT`].
    dropped: usize,
}

impl Diagnostic {
    /// A fault of a file as a whole, such as one that cannot be read.
    pub fn of_file(name: impl Into<Arc<str>>, message: impl Into<String>) -> Self {
        Self::new(Origin::File { name: name.into(), position: None }, message)
    }

    /// A fault at a place in a file, whose line it shows.
    pub(crate) fn in_file(file: &SourceFile, span: Span, message: impl Into<String>) -> Self {
        let position = Some(Position { line: span.line, column: span.column });
        let origin = Origin::File { name: Arc::clone(&file.name), position };
        Self { snippet: Some(Snippet::new(&file.text, span)), ..Self::new(origin, message) }
    }

    /// A fault without the text that it stands in.
    pub fn new(origin: Origin, message: impl Into<String>) -> Self {
        let (severity, path) = (Severity::Error, String::new());
        Self { severity, origin, path, message: message.into(), help: None, snippet: None }
    }

    /// The same as a warning.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// The same with a remedy.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with the path of the field that it is about.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = secret::masked(&path.into());
        self
    }
}

impl Diagnostics {
    /// No faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fault.
    pub fn push(&mut self, fault: Diagnostic) {
        if self.list.len() < MAX_KEPT {
            self.list.push(fault);
        } else {
            self.dropped += 1;
        }
    }

    /// Adds all faults of `other`.
    pub fn append(&mut self, other: Self) {
        self.dropped += other.dropped;
        other.list.into_iter().for_each(|fault| self.push(fault));
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len() + self.dropped
    }

    /// The faults that were kept: all, or the first thousand.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// `value` where nothing was found.
    ///
    /// # Errors
    ///
    /// The faults themselves.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }

    /// Puts the faults of one file into the order of its lines: they are found in several passes.
    pub(crate) fn sort_by_position(&mut self) {
        self.list.sort_by_key(|fault| match fault.origin {
            Origin::File { position, .. } => position,
            Origin::Variable(_) | Origin::Flag(_) => None,
        });
    }
}

impl Severity {
    /// The word that is printed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(fault: Diagnostic) -> Self {
        Self { list: vec![fault], dropped: 0 }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, position: None } => f.write_str(name),
            Self::File { name, position: Some(position) } => write!(f, "{name}:{position}"),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}
