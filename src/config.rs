//! Text in, values out: settings, the grammar of rule files, and the faults found in either.
//!
//! Nothing here opens a file on its own account to decide anything: sources come in as text with a name, and
//! what leaves is either whole and checked or a list of every fault with its place and remedy. Knows
//! `decision`'s words for rules and nothing of stores, servers or the runtime.

mod decode;
pub mod diagnostic;
pub mod rules;
pub mod settings;
pub mod source;
mod yaml;
