//! Which files the configured paths lead to right now.
//!
//! A survey reads no contents. Two equal surveys around a reading mean that no swap came between.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::{FileFault, MAX_FILE_BYTES, MAX_FILES, MAX_TOTAL_BYTES};

/// A file that is to be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) name: Arc<str>,
    /// Behind all symlinks: tells the versions of a ConfigMap apart, and two ways to one file not.
    pub(super) resolved: PathBuf,
    size: u64,
    modified: Option<SystemTime>,
}

/// All files, and what was wrong with finding them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Survey {
    pub(super) listed: Vec<Listed>,
    pub(super) faults: Vec<FileFault>,
    total_bytes: u64,
}

/// What a path leads to.
enum Found {
    Folder,
    File { resolved: PathBuf, metadata: Metadata },
}

impl Survey {
    /// Looks at every path; what is wrong with one does not keep the others from being looked at.
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let mut survey = Self::default();
        let mut seen = HashSet::new();
        for path in paths {
            if let Err(fault) = survey.add_path(path, &mut seen) {
                survey.faults.push(fault);
            }
        }
        survey
    }

    fn add_path(&mut self, path: &Path, seen: &mut HashSet<PathBuf>) -> Result<(), FileFault> {
        match find(path)? {
            Found::File { resolved, metadata } => self.add_file(path, resolved, &metadata, seen),
            Found::Folder => {
                let entries = rule_entries(path).map_err(|error| fault_of(path, &error))?;
                entries.iter().try_for_each(|entry| self.add_entry(entry, seen))
            }
        }
    }

    /// A fault of one entry is noted, and the folder's other entries are looked at; too many ends it.
    fn add_entry(&mut self, entry: &Path, seen: &mut HashSet<PathBuf>) -> Result<(), FileFault> {
        match find(entry) {
            Ok(Found::File { resolved, metadata }) => self.add_file(entry, resolved, &metadata, seen)?,
            Ok(Found::Folder) => {}
            Err(fault) => self.faults.push(fault),
        }
        Ok(())
    }

    fn add_file(
        &mut self,
        path: &Path,
        resolved: PathBuf,
        metadata: &Metadata,
        seen: &mut HashSet<PathBuf>,
    ) -> Result<(), FileFault> {
        if !seen.insert(resolved.clone()) {
            return Ok(());
        }
        let (name, size) = (name_of(path), metadata.len());
        if size > MAX_FILE_BYTES {
            self.faults.push(FileFault::TooLarge { name });
            return Ok(());
        }
        if self.listed.len() == MAX_FILES {
            return Err(FileFault::TooManyFiles { name });
        }
        self.total_bytes += size;
        if self.total_bytes > MAX_TOTAL_BYTES {
            return Err(FileFault::TooMuch { name });
        }
        self.listed.push(Listed { name, resolved, size, modified: metadata.modified().ok() });
        Ok(())
    }
}

/// A folder's rule files in the order of their names: `*.yaml` and `*.yml`, but no dot files.
///
/// That leaves out `..data` and its kin, editors' leftovers (`x.yaml~`, `.x.yaml.swp`, `#x.yaml#`, `4913`), READMEs and templates.
pub(in crate::config) fn rule_entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let bytes = name.as_encoded_bytes();
        if !bytes.starts_with(b".") && (bytes.ends_with(b".yaml") || bytes.ends_with(b".yml")) {
            entries.push(folder.join(name));
        }
    }
    entries.sort();
    Ok(entries)
}

fn find(path: &Path) -> Result<Found, FileFault> {
    let resolved = path.canonicalize().map_err(|error| fault_of(path, &error))?;
    let metadata = resolved.metadata().map_err(|error| fault_of(path, &error))?;
    match metadata.file_type() {
        kind if kind.is_file() => Ok(Found::File { resolved, metadata }),
        kind if kind.is_dir() => Ok(Found::Folder),
        _ => Err(FileFault::NotAFile { name: name_of(path) }),
    }
}

/// Not found although the name is still there: the target of a symlink is being swapped, or gone for good.
fn fault_of(path: &Path, error: &io::Error) -> FileFault {
    let name = name_of(path);
    match error.kind() {
        io::ErrorKind::NotFound if path.symlink_metadata().is_ok() => FileFault::Vanished { name },
        io::ErrorKind::NotFound => FileFault::Missing { name },
        _ => FileFault::Unreadable { name, reason: error.to_string() },
    }
}

fn name_of(path: &Path) -> Arc<str> {
    path.to_string_lossy().into()
}
