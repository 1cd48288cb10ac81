//! Standard output, or a file that may be renamed away at any time.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::Target;

/// What a new file's permissions are: values of users may stand in it.
const MODE: u32 = 0o640;

/// Takes whole lines.
#[derive(Debug)]
pub(super) enum Output {
    Stdout,
    File(LogFile),
}

/// A file that lines are put at the end of.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    open: Option<File>,
    /// Whether a line may have been written in part.
    torn: bool,
}

impl Output {
    pub(super) fn new(target: Target) -> Self {
        match target {
            Target::Stdout => Self::Stdout,
            Target::File(path) => Self::File(LogFile { path, open: None, torn: false }),
        }
    }

    /// Writes a line; where that fails, what is written next begins on a line of its own.
    pub(super) fn write(&mut self, line: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(line)?;
                stdout.flush()
            }
            Self::File(file) => file.write(line),
        }
    }
}

impl LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let torn = self.torn;
        let file = self.file()?;
        let written = if torn { file.write_all(b"\n") } else { Ok(()) };
        let written = written.and_then(|()| file.write_all(line));
        self.torn = written.is_err();
        written
    }

    /// The file of this name, which need not be the one that had it before: whoever rotates logs renames them.
    fn file(&mut self) -> io::Result<&mut File> {
        if self.open.as_ref().is_some_and(|open| !is_at(open, &self.path)) {
            self.open = None;
        }
        match &mut self.open {
            Some(open) => Ok(open),
            closed => {
                let open = OpenOptions::new().append(true).create(true).mode(MODE).open(&self.path)?;
                Ok(closed.insert(open))
            }
        }
    }
}

fn is_at(open: &File, path: &Path) -> bool {
    let (Ok(open), Ok(there)) = (open.metadata(), path.metadata()) else { return false };
    (open.dev(), open.ino()) == (there.dev(), there.ino())
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("stdout"),
            Self::File(file) => write!(f, "{}", file.path.display()),
        }
    }
}
