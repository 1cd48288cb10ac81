//! A question in a line: `ask("path=/a user=ada").also("path=/a").hits(2)`.

use bytes::Bytes;
use ratekeeper_proto::rate_limit_descriptor::{Entry, RateLimitOverride};
use ratekeeper_proto::{RateLimitDescriptor, RateLimitRequest, RateLimitUnit};

use super::envoy::DOMAIN;

/// A request under construction.
#[derive(Clone, Debug)]
pub(crate) struct Ask(RateLimitRequest);

/// Asks for one descriptor: `key=value` pairs with spaces between them. Without `=` the value is empty.
pub(crate) fn ask(descriptor: &str) -> Ask {
    nothing().also(descriptor)
}

/// Asks for one descriptor of any bytes.
pub(crate) fn entries(entries: &[(&[u8], &[u8])]) -> Ask {
    nothing().also_entries(entries)
}

/// Asks for no descriptor, yet.
pub(crate) fn nothing() -> Ask {
    Ask(RateLimitRequest { domain: DOMAIN.to_owned(), ..RateLimitRequest::default() })
}

impl Ask {
    /// Adds a descriptor.
    pub(crate) fn also(self, descriptor: &str) -> Self {
        let pairs = descriptor.split_whitespace().map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let pairs: Vec<(&[u8], &[u8])> =
            pairs.map(|(key, value)| (key.as_bytes(), value.as_bytes())).collect();
        self.also_entries(&pairs)
    }

    /// Adds a descriptor of any bytes.
    pub(crate) fn also_entries(mut self, entries: &[(&[u8], &[u8])]) -> Self {
        let entry = |(key, value): &(&[u8], &[u8])| Entry {
            key: Bytes::copy_from_slice(key),
            value: Bytes::copy_from_slice(value),
        };
        let entries = entries.iter().map(entry).collect();
        self.0.descriptors.push(RateLimitDescriptor { entries, ..RateLimitDescriptor::default() });
        self
    }

    /// Asks in this domain.
    pub(crate) fn domain(mut self, domain: &str) -> Self {
        domain.clone_into(&mut self.0.domain);
        self
    }

    /// The hits of the request.
    pub(crate) fn hits(mut self, hits: u32) -> Self {
        self.0.hits_addend = hits;
        self
    }

    /// The hits of the descriptor that was added last; 0 is a look.
    pub(crate) fn own_hits(mut self, hits: u64) -> Self {
        self.last().hits_addend = Some(hits);
        self
    }

    /// Makes the hits of the descriptor that was added last a refund.
    pub(crate) fn refund(mut self, hits: u64) -> Self {
        self.last().is_negative_hits = true;
        self.own_hits(hits)
    }

    /// The limit that the descriptor which was added last brings along.
    pub(crate) fn limit(self, requests_per_unit: u32, unit: RateLimitUnit) -> Self {
        self.limit_in(requests_per_unit, unit.into())
    }

    /// The same with any number for the unit.
    pub(crate) fn limit_in(mut self, requests_per_unit: u32, unit: i32) -> Self {
        self.last().limit = Some(RateLimitOverride { requests_per_unit, unit });
        self
    }

    /// The request as it goes over the wire.
    pub(crate) fn request(&self) -> RateLimitRequest {
        self.0.clone()
    }

    fn last(&mut self) -> &mut RateLimitDescriptor {
        self.0.descriptors.last_mut().expect("a descriptor was added")
    }
}
