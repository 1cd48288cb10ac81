//! How a limit is held: `algorithm`, and what belongs to one: `burst` and `overdraft`.

use crate::config::decode::{Decoder, Field, Optional, Reported, listed};
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
            "algorithm" => self.algorithm = algorithm(decoder, field),
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

    /// The limit as it is held; `number` is its `requests_per_unit`.
    pub(super) fn limit(
        &self,
        decoder: &mut Decoder<'_, '_>,
        number: Option<&Field<'_, '_>>,
        plain: Limit,
    ) -> Result<Limit, Reported> {
        let algorithm = self.algorithm?.unwrap_or_default();
        let limit = plain.held_by(algorithm);
        let limit = match self.burst? {
            Some(burst) => self.with_burst(decoder, limit, burst)?,
            None => limit,
        };
        let limit = Limit { overdraft: self.overdraft(decoder, limit.algorithm)?, ..limit };
        match self.too_large(limit, decoder.longest_log()).or_else(|| too_fast(limit)) {
            Some((message, help)) => {
                let burst = self.burst_field.as_ref().filter(|_| self.has_burst());
                let field = burst.or(number);
                Err(field.map_or(Reported, |field| decoder.refuse(field, message, help)))
            }
            None => Ok(limit),
        }
    }

    /// Whether a burst was read.
    fn has_burst(&self) -> bool {
        matches!(self.burst, Ok(Some(_)))
    }

    /// What to say of a limit that is too large for its algorithm.
    fn too_large(&self, limit: Limit, longest_log: u32) -> Option<(String, String)> {
        let (name, period) = (limit.algorithm.name(), limit.period);
        if limit.algorithm == Algorithm::SlidingLog && limit.requests_per_unit > longest_log {
            let number = limit.requests_per_unit;
            return Some((
                format!(
                    "a `{name}` of {number} hits, each of which would have a place of its own in each counter"
                ),
                format!(
                    "write {longest_log} at the most (the setting `rules.max_sliding_log`), or take `sliding_window` or `token_bucket`, which hold numbers"
                ),
            ));
        }
        let TooLarge { most } = limit.check_size().err()?;
        let or_burst = match limit.algorithm {
            Algorithm::TokenBucket if !self.has_burst() => ", or a `burst` that is no larger",
            _ => "",
        };
        Some((
            format!("too large for a `{name}` of `{period}`, whose counters would not be exact"),
            format!(
                "write {most} at the most{or_burst}, or take a shorter window or `algorithm: fixed_window`"
            ),
        ))
    }

    fn with_burst(&self, decoder: &mut Decoder<'_, '_>, limit: Limit, burst: u32) -> Result<Limit, Reported> {
        let beside = || format!("`burst` beside `algorithm: {}`", limit.algorithm.name());
        let (message, help) = match (limit.algorithm, self.algorithm?) {
            (Algorithm::TokenBucket, _) if limit.requests_per_unit > 0 => return Ok(limit.with_burst(burst)),
            (Algorithm::TokenBucket, _) => (
                "`burst` beside `requests_per_unit: 0`".to_owned(),
                "a bucket that nothing drains from would let its burst pass once; leave `burst` out to let nothing pass",
            ),
            (Algorithm::LeakyBucket, _) => {
                (beside(), "a leaky bucket holds one hit; one with a burst is `algorithm: token_bucket`")
            }
            (_, None) => (
                "`burst` without `algorithm: token_bucket`".to_owned(),
                "only a token bucket has a burst, and the default is a fixed window; write the algorithm, too, or leave `burst` out",
            ),
            (_, Some(_)) => (
                beside(),
                "only a token bucket has a burst; write `algorithm: token_bucket`, or leave `burst` out",
            ),
        };
        Err(report(decoder, self.burst_field.as_ref(), message, help))
    }

    fn overdraft(&self, decoder: &mut Decoder<'_, '_>, algorithm: Algorithm) -> Result<bool, Reported> {
        match self.overdraft? {
            Some(true) if !algorithm.is_meter() => {
                let message = match self.algorithm? {
                    Some(_) => format!("`overdraft` beside `algorithm: {}`", algorithm.name()),
                    None => "`overdraft` without `algorithm`".to_owned(),
                };
                let help = "a fixed window, the default, counts denied hits anyway (`counting.denied_requests`); leave `overdraft` out, or write another algorithm, such as `algorithm: token_bucket`";
                Err(report(decoder, self.overdraft_field.as_ref(), message, help))
            }
            overdraft => Ok(overdraft.unwrap_or(false)),
        }
    }
}

/// What to say of a bucket that is too small for its rate.
fn too_fast(limit: Limit) -> Option<(String, String)> {
    let (capacity, least) = (limit.capacity(), limit.least_burst());
    if !limit.algorithm.is_bucket() || capacity >= least {
        return None;
    }
    let (name, hits) = (limit.algorithm.name(), if capacity == 1 { "hit" } else { "hits" });
    let message = format!(
        "a `{name}` that holds {capacity} {hits} lets no more pass in a millisecond, and {} per `{}` are up to {least}",
        limit.requests_per_unit, limit.period
    );
    let help = match limit.algorithm {
        Algorithm::LeakyBucket => {
            format!("write `algorithm: token_bucket` with a `burst` of {least} at least")
        }
        _ => format!("write {least} at least"),
    };
    Some((message, help))
}

/// Reads `algorithm`. An empty one is refused: whoever writes `algorithm:` wants another than the default.
fn algorithm(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<Algorithm> {
    if field.node.is_null() {
        let names = listed(&Algorithm::ALL.map(Algorithm::name));
        return Err(decoder.refuse(
            field,
            "`algorithm` is empty",
            format!("name one of {names}, or leave the field out"),
        ));
    }
    decoder.choice(field, &Algorithm::ALL.map(|algorithm| (algorithm.name(), algorithm)))
}

/// Reports that a field does not belong where it stands. One without a value says nothing, and so never comes here.
fn report(
    decoder: &mut Decoder<'_, '_>,
    field: Option<&Field<'_, '_>>,
    message: String,
    help: &str,
) -> Reported {
    field.map_or(Reported, |field| decoder.report(field.span, &field.path, message, help))
}
