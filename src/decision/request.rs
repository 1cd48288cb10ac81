//! One question of a proxy in the domain's words: a domain, its descriptors, and how many hits each is worth.
//!
//! Keys and values are borrowed bytes: Envoy passes header bytes on as they came, and what is not UTF-8 is
//! limited like any other value.

use smallvec::SmallVec;

use crate::decision::limit::Limit;

/// One question: may this pass?
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Which domain's rules apply.
    pub domain: &'a str,
    /// What the request looks like; each is limited on its own.
    pub descriptors: SmallVec<[Descriptor<'a>; 2]>,
}

/// One description of a request: entries from the general to the particular.
#[derive(Debug, Clone)]
pub struct Descriptor<'a> {
    /// The entries from left to right; their order matters.
    pub entries: SmallVec<[Entry<'a>; 4]>,
    /// A limit that the caller brings along; it takes the place of the rules.
    pub limit_override: Option<Limit>,
    /// What is counted.
    pub hits: Hits,
}

/// A key and its value at run time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Chosen by the proxy's operator.
    pub key: &'a [u8],
    /// Often chosen by an end user: any bytes.
    pub value: &'a [u8],
}

/// What one descriptor adds to its counter, or gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hits {
    /// So many are used; 0 looks without counting.
    Take(u32),
    /// So many are given back: always passes, creates no counter, never below 0.
    Refund(u32),
}

/// The amounts that a request and a descriptor carry on the wire, before they are bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HitsOnWire {
    /// The request's `hits_addend`; 0 is the same as absent.
    pub of_request: u32,
    /// The descriptor's own `hits_addend`, where it is set.
    pub of_descriptor: Option<u64>,
    /// The descriptor's `is_negative_hits`.
    pub negative: bool,
}

impl HitsOnWire {
    /// The hits of a descriptor: its own amount where it has one, else the request's, else 1. More than `cap` counts
    /// as `cap`, because an error here would let the request pass and a sum that wraps would give quota back.
    #[must_use]
    pub fn bounded(self, cap: u32) -> Hits {
        let amount = self.of_descriptor.unwrap_or_else(|| u64::from(self.of_request.max(1)));
        let amount = u32::try_from(amount).unwrap_or(u32::MAX).min(cap);
        if self.negative { Hits::Refund(amount) } else { Hits::Take(amount) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(of_request: u32, of_descriptor: Option<u64>, negative: bool, expected: Hits) {
        let wire = HitsOnWire { of_request, of_descriptor, negative };
        assert_eq!(wire.bounded(1_000), expected, "{wire:?}");
    }

    #[test]
    fn the_descriptors_own_amount_comes_first_and_the_cap_last() {
        check(0, None, false, Hits::Take(1));
        check(7, None, false, Hits::Take(7));
        check(7, Some(3), false, Hits::Take(3));
        check(7, Some(0), false, Hits::Take(0));
        check(7, Some(3), true, Hits::Refund(3));
        check(0, None, true, Hits::Refund(1));
        check(u32::MAX, None, false, Hits::Take(1_000));
        check(0, Some(u64::MAX), false, Hits::Take(1_000));
        check(0, Some(1 << 63), true, Hits::Refund(1_000));
    }
}
