//! `counting`: what counts, and when a limit is near.

use serde::Serialize;

use super::section::{Known, Section, put};
use crate::config::decode::{Decoder, Field};

/// How hits are counted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Counting {
    /// What becomes of the hits of a denied request.
    pub denied_requests: DeniedRequests,
    /// The part of a limit, from 0 to 1, beyond which it is near.
    pub near_limit_ratio: f64,
}

/// What becomes of the hits of a denied request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeniedRequests {
    /// They count, in every descriptor.
    Count,
    /// No counter is changed.
    Ignore,
}

impl Default for Counting {
    fn default() -> Self {
        Self { denied_requests: DeniedRequests::Count, near_limit_ratio: 0.8 }
    }
}

impl Section for Counting {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        let denied = [("count", DeniedRequests::Count), ("ignore", DeniedRequests::Ignore)];
        match field.name {
            "denied_requests" => put(&mut self.denied_requests, decoder.choice(field, &denied)),
            "near_limit_ratio" => put(&mut self.near_limit_ratio, decoder.ratio(field)),
            _ => Known::No,
        }
    }
}
