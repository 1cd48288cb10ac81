//! Text in, values out: settings, the grammar of rule files, the faults found in either, and news of changed files.
//!
//! This layer alone knows the file formats and the file system's events. What leaves is either whole and checked or a
//! list of every fault with its place and remedy. Knows `decision`'s words for rules and nothing of who publishes or
//! serves them.

pub mod diagnostic;
pub mod files;
pub mod rules;
pub mod settings;
pub mod source;
pub mod watch;

mod decode;
mod utf8;
mod yaml;
