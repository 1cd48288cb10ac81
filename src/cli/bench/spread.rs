//! Smallest, middle and largest of the figures of several rounds.

use serde::Serialize;

/// How figures lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The smallest.
    pub min: f64,
    /// The middle one; between the two in the middle where there is none.
    pub median: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// Nothing where there are no figures.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut figures: Vec<f64> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let (min, max) = (*figures.first()?, *figures.last()?);
        let last = figures.len() - 1;
        Some(Self { min, median: f64::midpoint(figures[last / 2], figures[last.div_ceil(2)]), max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(figures: &[f64], expected: Option<(f64, f64, f64)>) {
        let expected = expected.map(|(min, median, max)| Spread { min, median, max });
        assert_eq!(Spread::of(figures.iter().copied()), expected, "{figures:?}");
    }

    #[test]
    fn the_median_is_the_middle_or_between_two() {
        check(&[3.0, 1.0, 10.0], Some((1.0, 3.0, 10.0)));
        check(&[4.0, 1.0, 2.0, 10.0], Some((1.0, 3.0, 10.0)));
        check(&[7.0], Some((7.0, 7.0, 7.0)));
        check(&[], None);
    }
}
