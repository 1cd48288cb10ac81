//! Figures over time, a quarter at a time: what creeps is seen in the last one beside an earlier one.

use crate::spread::Spread;

/// The median of each quarter of what was seen over time.
pub(crate) fn quarters(seen: &[f64]) -> [f64; 4] {
    let bound = |quarter: usize| seen.len() * quarter / 4;
    [0, 1, 2, 3].map(|quarter| {
        let of_quarter = seen.get(bound(quarter)..bound(quarter + 1)).unwrap_or_default();
        Spread::of(of_quarter.iter().copied()).median
    })
}
