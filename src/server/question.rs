//! From the wire to the domain: what a proxy's operator got wrong is refused here, and nothing that an end user can choose.

use ratekeeper_proto::{RateLimitDescriptor, RateLimitRequest, RateLimitUnit};

use crate::decision::limit::Limit;
use crate::decision::request::{Descriptor, Entry, HitsOnWire, Request};
use crate::decision::unit::Unit;

/// How large a request may be.
#[derive(Debug, Clone, Copy)]
pub struct RequestLimits {
    /// Descriptors of a request at the most.
    pub max_descriptors: usize,
    /// Entries of a descriptor at the most.
    pub max_entries: usize,
    /// Hits of a descriptor that count; more count as this many.
    pub max_hits: u32,
}

/// Why a request is refused. All of it is in the hands of the proxy's operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The text is upstream's, because people search for it.
    #[error("rate limit domain must not be empty")]
    EmptyDomain,
    /// The text is upstream's, because people search for it.
    #[error("rate limit descriptor list must not be empty")]
    NoDescriptors,
    /// More descriptors than the setting allows.
    #[error("{found} descriptors in one request; at most {most} are taken (request.max_descriptors)")]
    TooManyDescriptors {
        /// In the request.
        found: usize,
        /// Allowed.
        most: usize,
    },
    /// More entries than the setting allows.
    #[error("descriptor {descriptor} has {found} entries; at most {most} are taken (request.max_entries)")]
    TooManyEntries {
        /// Which one, from 0.
        descriptor: usize,
        /// In the descriptor.
        found: usize,
        /// Allowed.
        most: usize,
    },
    /// An override whose unit is UNKNOWN or a number without a meaning.
    #[error("descriptor {descriptor} overrides the limit with unit {unit}; use SECOND (1) to YEAR (6)")]
    UnknownUnit {
        /// Which one, from 0.
        descriptor: usize,
        /// The number on the wire.
        unit: i32,
    },
}

/// Reads a request; the result borrows the message's bytes.
///
/// # Errors
/// Where the domain or the descriptors are missing, something exceeds its limit, or an override has no known unit.
pub fn read<'a>(message: &'a RateLimitRequest, limits: &RequestLimits) -> Result<Request<'a>, Refusal> {
    if message.domain.is_empty() {
        return Err(Refusal::EmptyDomain);
    }
    let found = message.descriptors.len();
    if found == 0 {
        return Err(Refusal::NoDescriptors);
    }
    if found > limits.max_descriptors {
        return Err(Refusal::TooManyDescriptors { found, most: limits.max_descriptors });
    }
    let read_one = |(index, descriptor)| read_descriptor(message, index, descriptor, limits);
    let descriptors = message.descriptors.iter().enumerate().map(read_one).collect::<Result<_, _>>()?;
    Ok(Request { domain: &message.domain, descriptors })
}

fn read_descriptor<'a>(
    message: &RateLimitRequest,
    index: usize,
    descriptor: &'a RateLimitDescriptor,
    limits: &RequestLimits,
) -> Result<Descriptor<'a>, Refusal> {
    let found = descriptor.entries.len();
    if found > limits.max_entries {
        return Err(Refusal::TooManyEntries { descriptor: index, found, most: limits.max_entries });
    }
    let limit_override = descriptor.limit.as_ref().map(|limit| {
        let unit = unit(limit.unit).ok_or(Refusal::UnknownUnit { descriptor: index, unit: limit.unit })?;
        Ok(Limit::new(limit.requests_per_unit, unit.into()))
    });
    let hits = HitsOnWire {
        of_request: message.hits_addend,
        of_descriptor: descriptor.hits_addend,
        negative: descriptor.is_negative_hits,
    };
    Ok(Descriptor {
        entries: descriptor
            .entries
            .iter()
            .map(|entry| Entry { key: &entry.key, value: &entry.value })
            .collect(),
        limit_override: limit_override.transpose()?,
        hits: hits.bounded(limits.max_hits),
    })
}

fn unit(number: i32) -> Option<Unit> {
    match RateLimitUnit::try_from(number).ok()? {
        RateLimitUnit::Unknown => None,
        RateLimitUnit::Second => Some(Unit::Second),
        RateLimitUnit::Minute => Some(Unit::Minute),
        RateLimitUnit::Hour => Some(Unit::Hour),
        RateLimitUnit::Day => Some(Unit::Day),
        RateLimitUnit::Month => Some(Unit::Month),
        RateLimitUnit::Year => Some(Unit::Year),
    }
}
