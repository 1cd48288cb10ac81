//! How long a limit's window is: `unit`, several of them by `unit_multiplier`, or `per`.

use super::Place;
use crate::config::decode::{Decoder, Field, Optional, Reported, closest, listed};
use crate::config::diagnostic::quote;
use crate::decision::period::{NoPeriod, Period};
use crate::decision::unit::Unit;

/// What was read of the window, and the fields that may contradict each other.
pub(super) struct Window<'a, 't> {
    unit: Optional<Unit>,
    multiplier: Optional<u32>,
    per: Optional<Period>,
    multiplier_field: Option<Field<'a, 't>>,
    per_field: Option<Field<'a, 't>>,
}

impl<'a, 't> Window<'a, 't> {
    /// Nothing was read yet.
    pub(super) fn new() -> Self {
        Self { unit: Ok(None), multiplier: Ok(None), per: Ok(None), multiplier_field: None, per_field: None }
    }

    /// Reads a field; false where it is none of the window's.
    pub(super) fn read(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'a, 't>) -> bool {
        match field.name {
            "unit" => self.unit = unit(decoder, field),
            "unit_multiplier" => {
                self.multiplier = decoder.whole(field, 1..=u32::MAX);
                self.multiplier_field = Some(*field);
            }
            "per" => {
                self.per = per(decoder, field);
                self.per_field = Some(*field);
            }
            _ => return false,
        }
        true
    }

    /// Takes note that a field was meant to be one of these and was refused.
    pub(super) fn note_refused(&mut self, meant: &str) {
        match meant {
            "unit" => self.unit = Err(Reported),
            "unit_multiplier" => self.multiplier = Err(Reported),
            "per" => self.per = Err(Reported),
            _ => {}
        }
    }

    /// The window's length; `place` is that of the limit.
    pub(super) fn length(
        &self,
        decoder: &mut Decoder<'_, '_>,
        place: &Place<'_, '_>,
    ) -> Result<Period, Reported> {
        let Place { what, span, path, .. } = place;
        let beside = |field: &Option<Field<'a, 't>>| field.filter(|field| !field.node.is_null());
        match (self.unit?, self.multiplier?, self.per?) {
            (None, None, Some(period)) => Ok(period),
            (Some(unit), None, None) => Ok(unit.into()),
            (Some(unit), Some(number), None) => Period::from_units(number, unit).map_err(|_| {
                let message = format!("{number} times `{}` is too long", unit.name());
                let help = "a window is 10 years long at the most (3650d)";
                beside(&self.multiplier_field).map_or(Reported, |field| decoder.refuse(&field, message, help))
            }),
            (_, Some(_), Some(_)) => {
                let help = "`per` says the whole length; leave one of the two out";
                Err(beside(&self.multiplier_field)
                    .map_or(Reported, |field| decoder.refuse(&field, "`unit_multiplier` beside `per`", help)))
            }
            (Some(unit), None, Some(_)) => {
                let message = format!("`per` beside `unit: {}`", unit.name());
                let help = "both say how long the window is; leave one of the two out";
                Err(beside(&self.per_field).map_or(Reported, |field| decoder.refuse(&field, message, help)))
            }
            (None, Some(_), None) => {
                let help = "write what there are so many of, as in `unit: minute`; or `per: 5m` alone";
                Err(decoder.report(*span, path, "`unit_multiplier` without `unit`", help))
            }
            (None, None, None) => {
                let help =
                    "write `unit: minute`, or another of second, hour, day, week, month, year; or `per: 5m`";
                Err(decoder.report(*span, path, format!("{what} without `unit`"), help))
            }
        }
    }
}

fn unit(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<Unit> {
    let Some(text) = decoder.text(field)? else { return Ok(None) };
    Unit::from_name(&text).map(Some).ok_or_else(|| {
        let names = Unit::ALL.map(Unit::name);
        let help = match closest(&text, &names).or_else(|| abbreviated(&text)) {
            Some(name) => format!("did you mean `{name}`? the units are {}", listed(&names)),
            None if text.parse::<Period>().is_ok() => {
                format!("for any length write `per: {text}`; the units are {}", listed(&names))
            }
            None => format!("the units are {}", listed(&names)),
        };
        decoder.refuse(field, format!("unknown unit {}", quote(&text)), help)
    })
}

/// The unit that a text such as `min` or `h` begins.
pub(super) fn abbreviated(text: &str) -> Option<&'static str> {
    let text = text.to_ascii_lowercase();
    let begun = |unit: &Unit| !text.is_empty() && unit.name().starts_with(&text);
    Unit::ALL.into_iter().find(begun).map(Unit::name)
}

fn per(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<Period> {
    let Some(text) = decoder.text(field)? else { return Ok(None) };
    text.parse().map(Some).map_err(|fault: NoPeriod| match fault {
        NoPeriod::OutOfBounds => {
            let help = "a window is from 1 second to 10 years long, as in `per: 5m`, `per: 36h`, `per: 3650d`";
            decoder.refuse(field, format!("`per` {fault}, not {}", quote(&text)), help)
        }
        NoPeriod::NotRead => {
            let help = "write numbers with s, m, h, d or w, as in `per: 30s`, `per: 5m`, `per: 1h30m`; one of these alone; or a unit's name";
            decoder.refuse(field, format!("`per` is no length of time: {}", quote(&text)), help)
        }
    })
}
