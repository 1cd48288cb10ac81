//! How numbers are written.

use std::io::{Result, Write};

use serde_json::ser::Formatter;

/// Writes whole numbers without a fraction. Numbers of dynamic metadata are doubles, and readers that expect an
/// integer, as for a limit, refuse `100.0`; other implementations of proto3 JSON write `100`.
pub(super) struct ShortNumbers;

/// Up to here, every whole double is written with all its digits; beyond, the exponent form is shorter.
const LARGEST_WHOLE: f64 = 1e15;

impl Formatter for ShortNumbers {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> Result<()> {
        if value.fract() == 0.0 && value.abs() <= LARGEST_WHOLE {
            write!(writer, "{value:.0}")
        } else {
            serde_json::ser::CompactFormatter.write_f64(writer, value)
        }
    }
}
