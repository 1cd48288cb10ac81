//! `decision_log`: a line for each request that was denied, or whatever else is worth one.

use std::ops::RangeInclusive;

use serde::{Serialize, Serializer};

use super::contradiction::Contradiction;
use super::redis_credentials::{optional_text, serialize_optional};
use super::redis_url::Secret;
use super::section::{Known, Section, put};
use crate::config::decode::{Decoder, Field, Optional, closest, listed};
use crate::config::diagnostic::quote;
use crate::decision::verdict::Outcome;

/// More lines than that are no log any more; the service holds changes at run time to the same.
const LINES: RangeInclusive<u32> = 1..=10_000;

/// More keys than any proxy sends; the same.
const MAX_KEYS: usize = 100;

/// A log of decisions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DecisionLog {
    /// A request with one of these outcomes gets a line.
    #[serde(serialize_with = "serialize_outcomes")]
    pub outcomes: Vec<Outcome>,
    /// The part of those, from 0 to 1, that does.
    pub sample_ratio: f64,
    /// Lines in a second at the most.
    pub max_per_second: u32,
    /// `stdout`, or a file's path; empty: there is no log.
    pub output: String,
    /// Keys whose values are hashed.
    pub hash: Vec<String>,
    /// What the hashes are made with; nothing: something random, for each process its own.
    #[serde(serialize_with = "serialize_optional")]
    pub hash_secret: Option<Secret>,
    /// Keys whose values are left out.
    pub drop: Vec<String>,
}

impl Default for DecisionLog {
    fn default() -> Self {
        Self {
            outcomes: vec![Outcome::Over],
            sample_ratio: 1.0,
            max_per_second: 100,
            output: String::new(),
            hash: vec!["remote_address".into()],
            hash_secret: None,
            drop: vec!["authorization".into()],
        }
    }
}

impl DecisionLog {
    /// Settings of a log that there is not: whoever wrote them wants one.
    pub(super) fn contradiction(&self) -> Option<Contradiction> {
        let is_meant = self.output.is_empty() && *self != Self::default();
        is_meant.then(|| Contradiction {
            message: "there are settings of a decision log, but it has no `output`".into(),
            help: "write `output: stdout`, or the path of a file",
        })
    }
}

impl Section for DecisionLog {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        match field.name {
            "outcomes" => put(&mut self.outcomes, outcomes(decoder, field)),
            "sample_ratio" => put(&mut self.sample_ratio, decoder.ratio(field)),
            "max_per_second" => put(&mut self.max_per_second, decoder.whole(field, LINES)),
            "output" => put(&mut self.output, decoder.text(field)),
            "hash" => put(&mut self.hash, keys(decoder, field)),
            "hash_secret" => put(
                &mut self.hash_secret,
                optional_text(decoder, field).map(|text| text.map(|text| text.map(Secret::new))),
            ),
            "drop" => put(&mut self.drop, keys(decoder, field)),
            _ => Known::No,
        }
    }
}

fn outcomes(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<Vec<Outcome>> {
    let Some(words) = decoder.texts(field)? else { return Ok(None) };
    let names = Outcome::ALL.map(Outcome::name);
    let mut outcomes = Vec::new();
    for word in &words {
        match Outcome::ALL.into_iter().find(|outcome| outcome.name() == word) {
            Some(outcome) => outcomes.push(outcome),
            None => {
                let help = match closest(word, &names) {
                    Some(meant) => format!("did you mean `{meant}`? there are {}", listed(&names)),
                    None => format!("there are {}", listed(&names)),
                };
                return Err(decoder.refuse(field, format!("`outcomes` cannot have {}", quote(word)), help));
            }
        }
    }
    if outcomes.is_empty() {
        let help = "write `outcomes: [over]`; without an `output` there is no log";
        return Err(decoder.refuse(field, "`outcomes` needs at least one", help));
    }
    Ok(Some(outcomes))
}

fn keys(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<Vec<String>> {
    let Some(keys) = decoder.texts(field)? else { return Ok(None) };
    if keys.len() > MAX_KEYS || keys.iter().any(String::is_empty) {
        let message = format!("`{}` takes up to {MAX_KEYS} keys of entries, none of them empty", field.name);
        return Err(decoder.refuse(field, message, "write such as `[remote_address]`, or `[]` for none"));
    }
    Ok(Some(keys))
}

fn serialize_outcomes<S: Serializer>(outcomes: &[Outcome], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(outcomes.iter().map(|outcome| outcome.name()))
}
