//! `response`: what answers carry beside the verdict.

use serde::Serialize;

use super::section::{Known, Section, put, read_section};
use crate::config::decode::{Decoder, Field};

/// What answers carry beside the verdict.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Response {
    /// Headers for the client.
    pub headers: Headers,
    /// Whether descriptors and the rules' metadata are returned for Envoy's logs and filters.
    pub dynamic_metadata: bool,
    /// Whether the rules that decided are returned there.
    pub rule_metadata: bool,
}

/// Headers for the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Headers {
    /// Whether there are any.
    pub enabled: bool,
    /// The name of the one with the limit.
    pub limit: String,
    /// The name of the one with what is left.
    pub remaining: String,
    /// The name of the one with the seconds until the window ends.
    pub reset: String,
    /// The name of the one with the limit and its window.
    pub policy: String,
}

impl Default for Headers {
    fn default() -> Self {
        Self {
            enabled: false,
            limit: "RateLimit-Limit".into(),
            remaining: "RateLimit-Remaining".into(),
            reset: "RateLimit-Reset".into(),
            policy: "RateLimit-Policy".into(),
        }
    }
}

impl Section for Response {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        match field.name {
            "headers" => read_section(decoder, field, &mut self.headers),
            "dynamic_metadata" => put(&mut self.dynamic_metadata, decoder.truth(field)),
            "rule_metadata" => put(&mut self.rule_metadata, decoder.truth(field)),
            _ => Known::No,
        }
    }
}

impl Section for Headers {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        match field.name {
            "enabled" => put(&mut self.enabled, decoder.truth(field)),
            "limit" => put(&mut self.limit, decoder.header_name(field)),
            "remaining" => put(&mut self.remaining, decoder.header_name(field)),
            "reset" => put(&mut self.reset, decoder.header_name(field)),
            "policy" => put(&mut self.policy, decoder.header_name(field)),
            _ => Known::No,
        }
    }
}
