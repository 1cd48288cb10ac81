//! The file system's events, as hints.
//!
//! Keeps the watches where the paths lead at the moment. What cannot be watched is no fault: the second look
//! finds changes too, only later.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use parking_lot::RwLock;
use tracing::warn;

use super::points::WatchPoints;
use super::signals::Signals;

/// How often the paths are followed again because they moved while watches were set.
const FOLLOW_ATTEMPTS: usize = 5;

/// The watches of the system.
pub(super) struct Events {
    enabled: bool,
    signals: Signals,
    points: Arc<RwLock<WatchPoints>>,
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    warned: bool,
}

impl Events {
    pub(super) fn new(enabled: bool, signals: Signals) -> Self {
        Self {
            enabled,
            signals,
            points: Arc::default(),
            watcher: None,
            watched: BTreeSet::new(),
            warned: false,
        }
    }

    /// Watches everything that `paths` depend on now. What changes after this call makes a hint.
    pub(super) fn follow(&mut self, paths: &[PathBuf]) {
        if !self.enabled {
            return;
        }
        let mut points = WatchPoints::of(paths);
        for _ in 0..FOLLOW_ATTEMPTS {
            *self.points.write() = points;
            if let Err(error) = self.watch_anew() {
                self.warn_once(&error);
            }
            // A link that was swapped before its folder was watched would leave us watching where it led.
            points = WatchPoints::of(paths);
            if points == *self.points.read() {
                return;
            }
        }
    }

    /// The library panics when its thread could not be started or has died. That costs us the events, not the process.
    fn watch_anew(&mut self) -> notify::Result<()> {
        let mut watcher = match self.watcher.take() {
            Some(watcher) => watcher,
            None => self.start()?,
        };
        let folders = self.points.read().folders().clone();
        let set = catch_unwind(AssertUnwindSafe(|| rewatch(&mut watcher, &self.watched, &folders)));
        self.watched = folders;
        match set {
            Ok(result) => {
                self.watcher = Some(watcher);
                result
            }
            Err(_) => {
                end(watcher);
                Err(notify::Error::generic("the thread that waits for events is gone"))
            }
        }
    }

    fn start(&mut self) -> notify::Result<RecommendedWatcher> {
        self.watched.clear();
        let (points, signals) = (Arc::clone(&self.points), self.signals.clone());
        notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.map_or(true, |event| is_hint(&event, &points.read())) {
                signals.hint();
            }
        })
    }

    fn warn_once(&mut self, error: &notify::Error) {
        if !self.warned {
            self.warned = true;
            warn!(%error, "rule files cannot be watched for events; changes are found by looking every `rules.rescan_interval`");
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if let Some(watcher) = self.watcher.take() {
            end(watcher);
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("watched", &self.watched).finish_non_exhaustive()
    }
}

/// The library's own end panics, too, where its thread has died.
fn end(watcher: RecommendedWatcher) {
    drop(catch_unwind(AssertUnwindSafe(|| drop(watcher))));
}

/// Lets go of all old watches before it sets the new ones: a watch belongs to a folder, not to its name, and the name may
/// lead to another folder by now. A folder that is gone again is noticed through the folder that holds it.
fn rewatch(
    watcher: &mut RecommendedWatcher,
    old: &BTreeSet<PathBuf>,
    new: &BTreeSet<PathBuf>,
) -> notify::Result<()> {
    for folder in old {
        // Fails where the folder is gone and the watch with it.
        let _ = watcher.unwatch(folder);
    }
    let mut result = Ok(());
    for folder in new {
        match watcher.watch(folder, RecursiveMode::NonRecursive) {
            Err(error) if !matches!(error.kind, ErrorKind::PathNotFound) => result = Err(error),
            _ => {}
        }
    }
    result
}

/// Opening and reading are no hints: our own looks do both. An event without a path says that events were lost.
fn is_hint(event: &Event, points: &WatchPoints) -> bool {
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => {}
        EventKind::Access(_) => return false,
        _ => {}
    }
    event.paths.is_empty() || event.paths.iter().any(|path| points.contain(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify::event::{CreateKind, Flag, MetadataKind, ModifyKind};

    #[test]
    fn what_is_a_hint() {
        let root = tempfile::tempdir().unwrap();
        let rules = root.path().canonicalize().unwrap().join("rules");
        std::fs::create_dir(&rules).unwrap();
        let points = WatchPoints::of(std::slice::from_ref(&rules));
        let check = |kind: EventKind, path: PathBuf, expected: bool| {
            assert_eq!(is_hint(&Event::new(kind).add_path(path), &points), expected, "{kind:?}");
        };
        let touched = EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any));
        let created = EventKind::Create(CreateKind::Any);
        let access = |kind| EventKind::Access(kind);
        check(touched, rules.join("a.yaml"), true);
        check(access(AccessKind::Close(AccessMode::Write)), rules.join("a.yaml"), true);
        check(access(AccessKind::Open(AccessMode::Any)), rules.join("a.yaml"), false);
        check(access(AccessKind::Close(AccessMode::Read)), rules.join("a.yaml"), false);
        check(access(AccessKind::Open(AccessMode::Any)), rules.clone(), false);
        check(created, rules.clone(), true);
        check(created, rules.with_file_name("neighbour"), false);
        assert!(is_hint(&Event::new(EventKind::Other).set_flag(Flag::Rescan), &points), "events were lost");
    }
}
