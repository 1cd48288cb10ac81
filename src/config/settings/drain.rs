//! `drain`: how the server leaves.

use std::time::Duration;

use serde::Serialize;

use super::quantity::serialize_duration;
use super::section::{Known, Section, put};
use crate::config::decode::{Decoder, Field};

/// Longer than any orchestrator waits.
const MAX_WAIT: Duration = Duration::from_hours(1);

/// How the server leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drain {
    /// How long it goes on as before with failing readiness, so that traffic moves away.
    #[serde(serialize_with = "serialize_duration")]
    pub pause: Duration,
    /// How long calls in flight may take after that.
    #[serde(serialize_with = "serialize_duration")]
    pub deadline: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self { pause: Duration::from_secs(5), deadline: Duration::from_secs(25) }
    }
}

impl Section for Drain {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        match field.name {
            "pause" => put(&mut self.pause, decoder.duration(field, Duration::ZERO..=MAX_WAIT)),
            "deadline" => put(&mut self.deadline, decoder.duration(field, Duration::ZERO..=MAX_WAIT)),
            _ => Known::No,
        }
    }
}
