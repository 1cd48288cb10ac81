//! `request`: what one request may ask for.

use serde::Serialize;

use super::section::{Known, Section, put};
use crate::config::decode::{Decoder, Field};

/// More descriptors than fit into the largest message would mean nothing.
const MAX_DESCRIPTORS: u32 = 1_000_000;

/// Rules are read to this depth and no deeper.
const MAX_ENTRIES: u8 = 64;

/// Leaves room for many of them in one 64-bit count.
const MAX_HITS: u32 = 1_000_000_000;

/// What one request may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    /// Descriptors in a request; one with more is refused.
    pub max_descriptors: u32,
    /// Entries in a descriptor; a request with more is refused.
    pub max_entries: u8,
    /// Hits of a descriptor; more count as this many.
    pub max_hits: u32,
}

impl Default for Request {
    fn default() -> Self {
        Self { max_descriptors: 1024, max_entries: MAX_ENTRIES, max_hits: MAX_HITS }
    }
}

impl Section for Request {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        match field.name {
            "max_descriptors" => put(&mut self.max_descriptors, decoder.whole(field, 1..=MAX_DESCRIPTORS)),
            "max_entries" => put(&mut self.max_entries, decoder.whole(field, 1..=MAX_ENTRIES)),
            "max_hits" => put(&mut self.max_hits, decoder.whole(field, 1..=MAX_HITS)),
            _ => Known::No,
        }
    }
}
