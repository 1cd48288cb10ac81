//! The text of one file, and the name that faults in it are reported under.

use std::sync::Arc;

/// The largest file that is read. A rule takes about 80 bytes, so this is some 800,000 rules; beyond it, somebody
/// has mounted the wrong file.
pub const MAX_FILE_BYTES: usize = 64 << 20;

/// A file's name and text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as the operator named it.
    pub name: Arc<str>,
    /// What the file holds.
    pub text: String,
}

impl SourceFile {
    /// A file of this name and text.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }
}
