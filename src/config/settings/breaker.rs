//! `breaker`: when a Redis is taken for lost, and how it is tried again.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Serialize;

use super::contradiction::Contradiction;
use super::quantity::serialize_duration;
use super::section::{Known, Section, put};
use crate::config::decode::{Decoder, Field};

/// Each of them has cost a caller the whole timeout.
const FAILURES: RangeInclusive<u32> = 1..=1000;

/// How long a Redis that may be back is left alone.
const BACKOFF: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_mins(5);

/// When a Redis is taken for lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Breaker {
    /// Failures in a row after which it is not asked any more.
    pub failures: u32,
    /// How long it is left alone at first.
    #[serde(serialize_with = "serialize_duration")]
    pub backoff: Duration,
    /// How long it is left alone at most, as the wait grows.
    #[serde(serialize_with = "serialize_duration")]
    pub max_backoff: Duration,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 5, backoff: Duration::from_millis(250), max_backoff: Duration::from_secs(1) }
    }
}

impl Breaker {
    /// What the bounds say against each other, once all layers are read.
    pub(super) fn contradiction(&self) -> Option<Contradiction> {
        (self.max_backoff < self.backoff).then(|| Contradiction {
            message: "`max_backoff` is shorter than `backoff`".to_owned(),
            help: "make `breaker.max_backoff` at least as long as `breaker.backoff`",
        })
    }
}

impl Section for Breaker {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        match field.name {
            "failures" => put(&mut self.failures, decoder.whole(field, FAILURES)),
            "backoff" => put(&mut self.backoff, decoder.duration(field, BACKOFF)),
            "max_backoff" => put(&mut self.max_backoff, decoder.duration(field, BACKOFF)),
            _ => Known::No,
        }
    }
}
