//! What a file may make us build, however small it is.

/// How deep lists and mappings may stand in each other: twice the descriptors of the longest request, and more. Low
/// enough for the smallest thread's stack when the tree is walked.
pub(super) const MAX_DEPTH: usize = 200;

/// How many values a file may hold: as many as fit into the largest file when written as rules.
const MAX_TOTAL: usize = 6_000_000;

/// How much copying anchors and aliases may cause, in values.
const MAX_COPIED: usize = 500_000;

/// So many bytes of text count as one more value.
const TEXT_PER_WEIGHT: usize = 64;

/// The running sums of one file.
#[derive(Debug, Default)]
pub(super) struct Limits {
    total: usize,
    copied: usize,
}

impl Limits {
    /// The weight of everything read so far.
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// The weight of a scalar.
    pub(super) fn weight(text: &str) -> usize {
        1 + text.len() / TEXT_PER_WEIGHT
    }

    /// Adds to what was read; false where that is too much.
    pub(super) fn add(&mut self, weight: usize) -> bool {
        self.total += weight;
        self.total <= MAX_TOTAL
    }

    /// Adds to what was copied; false where that is too much.
    pub(super) fn copy(&mut self, weight: usize) -> bool {
        self.copied += weight;
        self.copied <= MAX_COPIED
    }
}

/// What is said of a file that is deeper, whether the parser notices or we do.
pub(super) fn too_deep() -> String {
    format!("lists and mappings stand more than {MAX_DEPTH} levels deep in each other")
}
