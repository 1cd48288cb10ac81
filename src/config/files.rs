//! The rule files behind the configured paths, read whole and consistently.
//!
//! Knows which files count as rule files, follows symlinks, reads each file once and never half of a
//! ConfigMap's swap; what is wrong with one file does not hide the others. What the texts mean is the grammar's business;
//! when to read again is `watch`'s.

mod fault;
mod survey;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use fault::FileFault;
pub(in crate::config) use fault::Problem;
pub(in crate::config) use survey::rule_entries;
use survey::{Listed, Survey};

use crate::config::diagnostic::Diagnostics;
use crate::config::source::{MAX_FILE_BYTES, SourceFile};

/// All rule files together, so that many large ones cannot fill the memory either.
pub const MAX_TOTAL_BYTES: u64 = 256 << 20;

/// The most rule files that are read; a folder with more was not meant to be a rule folder. Linux queues 16,384 events unless it
/// is told otherwise, and opening a file to read it is one: were there more files, our own looks could overrun the queue, which
/// asks for another look.
pub const MAX_FILES: usize = 16_000;

/// How often reading starts again when files vanish or change under it, before that is reported.
const READ_ATTEMPTS: u32 = 10;

/// Long enough for a swap to come to its end, short enough that all attempts stay below half a second.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// The configured paths: files and folders, in the operator's order.
#[derive(Debug, Clone)]
pub struct RuleFiles {
    paths: Vec<PathBuf>,
}

/// Every rule file, as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSources {
    /// The files, or why one cannot be used: in the order of the configured paths, those of a folder sorted by name.
    pub files: Vec<Result<SourceFile, Diagnostics>>,
    /// Of all names, texts and faults.
    pub fingerprint: Fingerprint,
    /// Folders that are not read although there are rule files in them.
    pub warnings: Diagnostics,
    /// Whether a fault may be gone at the next look.
    may_pass: bool,
}

/// Equal exactly when names, order, texts and faults are equal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl RuleFiles {
    /// Names the paths; nothing is read yet.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { paths: paths.into_iter().collect() }
    }

    /// The paths as configured.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Reads all files. Blocks, for up to half a second more than the reading takes where files keep changing.
    ///
    /// A reading counts when the listing (names, what they resolve to, sizes, times) was the same before and after it; where a
    /// file system gives restless times, two equal readings in a row count as well.
    ///
    /// Files that are missing, unreadable, too large or too many, or not text are among the files, each with its fault; where all of them
    /// change all the time, that fault is everything.
    pub fn read(&self) -> RuleSources {
        read_settled(|| Survey::of(&self.paths)).unwrap_or_else(|| self.fault(Problem::Unsettled))
    }

    /// What came of a reading that is no reading of any one file.
    pub(in crate::config) fn fault(&self, problem: Problem) -> RuleSources {
        let names: Vec<_> = self.paths.iter().map(|path| path.to_string_lossy()).collect();
        let fault = FileFault { name: names.join(", ").into(), problem };
        RuleSources::new(vec![Err(fault.into())], false)
    }
}

impl RuleSources {
    /// Files that have been read elsewhere.
    #[must_use]
    pub fn given(files: Vec<Result<SourceFile, Diagnostics>>) -> Self {
        Self::new(files, false)
    }

    fn new(files: Vec<Result<SourceFile, Diagnostics>>, may_pass: bool) -> Self {
        let fingerprint = Fingerprint::of(&files);
        Self { files, fingerprint, warnings: Diagnostics::new(), may_pass }
    }

    /// The files that can be used.
    pub fn readable(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().filter_map(|file| file.as_ref().ok())
    }

    /// Whether there are files that cannot be used.
    pub fn has_faults(&self) -> bool {
        self.files.iter().any(Result::is_err)
    }
}

impl Fingerprint {
    /// Lengths go in before contents, so that text cannot move from one file to its neighbour unnoticed.
    fn of(files: &[Result<SourceFile, Diagnostics>]) -> Self {
        let mut hasher = Sha256::new();
        let mut add = |part: &str| {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        };
        for file in files {
            match file {
                Ok(file) => ["text", &file.name, &file.text].into_iter().for_each(&mut add),
                Err(faults) => ["fault", &faults.to_string()].into_iter().for_each(&mut add),
            }
        }
        Self(hasher.finalize().into())
    }
}

impl fmt::Display for Fingerprint {
    /// The first 8 bytes in hexadecimal: enough to tell two rule sets apart in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// Reads until nothing has moved meanwhile; none where it never stopped moving.
fn read_settled(mut survey: impl FnMut() -> Survey) -> Option<RuleSources> {
    let mut previous = None;
    for attempts_left in (0..READ_ATTEMPTS).rev() {
        if previous.is_some() {
            pause();
        }
        let before = survey();
        let sources = RuleSources { warnings: before.warnings(), ..load_all(before.files.iter()) };
        let settled = before == survey() || previous == Some(sources.fingerprint);
        // A fault that may pass is told when it has outlasted every attempt.
        if settled && (attempts_left == 0 || !sources.may_pass) {
            return Some(sources);
        }
        previous = Some(sources.fingerprint);
    }
    None
}

#[expect(clippy::disallowed_methods, reason = "reading blocks by contract, on a thread where it may")]
fn pause() {
    std::thread::sleep(RETRY_PAUSE);
}

/// Reads what was surveyed.
fn load_all<'s>(surveyed: impl Iterator<Item = &'s Result<Listed, FileFault>>) -> RuleSources {
    let mut may_pass = false;
    let files = surveyed.map(|listed| {
        let loaded = listed.as_ref().map_err(Clone::clone).and_then(load);
        match loaded {
            Ok((name, bytes)) => SourceFile::from_bytes(name, bytes),
            Err(fault) => {
                may_pass |= fault.may_pass();
                Err(fault.into())
            }
        }
    });
    let files = files.collect();
    RuleSources::new(files, may_pass)
}

/// Reads through the resolved path: it cannot lead into the next version half-way.
fn load(listed: &Listed) -> Result<(Arc<str>, Vec<u8>), FileFault> {
    let name = Arc::clone(&listed.name);
    match load_bounded(&listed.resolved, listed.size) {
        Ok(bytes) => Ok((name, bytes)),
        Err(error) => {
            let problem = match error.kind() {
                io::ErrorKind::NotFound => Problem::Vanished,
                io::ErrorKind::FileTooLarge => Problem::TooLarge,
                _ => Problem::Unreadable(error.to_string()),
            };
            Err(FileFault { name, problem })
        }
    }
}

/// The survey has refused large files already; this holds for one that grows. Room for the size that was surveyed, and a byte
/// more for the end to be seen, spares a large file from being moved as it is read.
fn load_bounded(path: &Path, size: u64) -> io::Result<Vec<u8>> {
    let expected = usize::try_from(size).unwrap_or(MAX_FILE_BYTES).min(MAX_FILE_BYTES);
    let mut bytes = Vec::with_capacity(expected + 1);
    File::open(path)?.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}
