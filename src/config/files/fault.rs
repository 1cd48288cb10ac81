//! What can be wrong with the rule files before anybody looks at their grammar, with the remedy.

use std::sync::Arc;

use thiserror::Error;

use super::{MAX_FILES, MAX_TOTAL_BYTES};
use crate::config::diagnostic::{Diagnostic, Diagnostics};
use crate::config::source::MAX_FILE_BYTES;

/// One file or folder that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileFault {
    /// The path as the operator named it, or as it follows from the named folder.
    pub(super) name: Arc<str>,
    pub(super) problem: Problem,
}

/// Why it cannot be used. Equal problems give equal text: a fault that stays is told once.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(in crate::config) enum Problem {
    /// A configured path leads to nothing.
    #[error("the path does not exist")]
    Missing,
    /// The file was listed, and gone (or its symlink led nowhere) when it was to be read, however often it was tried.
    #[error("the file is listed but cannot be found")]
    Vanished,
    /// The system refused, in its words.
    #[error("the path cannot be read: {0}")]
    Unreadable(String),
    /// A FIFO, a socket or a device: reading it might never end.
    #[error("the path is neither a file nor a folder")]
    NotAFile,
    /// Larger than [`MAX_FILE_BYTES`].
    #[error("the file is larger than {} MiB", MAX_FILE_BYTES >> 20)]
    TooLarge,
    /// With this file, all together are larger than [`MAX_TOTAL_BYTES`].
    #[error("with this file the rules exceed {} MiB", MAX_TOTAL_BYTES >> 20)]
    TooMuch,
    /// This one comes after [`MAX_FILES`] others.
    #[error("this is one rule file too many: at most {MAX_FILES} are read")]
    TooManyFiles,
    /// Every reading found other files than the one before.
    #[error("the rule files kept changing while they were read")]
    Unsettled,
    /// The task that read ended early: the process is ending, or there is a mistake in this program.
    #[error("the rule files could not be read to the end: {0}")]
    Interrupted(String),
}

impl FileFault {
    /// Whether a swap that is under way looks like this.
    pub(super) fn may_pass(&self) -> bool {
        self.problem == Problem::Vanished
    }
}

impl Problem {
    fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::Missing => "create it, or correct the path (setting `rules.paths`)",
            Self::Vanished => "remove the symlink that leads nowhere, or restore its target",
            Self::Unreadable(_) => "let the user that runs ratekeeper read it",
            Self::NotAFile => "put the rules into a regular file",
            Self::TooLarge => "split it into several files",
            Self::TooMuch | Self::TooManyFiles => "see whether the path leads where it should",
            Self::Unsettled => "let whoever writes them come to an end",
            Self::Interrupted(_) => return None,
        })
    }
}

impl From<FileFault> for Diagnostics {
    fn from(FileFault { name, problem }: FileFault) -> Self {
        let told = Diagnostic::of_file(name, problem.to_string());
        match problem.help() {
            Some(help) => told.with_help(help).into(),
            None => told.into(),
        }
    }
}
