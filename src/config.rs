//! Text in, values out: the files that configure ratekeeper, and news of their changes.
//!
//! This layer alone knows the file formats and the file system's events. It hands on checked values
//! (`decision`'s words) and knows nothing of who publishes or serves them.

pub mod files;
pub mod watch;
