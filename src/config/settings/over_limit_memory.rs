//! `over_limit_memory`: keys that are known to be over are not asked for again.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Serialize;

use super::quantity::serialize_duration;
use super::section::{Known, Section, put};
use crate::config::decode::{Decoder, Field};

/// Some 10 GB of keys; nobody means more.
const MAX_ENTRIES: u32 = 100_000_000;

/// For as long, a refund through another replica may go unnoticed.
const AGE: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_mins(1);

/// What is remembered of keys that are over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OverLimitMemory {
    /// Keys at a time; 0 remembers none.
    pub max_entries: u32,
    /// How long each is believed.
    #[serde(serialize_with = "serialize_duration")]
    pub max_age: Duration,
}

impl Default for OverLimitMemory {
    fn default() -> Self {
        Self { max_entries: 100_000, max_age: Duration::from_secs(1) }
    }
}

impl Section for OverLimitMemory {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        match field.name {
            "max_entries" => put(&mut self.max_entries, decoder.whole(field, 0..=MAX_ENTRIES)),
            "max_age" => put(&mut self.max_age, decoder.duration(field, AGE)),
            _ => Known::No,
        }
    }
}
