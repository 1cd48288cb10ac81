//! Chance that keeps replicas and cores from doing things in step.

use std::hash::Hash;

use ahash::RandomState;

/// Fractions that nobody else draws: each is a keyed hash of what the caller counts or measures, so that no generator is needed.
#[derive(Debug, Default)]
pub(in crate::storage) struct Chance(RandomState);

impl Chance {
    /// A number from 0 to 1, the same for the same draw.
    pub(in crate::storage) fn fraction(&self, draw: impl Hash) -> f64 {
        // The upper half: more than a jitter can use, and every such number is a double.
        let [a, b, c, d, ..] = self.0.hash_one(draw).to_be_bytes();
        f64::from(u32::from_be_bytes([a, b, c, d])) / f64::from(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_fill_the_range_and_differ_between_two() {
        let (one, other) = (Chance::default(), Chance::default());
        let drawn: Vec<f64> = (0..1_000).map(|draw| one.fraction(draw)).collect();
        assert!(drawn.iter().all(|fraction| (0.0..=1.0).contains(fraction)));
        for tenth in 0..10 {
            let (from, to) = (f64::from(tenth) / 10.0, f64::from(tenth + 1) / 10.0);
            assert!(drawn.iter().any(|fraction| (from..to).contains(fraction)), "{from} to {to}");
        }
        assert!((0..10).any(|draw| (one.fraction(draw) - other.fraction(draw)).abs() > 0.01));
    }
}
