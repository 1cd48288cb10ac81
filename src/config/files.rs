//! The rule files behind the configured paths, read whole and consistently.
//!
//! Knows which files count as rule files, follows symlinks, reads each file once and never half of a
//! ConfigMap's swap. What the texts mean is the grammar's business; when to read again is `watch`'s.

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

pub use fault::{FileFault, FilesError};
pub(in crate::config) use survey::rule_entries;
use survey::{Listed, Survey};

use crate::decision::rules::spec::Location;

/// The largest rule file. A hundred thousand rules take about ten megabytes; more is a mistake, and is kept out of memory.
pub const MAX_FILE_BYTES: u64 = 64 << 20;

/// All rule files together, so that many large ones cannot fill the memory either.
pub const MAX_TOTAL_BYTES: u64 = 256 << 20;

/// The most rule files that are read; a folder with more was not meant to be a rule folder.
pub const MAX_FILES: usize = 4096;

/// How often reading starts again when files vanish or change under it, before that is reported.
const READ_ATTEMPTS: u32 = 10;

/// Long enough for a swap to come to its end, short enough that all attempts stay below half a second.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// The configured paths: files and folders, in the operator's order.
#[derive(Debug, Clone)]
pub struct RuleFiles {
    paths: Vec<PathBuf>,
}

/// Every rule file's text, as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSources {
    /// The files: in the order of the configured paths, those of a folder sorted by name.
    pub files: Vec<RuleSource>,
    /// Of all names and texts.
    pub fingerprint: Fingerprint,
}

/// One rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSource {
    /// The path as the operator named it, or as it follows from the named folder.
    pub name: Arc<str>,
    /// The whole text.
    pub text: String,
    /// The file behind all symlinks.
    pub resolved: PathBuf,
}

/// Equal exactly when names, order and texts are equal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

/// What a reading came to, without the texts: what two readings are compared by.
pub(in crate::config) type ReadingState = Result<Fingerprint, FilesError>;

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
    /// # Errors
    ///
    /// All faults of all files at once: missing, unreadable, too large or too many, not text, or changing all the time.
    pub fn read(&self) -> Result<RuleSources, FilesError> {
        read_settled(|| Survey::of(&self.paths))
    }
}

impl RuleSources {
    fn new(files: Vec<RuleSource>) -> Self {
        let fingerprint = Fingerprint::of(&files);
        Self { files, fingerprint }
    }
}

impl Fingerprint {
    /// Lengths go in before contents, so that text cannot move from one file to its neighbour unnoticed.
    fn of(files: &[RuleSource]) -> Self {
        let mut hasher = Sha256::new();
        for part in files.iter().flat_map(|file| [file.name.as_bytes(), file.text.as_bytes()]) {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
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

/// Strips the texts from a reading.
pub(in crate::config) fn state_of(reading: &Result<RuleSources, FilesError>) -> ReadingState {
    reading.as_ref().map(|sources| sources.fingerprint).map_err(Clone::clone)
}

/// Reads until nothing has moved meanwhile.
fn read_settled(mut survey: impl FnMut() -> Survey) -> Result<RuleSources, FilesError> {
    let mut previous: Option<ReadingState> = None;
    for _ in 0..READ_ATTEMPTS {
        if previous.is_some() {
            pause();
        }
        let before = survey();
        let reading = load_all(&before);
        let state = state_of(&reading);
        let settled = before == survey() || previous.as_ref() == Some(&state);
        if settled && !state.as_ref().is_err_and(FilesError::may_pass) {
            return reading;
        }
        previous = Some(state);
    }
    Err(match previous {
        Some(Err(error)) if error.may_pass() => error,
        _ => FilesError::from(FileFault::Unsettled),
    })
}

#[expect(clippy::disallowed_methods, reason = "reading blocks by contract, on a thread where it may")]
fn pause() {
    std::thread::sleep(RETRY_PAUSE);
}

/// Reads what was surveyed, through the resolved paths: they cannot lead into the next version half-way.
fn load_all(survey: &Survey) -> Result<RuleSources, FilesError> {
    let mut faults = survey.faults.clone();
    let mut files = Vec::with_capacity(survey.listed.len());
    for listed in &survey.listed {
        match load(listed) {
            Ok(file) => files.push(file),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(RuleSources::new(files)) } else { Err(FilesError { faults }) }
}

fn load(listed: &Listed) -> Result<RuleSource, FileFault> {
    let name = Arc::clone(&listed.name);
    let bytes = load_bounded(&listed.resolved).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => FileFault::Vanished { name: Arc::clone(&name) },
        io::ErrorKind::FileTooLarge => FileFault::TooLarge { name: Arc::clone(&name) },
        _ => FileFault::Unreadable { name: Arc::clone(&name), reason: error.to_string() },
    })?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(RuleSource { name, text, resolved: listed.resolved.clone() }),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            Err(FileFault::NotText { at: end_of(name, &error.as_bytes()[..valid]) })
        }
    }
}

/// The survey has refused large files already; this holds for one that grows.
fn load_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// The place right behind `text`, which is valid UTF-8.
fn end_of(file: Arc<str>, text: &[u8]) -> Location {
    let text = String::from_utf8_lossy(text);
    let last_line = text.rsplit('\n').next().unwrap_or_default();
    let line = text.matches('\n').count() + 1;
    let column = last_line.chars().count() + 1;
    Location { file, line: saturate(line), column: saturate(column) }
}

fn saturate(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
