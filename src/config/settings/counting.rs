//! `counting`: what counts, and when a limit is near.

use serde::{Serialize, Serializer};

use super::section::{Known, Section, put};
use crate::config::decode::{Decoder, Field, Optional};
use crate::decision::limit_share::{LimitShare, NoShare};

/// How hits are counted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Counting {
    /// What becomes of the hits of a denied request.
    pub denied_requests: DeniedRequests,
    /// The part of a limit, from 0 to 1, beyond which it is near.
    pub near_limit_ratio: f64,
    /// The part of every limit that this deployment gives out.
    #[serde(serialize_with = "serialize_share")]
    pub limit_share: LimitShare,
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
        Self { denied_requests: DeniedRequests::Count, near_limit_ratio: 0.8, limit_share: LimitShare::WHOLE }
    }
}

impl Section for Counting {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        let denied = [("count", DeniedRequests::Count), ("ignore", DeniedRequests::Ignore)];
        match field.name {
            "denied_requests" => put(&mut self.denied_requests, decoder.choice(field, &denied)),
            "near_limit_ratio" => put(&mut self.near_limit_ratio, decoder.ratio(field)),
            "limit_share" => put(&mut self.limit_share, limit_share(decoder, field)),
            _ => Known::No,
        }
    }
}

fn limit_share(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<LimitShare> {
    let Some(part) = decoder.ratio(field)? else { return Ok(None) };
    LimitShare::new(part).map(Some).map_err(|why| {
        let help = match why {
            NoShare::OutOfBounds => {
                "write it such as `0.7`; to let nothing pass, write `requests_per_unit: 0`"
            }
            NoShare::TooFine => {
                "write up to six digits after the point, so that the shares of all add up to 1 at the most"
            }
        };
        decoder.refuse(field, format!("`limit_share` {why}"), help)
    })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn serialize_share<S: Serializer>(share: &LimitShare, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(share.part())
}
