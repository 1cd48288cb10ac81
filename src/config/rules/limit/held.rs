//! How a limit is held: `algorithm`, and what belongs to one: `burst` and `overdraft`.

use super::Place;
use crate::config::decode::{Decoder, Field, Optional, Reported};
use crate::decision::algorithm::Algorithm;
use crate::decision::limit::{Limit, TooLarge};

/// What was read, and the fields that may contradict the algorithm.
pub(super) struct Held<'a, 't> {
    algorithm: Optional<Algorithm>,
    burst: Optional<u32>,
    overdraft: Optional<bool>,
    burst_field: Option<Field<'a, 't>>,
    overdraft_field: Option<Field<'a, 't>>,
}

impl<'a, 't> Held<'a, 't> {
    /// Nothing was read yet.
    pub(super) fn new() -> Self {
        let (burst_field, overdraft_field) = (None, None);
        Self { algorithm: Ok(None), burst: Ok(None), overdraft: Ok(None), burst_field, overdraft_field }
    }

    /// Reads a field; false where it is none of these.
    pub(super) fn read(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'a, 't>) -> bool {
        match field.name {
            "algorithm" => {
                self.algorithm =
                    decoder.choice(field, &Algorithm::ALL.map(|algorithm| (algorithm.name(), algorithm)));
            }
            "burst" => {
                self.burst = decoder.whole(field, 1..=u32::MAX);
                self.burst_field = Some(*field);
            }
            "overdraft" => {
                self.overdraft = decoder.truth(field);
                self.overdraft_field = Some(*field);
            }
            _ => return false,
        }
        true
    }

    /// Takes note that a field was meant to be one of these and was refused.
    pub(super) fn note_refused(&mut self, meant: &str) {
        match meant {
            "algorithm" => self.algorithm = Err(Reported),
            "burst" => self.burst = Err(Reported),
            "overdraft" => self.overdraft = Err(Reported),
            _ => {}
        }
    }

    /// The limit as it is held; `place` is that of the limit.
    pub(super) fn limit(
        &self,
        decoder: &mut Decoder<'_, '_>,
        place: &Place<'_, '_>,
        plain: Limit,
    ) -> Result<Limit, Reported> {
        let algorithm = self.algorithm?.unwrap_or_default();
        let limit = plain.held_by(algorithm);
        let limit = match self.burst? {
            Some(burst) => self.with_burst(decoder, limit, burst)?,
            None => limit,
        };
        let limit = Limit { overdraft: self.overdraft(decoder, algorithm)?, ..limit };
        limit.check_size().map_err(|TooLarge { most }| {
            let (name, period) = (algorithm.name(), limit.period);
            let message = format!("too large a limit for a `{name}` of `{period}`: its counters would not be exact");
            let help = format!(
                "write {most} at the most for `requests_per_unit` and `burst`, or take a shorter period, or `fixed_window`"
            );
            decoder.report(place.span, &place.path, message, help)
        })?;
        Ok(limit)
    }

    fn with_burst(&self, decoder: &mut Decoder<'_, '_>, limit: Limit, burst: u32) -> Result<Limit, Reported> {
        let (message, help) = match limit.algorithm {
            Algorithm::TokenBucket if limit.requests_per_unit > 0 => return Ok(limit.with_burst(burst)),
            Algorithm::TokenBucket => (
                "`burst` beside `requests_per_unit: 0`".to_owned(),
                "a bucket that nothing drains from lets its burst pass once; leave `burst` out to let nothing pass",
            ),
            Algorithm::LeakyBucket => (
                "`burst` beside `algorithm: leaky_bucket`".to_owned(),
                "a leaky bucket holds one hit; one with a burst is a `token_bucket`",
            ),
            other => (
                format!("`burst` beside `algorithm: {}`", other.name()),
                "only a bucket has a burst; write `algorithm: token_bucket`, or leave it out",
            ),
        };
        let field = self.burst_field.filter(|field| !field.node.is_null());
        Err(field.map_or(Reported, |field| decoder.report(field.span, &field.path, message, help)))
    }

    fn overdraft(&self, decoder: &mut Decoder<'_, '_>, algorithm: Algorithm) -> Result<bool, Reported> {
        match self.overdraft? {
            Some(true) if !algorithm.is_meter() => {
                let help =
                    "a fixed window counts denied hits anyway (`counting.denied_requests`); leave it out";
                let message = format!("`overdraft` beside `algorithm: {}`", algorithm.name());
                let field = self.overdraft_field.filter(|field| !field.node.is_null());
                Err(field.map_or(Reported, |field| decoder.report(field.span, &field.path, message, help)))
            }
            overdraft => Ok(overdraft.unwrap_or(false)),
        }
    }
}
