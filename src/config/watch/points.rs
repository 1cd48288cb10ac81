//! Where in the file system a change can alter what the configured paths resolve to.
//!
//! Watching a file goes deaf as soon as something else takes its name. So what is watched is always a folder: the
//! rule folders themselves, and for every name on the way there that may be swapped, the folder that holds the name.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::config::files::rule_entries;

/// As many symlinks as the system itself follows before it calls them a loop.
const MAX_LINKS: usize = 40;

/// What to watch, all of it without symlinks: an alias would make two watches share one of the system's, and end together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct WatchPoints {
    /// Rule folders: every entry counts.
    whole: BTreeSet<PathBuf>,
    /// Single names that count, in folders whose other entries do not.
    names: BTreeSet<PathBuf>,
    /// The rule folders and the holders of the names.
    folders: BTreeSet<PathBuf>,
}

impl WatchPoints {
    /// Follows every path as far as it leads now.
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let mut points = Self::default();
        for path in paths {
            let Some(resolved) = points.trace(path) else { continue };
            if resolved.is_dir() {
                for entry in rule_entries(&resolved).unwrap_or_default() {
                    if entry.is_link {
                        points.trace(&entry.path);
                    }
                }
                points.whole.insert(resolved);
            }
        }
        let holders = points.names.iter().filter_map(|name| name.parent().map(Path::to_path_buf));
        points.folders = points.whole.iter().cloned().chain(holders).collect();
        points
    }

    /// The folders to watch.
    pub(super) fn folders(&self) -> &BTreeSet<PathBuf> {
        &self.folders
    }

    /// Whether an event at `path` can mean a change.
    pub(super) fn contain(&self, path: &Path) -> bool {
        let in_rule_folder = || path.parent().is_some_and(|parent| self.whole.contains(parent));
        self.names.contains(path) || in_rule_folder() || self.folders.contains(path)
    }

    /// Resolves a path as the system does, noting each symlink on the way and the last name, or the first that is missing.
    fn trace(&mut self, path: &Path) -> Option<PathBuf> {
        let mut resolved = PathBuf::new();
        let mut ahead = Vec::new();
        push_steps(&mut ahead, &std::path::absolute(path).ok()?);
        let mut links = 0;
        while let Some(step) = ahead.pop() {
            let next = resolved.join(&step);
            if step == ".." {
                resolved.pop();
            } else if let Ok(target) = fs::read_link(&next) {
                self.names.insert(next);
                push_steps(&mut ahead, &target);
                links += 1;
                if links > MAX_LINKS {
                    return None;
                }
            } else if next.symlink_metadata().is_ok() {
                resolved = next;
            } else {
                self.names.insert(next);
                return None;
            }
        }
        self.names.insert(resolved.clone());
        Some(resolved)
    }
}

/// Puts a path's components on the stack, the first on top. A root among them leads back to the root when it is joined.
fn push_steps(ahead: &mut Vec<OsString>, path: &Path) {
    let steps = path.components().filter(|step| *step != Component::CurDir);
    ahead.extend(steps.rev().map(|step| step.as_os_str().to_owned()));
}
