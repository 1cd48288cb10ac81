//! `fallback`: what decides while the shared store does not.

use std::num::NonZeroU32;

use serde::{Serialize, Serializer};

use super::section::{Known, Section, put};
use crate::config::decode::{Decoder, Field, Optional};
use crate::config::yaml::{Plain, Value};
use crate::decision::hit::OnStoreFailure;

/// More replicas than anybody runs.
const MAX_REPLICAS: u32 = 10_000;

/// What decides while the shared store does not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fallback {
    /// What becomes of the hits of rules that do not say.
    #[serde(serialize_with = "serialize_on_store_failure")]
    pub on_store_failure: OnStoreFailure,
    /// Among how many replicas a limit is shared out.
    pub replicas: Replicas,
}

/// Among how many replicas a limit is shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replicas {
    /// As many as were seen in the store when it was there.
    Auto,
    /// So many.
    Fixed(NonZeroU32),
}

impl Default for Fallback {
    fn default() -> Self {
        Self { on_store_failure: OnStoreFailure::Local, replicas: Replicas::Auto }
    }
}

impl Serialize for Replicas {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::Fixed(number) => serializer.serialize_u32(number.get()),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn serialize_on_store_failure<S: Serializer>(
    choice: &OnStoreFailure,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(choice.name())
}

impl Section for Fallback {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        let choices = OnStoreFailure::ALL.map(|choice| (choice.name(), choice));
        match field.name {
            "on_store_failure" => put(&mut self.on_store_failure, decoder.choice(field, &choices)),
            "replicas" => put(&mut self.replicas, replicas(decoder, field)),
            _ => Known::No,
        }
    }
}

fn replicas(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<Replicas> {
    if let Value::Scalar(scalar) = &field.node.value
        && scalar.resolve() == Plain::Text
    {
        if scalar.text == "auto" {
            return Ok(Some(Replicas::Auto));
        }
        let message = format!("`replicas` cannot be {}", scalar.quoted());
        return Err(decoder.refuse(
            field,
            message,
            format!("write `auto`, or a number from 1 to {MAX_REPLICAS}"),
        ));
    }
    let number = decoder.whole(field, 1..=MAX_REPLICAS)?;
    Ok(number.and_then(NonZeroU32::new).map(Replicas::Fixed))
}
