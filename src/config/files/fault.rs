//! What can be wrong with the rule files before anybody looks at their grammar, with the remedy.
//!
//! Faults are compared (a fault that stays is reported once), so they hold text rather than system errors.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use super::{MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES};
use crate::decision::rules::spec::Location;

/// One file or folder that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FileFault {
    /// A configured path leads to nothing.
    #[error("{name}: does not exist; create it, or correct the paths of the rules (setting `rules.paths`)")]
    Missing {
        /// The path as configured.
        name: Arc<str>,
    },
    /// The file was listed, and gone (or its symlink led nowhere) when it was to be read, however often it was tried.
    #[error(
        "{name}: is listed but cannot be found; remove the symlink that leads nowhere, or restore its target"
    )]
    Vanished {
        /// The file.
        name: Arc<str>,
    },
    /// The system refused.
    #[error("{name}: cannot be read ({reason}); let the user that runs ratekeeper read it")]
    Unreadable {
        /// The file or folder.
        name: Arc<str>,
        /// In the system's words.
        reason: String,
    },
    /// A FIFO, a socket or a device: reading it might never end.
    #[error("{name}: is neither a file nor a folder; put the rules into a regular file")]
    NotAFile {
        /// The path.
        name: Arc<str>,
    },
    /// Larger than [`MAX_FILE_BYTES`].
    #[error("{name}: is larger than {} MiB; split it into several files", MAX_FILE_BYTES >> 20)]
    TooLarge {
        /// The file.
        name: Arc<str>,
    },
    /// All files together are larger than [`MAX_TOTAL_BYTES`].
    #[error("{name}: with this file the rules exceed {} MiB; is the path right?", MAX_TOTAL_BYTES >> 20)]
    TooMuch {
        /// The first file that was too much.
        name: Arc<str>,
    },
    /// More than [`MAX_FILES`].
    #[error("{name}: is one rule file too many, {MAX_FILES} are read at most; is the path right?")]
    TooManyFiles {
        /// The first file that was too many.
        name: Arc<str>,
    },
    /// Bytes that are not UTF-8.
    #[error("{at}: the text is not UTF-8 from here on; save the file as UTF-8")]
    NotText {
        /// The first byte that is wrong.
        at: Location,
    },
    /// Every reading found other files than the one before.
    #[error("the rule files kept changing while they were read; they are read again at their next change")]
    Unsettled,
    /// The task that read ended early: the process is ending, or there is a mistake in this program.
    #[error("the rule files could not be read to the end ({reason})")]
    Interrupted {
        /// In the runtime's words.
        reason: String,
    },
}

/// All faults that one reading met.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct FilesError {
    /// At least one, in the order of the files.
    pub faults: Vec<FileFault>,
}

impl FileFault {
    /// Where it is, if it has a place inside a file.
    pub fn location(&self) -> Option<&Location> {
        match self {
            Self::NotText { at } => Some(at),
            _ => None,
        }
    }

    /// Whether a swap that is under way looks like this.
    fn may_pass(&self) -> bool {
        matches!(self, Self::Vanished { .. })
    }
}

impl FilesError {
    /// Whether a fault may be gone at the next look.
    pub(super) fn may_pass(&self) -> bool {
        self.faults.iter().any(FileFault::may_pass)
    }
}

impl From<FileFault> for FilesError {
    fn from(fault: FileFault) -> Self {
        Self { faults: vec![fault] }
    }
}

impl fmt::Display for FilesError {
    /// One fault a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}
