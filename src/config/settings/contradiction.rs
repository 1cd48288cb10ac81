//! What is wrong with settings that are right one by one.

/// Settings that do not go together, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Contradiction {
    pub(super) message: String,
    pub(super) help: &'static str,
}
