//! As much of systemd's unit files as ours have: `Key=value` in sections, some keys more than once.

use std::path::{Path, PathBuf};

/// A file of `deploy/systemd/`.
pub(super) struct Unit {
    text: String,
}

/// Where the files of `deploy/systemd/` are.
pub(super) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd").join(name)
}

impl Unit {
    pub(super) fn read(path: &Path) -> Self {
        let text =
            std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { text }
    }

    /// All values of a key.
    pub(super) fn all(&self, key: &str) -> Vec<&str> {
        self.text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
    }

    /// The value of a key that stands there once.
    pub(super) fn one(&self, key: &str) -> &str {
        let [value] = self.all(key)[..] else { panic!("`{key}` does not stand there once") };
        value
    }

    /// The seconds of a key.
    pub(super) fn seconds(&self, key: &str) -> u64 {
        self.one(key).strip_suffix('s').and_then(|number| number.parse().ok()).unwrap()
    }
}
