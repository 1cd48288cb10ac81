//! Which files the configured paths lead to right now.
//!
//! A survey reads no contents. Two equal surveys around a reading mean that no swap came between.

use std::collections::HashSet;
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::{FileFault, MAX_FILES, MAX_TOTAL_BYTES, Problem};
use crate::config::diagnostic::{Diagnostic, Diagnostics};
use crate::config::source::MAX_FILE_BYTES;

/// Into how many folders of a rule folder is looked for rule files that nobody reads.
const MAX_LOOKED_INTO: usize = 100;

/// A file that is to be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) name: Arc<str>,
    /// Behind all symlinks: tells the versions of a ConfigMap apart, and two ways to one file not.
    pub(super) resolved: PathBuf,
    pub(super) size: u64,
    modified: Option<SystemTime>,
}

/// All files, with what is wrong with one in its place.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Survey {
    pub(super) files: Vec<Result<Listed, FileFault>>,
    /// Folders in the configured ones that have rule files in them.
    unread: Vec<PathBuf>,
    total_bytes: u64,
}

/// A name in a folder that may be a rule file's.
#[derive(Debug)]
pub(in crate::config) struct RuleEntry {
    pub(in crate::config) path: PathBuf,
    /// Whether it leads elsewhere, which the listing says without another look.
    pub(in crate::config) is_link: bool,
}

/// What a path leads to.
enum Found {
    Folder { resolved: PathBuf },
    File { resolved: PathBuf, metadata: Metadata },
}

impl Survey {
    /// Looks at every path; what is wrong with one does not keep the others from being looked at.
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let mut survey = Self::default();
        let mut seen = HashSet::new();
        for path in paths {
            if let Err(fault) = survey.add_path(path, &mut seen) {
                survey.files.push(Err(fault));
            }
        }
        survey.leave_out_configured(paths);
        survey
    }

    /// Tells of the folders that are not read.
    pub(super) fn warnings(&self) -> Diagnostics {
        let mut warnings = Diagnostics::new();
        for folder in &self.unread {
            let message = "there are rule files in this folder, and it is not read";
            warnings.push(
                Diagnostic::of_file(name_of(folder), message)
                    .as_warning()
                    .with_help("name it in `rules.paths`, or move the files one folder up"),
            );
        }
        warnings
    }

    /// What another configured path leads to is read after all.
    fn leave_out_configured(&mut self, paths: &[PathBuf]) {
        if self.unread.is_empty() {
            return;
        }
        let read: HashSet<_> = paths.iter().filter_map(|path| path.canonicalize().ok()).collect();
        self.unread.retain(|folder| folder.canonicalize().is_ok_and(|folder| !read.contains(&folder)));
    }

    fn add_path(&mut self, path: &Path, seen: &mut HashSet<PathBuf>) -> Result<(), FileFault> {
        match find(path)? {
            Found::File { resolved, metadata } => self.add_file(path, resolved, &metadata, seen),
            Found::Folder { resolved } => {
                self.unread.extend(folders_with_rules(path));
                let entries = rule_entries(path).map_err(|error| fault_of(path, &error))?;
                entries.iter().try_for_each(|entry| self.add_entry(entry, &resolved, seen))
            }
        }
    }

    /// A fault of one entry is noted, and the folder's other entries are looked at; too many ends it.
    fn add_entry(
        &mut self,
        entry: &RuleEntry,
        folder: &Path,
        seen: &mut HashSet<PathBuf>,
    ) -> Result<(), FileFault> {
        let path = &entry.path;
        match find_plain(entry, folder).map_or_else(|| find(path), Ok) {
            Ok(Found::File { resolved, metadata }) => self.add_file(path, resolved, &metadata, seen),
            Ok(Found::Folder { .. }) => Ok(()),
            Err(fault) => self.add(path, Err(fault)),
        }
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
        let size = metadata.len();
        if size > MAX_FILE_BYTES as u64 {
            return self.add(path, Err(fault(path, Problem::TooLarge)));
        }
        self.total_bytes += size;
        if self.total_bytes > MAX_TOTAL_BYTES {
            return Err(fault(path, Problem::TooMuch));
        }
        self.add(path, Ok(Listed { name: name_of(path), resolved, size, modified: metadata.modified().ok() }))
    }

    /// Faults count as files, so that they cannot fill the memory either.
    fn add(&mut self, path: &Path, file: Result<Listed, FileFault>) -> Result<(), FileFault> {
        if self.files.len() >= MAX_FILES {
            return Err(fault(path, Problem::TooManyFiles));
        }
        self.files.push(file);
        Ok(())
    }
}

/// A folder's rule files in the order of their names: `*.yaml` and `*.yml`, but no dot files.
///
/// That leaves out `..data` and its kin, editors' leftovers (`x.yaml~`, `.x.yaml.swp`, `#x.yaml#`, `4913`), READMEs and templates.
pub(in crate::config) fn rule_entries(folder: &Path) -> io::Result<Vec<RuleEntry>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let bytes = name.as_encoded_bytes();
        if !bytes.starts_with(b".") && (bytes.ends_with(b".yaml") || bytes.ends_with(b".yml")) {
            names.push((name, entry.file_type().map_or(true, |kind| kind.is_symlink())));
        }
    }
    // Names alone: comparing paths takes them apart again each time.
    names.sort();
    Ok(names.into_iter().map(|(name, is_link)| RuleEntry { path: folder.join(name), is_link }).collect())
}

/// The folders in a folder that have rule files in them, in the order of their names, dot folders left out. Whatever cannot be
/// looked at is passed over: nothing depends on it.
fn folders_with_rules(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let names = entries.filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
    let may_be_folder = |entry: &DirEntry| entry.file_type().map_or(true, |kind| !kind.is_file());
    let paths = names.filter(may_be_folder).map(|entry| entry.path());
    let mut folders: Vec<_> = paths.filter(|path| path.is_dir()).take(MAX_LOOKED_INTO).collect();
    folders.retain(|folder| rule_entries(folder).is_ok_and(|entries| !entries.is_empty()));
    folders.sort();
    folders
}

/// A file that stands in the folder itself, in one look: resolving a path takes one for each of its names, and there may be
/// thousands of files. Nothing where that is not so, or no longer.
fn find_plain(entry: &RuleEntry, folder: &Path) -> Option<Found> {
    let resolved = folder.join(entry.path.file_name()?);
    let metadata = if entry.is_link { None } else { resolved.symlink_metadata().ok() };
    metadata.filter(Metadata::is_file).map(|metadata| Found::File { resolved, metadata })
}

fn find(path: &Path) -> Result<Found, FileFault> {
    let resolved = path.canonicalize().map_err(|error| fault_of(path, &error))?;
    let metadata = resolved.metadata().map_err(|error| fault_of(path, &error))?;
    match metadata.file_type() {
        kind if kind.is_file() => Ok(Found::File { resolved, metadata }),
        kind if kind.is_dir() => Ok(Found::Folder { resolved }),
        _ => Err(fault(path, Problem::NotAFile)),
    }
}

/// Not found although the name is still there: the target of a symlink is being swapped, or gone for good.
fn fault_of(path: &Path, error: &io::Error) -> FileFault {
    fault(
        path,
        match error.kind() {
            io::ErrorKind::NotFound if path.symlink_metadata().is_ok() => Problem::Vanished,
            io::ErrorKind::NotFound => Problem::Missing,
            _ => Problem::Unreadable(error.to_string()),
        },
    )
}

fn fault(path: &Path, problem: Problem) -> FileFault {
    FileFault { name: name_of(path), problem }
}

fn name_of(path: &Path) -> Arc<str> {
    path.to_string_lossy().into()
}
