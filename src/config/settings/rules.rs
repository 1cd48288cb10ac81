//! `rules`: where they are and how they are read.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::quantity::serialize_duration;
use super::section::{Known, Section, put};
use crate::config::decode::{Decoder, Field, Optional};
use crate::config::rules::MAX_SLIDING_LOG;

/// How often files may be looked at without an event.
const RESCAN: std::ops::RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_hours(24);

/// Where the rules are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rules {
    /// Files, and folders whose `.yaml` and `.yml` files are read; at least one.
    pub paths: Vec<PathBuf>,
    /// Whether files of the same domain add up.
    pub merge_domains: bool,
    /// Whether a reload may leave no rule at all.
    pub allow_empty: bool,
    /// The most hits that the counter of a sliding log may hold.
    pub max_sliding_log: u32,
    /// How long a change that caused no event may go unnoticed.
    #[serde(serialize_with = "serialize_duration")]
    pub rescan_interval: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            paths: vec![PathBuf::from("config/rules")],
            merge_domains: false,
            allow_empty: false,
            max_sliding_log: MAX_SLIDING_LOG,
            rescan_interval: Duration::from_secs(30),
        }
    }
}

impl Section for Rules {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        match field.name {
            "paths" => put(&mut self.paths, paths(decoder, field)),
            "merge_domains" => put(&mut self.merge_domains, decoder.truth(field)),
            "allow_empty" => put(&mut self.allow_empty, decoder.truth(field)),
            "max_sliding_log" => put(&mut self.max_sliding_log, decoder.whole(field, 1..=100_000)),
            "rescan_interval" => put(&mut self.rescan_interval, decoder.duration(field, RESCAN)),
            _ => Known::No,
        }
    }
}

fn paths(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<Vec<PathBuf>> {
    let Some(paths) = decoder.texts(field)? else { return Ok(None) };
    if paths.is_empty() || paths.iter().any(String::is_empty) {
        return Err(decoder.refuse(
            field,
            "`paths` needs at least one path, and none that is empty",
            "write `paths: [config/rules]`",
        ));
    }
    Ok(Some(paths.into_iter().map(PathBuf::from).collect()))
}
