//! Zipf's law: rank r comes with a probability proportional to 1 / r^s.
//!
//! Drawn by rejection-inversion (W. Hörmann, G. Derflinger: Rejection-inversion to generate variates from monotone
//! discrete distributions, ACM TOMACS 6(3), 1996). It needs no table, so that a million keys cost each stream as
//! little as ten; a draw takes a fraction more than one attempt, whatever the size and the exponent.
//! Rejection makes it exact: only the rounding of `f64` is left.

/// Beyond this nearly all draws are rank 1, and powers of large ranks vanish.
const LARGEST_EXPONENT: f64 = 10.0;

/// The law for so many ranks. `below` names the integral of x^-s from 1, a curve that runs below the sum of the law.
#[derive(Debug, Clone, Copy)]
pub struct Zipf {
    size: u64,
    exponent: f64,
    /// The curve where the first rank's share begins and where the last one's ends.
    low: f64,
    high: f64,
    /// A rank that is hardly above the point that was drawn needs no further look.
    surely: f64,
}

/// Why a number is no exponent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write an exponent above 0 and up to 10, as in 0.8 or 1.1")]
pub struct InvalidExponent;

impl Zipf {
    /// Ranks from 1 to `size`.
    ///
    /// # Errors
    ///
    /// When the exponent is not a number, not above 0, or above 10.
    pub fn new(size: u64, exponent: f64) -> Result<Self, InvalidExponent> {
        let exponent = check_exponent(exponent)?;
        let mut zipf = Self { size, exponent, low: 0.0, high: 0.0, surely: 0.0 };
        zipf.low = zipf.below(1.5) - 1.0;
        zipf.high = zipf.below(as_f64(size) + 0.5);
        zipf.surely = 2.0 - zipf.inverse(zipf.below(2.5) - zipf.weight(2.0));
        Ok(zipf)
    }

    /// A rank from 1 to the size, made from as many random numbers from 0 to 1 as it takes.
    pub fn draw(&self, mut random: impl FnMut() -> f64) -> u64 {
        loop {
            let area = self.high + random() * (self.low - self.high);
            let point = self.inverse(area);
            let rank = nearest(point).clamp(1, self.size);
            let place = as_f64(rank);
            if place - point <= self.surely || area >= self.below(place + 0.5) - self.weight(place) {
                return rank;
            }
        }
    }

    fn weight(&self, place: f64) -> f64 {
        (-self.exponent * place.ln()).exp()
    }

    /// (x^(1-s) - 1) / (1-s), written so that it also holds near s = 1, where it is the logarithm.
    fn below(&self, x: f64) -> f64 {
        let log = x.ln();
        log * exp_m1_share((1.0 - self.exponent) * log)
    }

    /// What `below` maps to this area.
    fn inverse(&self, area: f64) -> f64 {
        // Rounding may lead past the pole, where no logarithm is.
        let bent = (area * (1.0 - self.exponent)).max(-1.0);
        (area * ln_1p_share(bent)).exp()
    }
}

/// The exponent, if it is one to draw with.
///
/// # Errors
///
/// When it is not a number, not above 0, or above 10.
pub fn check_exponent(exponent: f64) -> Result<f64, InvalidExponent> {
    if exponent > 0.0 && exponent <= LARGEST_EXPONENT { Ok(exponent) } else { Err(InvalidExponent) }
}

/// (e^x - 1) / x, which is 1 at 0.
fn exp_m1_share(x: f64) -> f64 {
    if x.abs() > 1e-8 { x.exp_m1() / x } else { 1.0 + x / 2.0 }
}

/// ln(1 + x) / x, which is 1 at 0.
fn ln_1p_share(x: f64) -> f64 {
    if x.abs() > 1e-8 { x.ln_1p() / x } else { 1.0 - x / 2.0 }
}

#[expect(clippy::cast_precision_loss, reason = "neighbours beyond 2^53 are as likely as each other")]
fn as_f64(rank: u64) -> f64 {
    rank as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is clamped next")]
fn nearest(point: f64) -> u64 {
    point.round() as u64
}

#[cfg(test)]
mod tests {
    use super::super::keys::{KeySpace, Keys};
    use super::*;

    /// Frequencies against the formula by Pearson's test: with that many classes, chi² is near their number and
    /// hardly ever above it by six of its standard deviations. Rare ranks are one class.
    #[track_caller]
    fn check(size: u64, exponent: f64) {
        const DRAWS: u32 = 400_000;
        let classes = usize::try_from(size.min(50)).unwrap();
        let mut keys = Keys::of(KeySpace::new(size, Some(exponent)).unwrap(), 7);
        let mut seen = vec![0_u32; classes + 1];
        for _ in 0..DRAWS {
            let key = usize::try_from(keys.next_key()).unwrap();
            assert!((key as u64) < size);
            seen[key.min(classes)] += 1;
        }
        let weight = |rank: u64| as_f64(rank).powf(-exponent);
        // Small ones first, so that the many small ones are not lost in the sum.
        let sum: f64 = (1..=size).rev().map(weight).sum();
        let tail: f64 = (classes as u64 + 1..=size).rev().map(weight).sum();
        let mut expected: Vec<f64> = (1..=classes as u64).map(weight).collect();
        expected.push(tail);
        let squares = seen.iter().zip(&expected).map(|(&seen, &weight)| {
            let expected = (f64::from(DRAWS) * weight / sum).max(1.0);
            (f64::from(seen) - f64::from(DRAWS) * weight / sum).powi(2) / expected
        });
        let (chi, freedom) = (squares.sum::<f64>(), as_f64(classes as u64));
        assert!(chi < freedom + 6.0 * (2.0 * freedom).sqrt(), "{size} keys, {exponent}: chi² {chi}");
    }

    #[test]
    fn frequencies_are_those_of_the_formula() {
        for exponent in [0.01, 0.5, 0.99, 1.0, 1.000_000_001, 1.2, 3.0, 10.0] {
            check(1, exponent);
            check(2, exponent);
            check(40, exponent);
            check(2_000_000, exponent);
        }
    }

    #[test]
    fn the_largest_space_draws_within_itself() {
        let zipf = Zipf::new(u64::MAX, 0.5).unwrap();
        for random in [0.0, 0.3, 1.0 - f64::EPSILON] {
            assert!(zipf.draw(|| random) >= 1);
        }
    }

    #[test]
    fn exponents_to_draw_with_are_above_0_and_up_to_10() {
        for exponent in [0.0, -1.0, 10.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(Zipf::new(10, exponent).is_err(), "{exponent}");
        }
        assert!(Zipf::new(10, 10.0).is_ok() && Zipf::new(10, f64::MIN_POSITIVE).is_ok());
    }
}
