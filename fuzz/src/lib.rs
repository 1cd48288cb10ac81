//! What must hold for any input, as functions of its bytes: the files in `targets/` let the engine look for bytes that
//! break it.
//!
//! Each input is text that a person can read and write, so that seeds and findings explain themselves; the head of each
//! module says how it is read.

pub mod grammar;
pub mod key;
pub mod lines;
pub mod matcher;

// As in the crate that is fuzzed: the naive matcher is shared with its tests, and names this module.
use ratekeeper::decision;
