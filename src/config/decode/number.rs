//! Whole numbers and fractions within bounds.

use std::ops::RangeInclusive;

use super::{Decoder, Field, Optional, Reported};
use crate::config::yaml::{Plain, Scalar, Value, resolve};

/// Beyond this, doubles do not hold every whole number.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

impl Decoder<'_, '_> {
    /// A whole number within bounds.
    pub(crate) fn whole<N>(&mut self, field: &Field<'_, '_>, bounds: RangeInclusive<N>) -> Optional<N>
    where
        N: TryFrom<i128> + Into<i128> + Copy,
    {
        let Value::Scalar(scalar) = &field.node.value else {
            return Err(self.not_whole(field, field.node.description(), "write digits".to_owned()));
        };
        let (least, most) = ((*bounds.start()).into(), (*bounds.end()).into());
        match scalar.resolve() {
            Plain::Null => Ok(None),
            Plain::Integer(number) if (least..=most).contains(&number) => {
                N::try_from(number).map(Some).map_err(|_| self.out_of_bounds(field, scalar, least, most))
            }
            Plain::Integer(_) => Err(self.out_of_bounds(field, scalar, least, most)),
            Plain::Float(number) if number.abs() > MAX_EXACT => {
                Err(self.out_of_bounds(field, scalar, least, most))
            }
            Plain::Float(_) | Plain::Bool(_) | Plain::Text => {
                Err(self.not_whole(field, &scalar.quoted(), whole_help(scalar)))
            }
        }
    }

    /// A number from 0 to 1.
    pub(crate) fn ratio(&mut self, field: &Field<'_, '_>) -> Optional<f64> {
        let (number, found) = match &field.node.value {
            Value::Scalar(scalar) => match scalar.resolve() {
                Plain::Null => return Ok(None),
                Plain::Float(number) => (Some(number), scalar.quoted()),
                Plain::Integer(number) => (u8::try_from(number).ok().map(f64::from), scalar.quoted()),
                Plain::Bool(_) | Plain::Text => (None, scalar.quoted()),
            },
            _ => (None, field.node.description().to_owned()),
        };
        number.filter(|number| (0.0..=1.0).contains(number)).map(Some).ok_or_else(|| {
            let message = format!("`{}` must be a number from 0 to 1, not {found}", field.name);
            self.refuse(field, message, "write it such as `0.8`")
        })
    }

    fn not_whole(&mut self, field: &Field<'_, '_>, found: &str, help: String) -> Reported {
        self.refuse(field, format!("`{}` must be a whole number, not {found}", field.name), help)
    }

    fn out_of_bounds(
        &mut self,
        field: &Field<'_, '_>,
        scalar: &Scalar<'_>,
        least: i128,
        most: i128,
    ) -> Reported {
        let small = match scalar.resolve() {
            Plain::Integer(number) => number < least,
            _ => scalar.text.starts_with('-'),
        };
        let which = if small { "small" } else { "large" };
        let message = format!("`{}` is too {which}: {}", field.name, scalar.quoted());
        self.refuse(field, message, format!("write a number from {least} to {most}"))
    }
}

fn whole_help(scalar: &Scalar<'_>) -> String {
    let unpadded = scalar.text.trim_start_matches('0');
    match resolve(&scalar.text) {
        Plain::Integer(number) if !scalar.plain => format!("write `{number}`, without quotes"),
        Plain::Float(number) if number.fract() == 0.0 => format!("write `{number}`"),
        Plain::Float(_) => "write it without a fraction".to_owned(),
        Plain::Text if scalar.text.starts_with('0') && matches!(resolve(unpadded), Plain::Integer(_)) => {
            format!("a leading zero means octal to some readers; write `{unpadded}`")
        }
        _ => "write digits".to_owned(),
    }
}
