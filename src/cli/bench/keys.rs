//! Which key a request asks for: numbers drawn from a key space, uniformly or by Zipf's law.
//!
//! The sequence depends on the seed alone, so that two servers get the same load.

use super::zipf::{InvalidExponent, Zipf};

/// A key space, and how often each of its keys is asked for.
#[derive(Debug, Clone, Copy)]
pub enum KeySpace {
    /// Keys below this number, each as often as the others.
    Uniform(u64),
    /// Key 0 most often, and the others by their rank.
    Zipf(Zipf),
}

/// An endless sequence of keys below a bound.
#[derive(Debug, Clone)]
pub struct Keys {
    space: KeySpace,
    state: u64,
}

impl KeySpace {
    /// Keys from 0 up to, but not including, `size`; uniform where there is no exponent.
    ///
    /// # Errors
    ///
    /// When the exponent is none to draw with.
    pub fn new(size: u64, exponent: Option<f64>) -> Result<Self, InvalidExponent> {
        exponent.map_or(Ok(Self::Uniform(size)), |exponent| Ok(Self::Zipf(Zipf::new(size.max(1), exponent)?)))
    }
}

impl Keys {
    /// Keys drawn uniformly from 0 up to, but not including, `space`; 1 is one hot key.
    #[must_use]
    pub fn new(space: u64, seed: u64) -> Self {
        Self::of(KeySpace::Uniform(space), seed)
    }

    /// Keys of this space.
    #[must_use]
    pub fn of(space: KeySpace, seed: u64) -> Self {
        Self { space, state: seed }
    }

    /// The next key.
    pub fn next_key(&mut self) -> u64 {
        match self.space {
            KeySpace::Uniform(size) => self.next_below(size),
            KeySpace::Zipf(zipf) => zipf.draw(|| self.next_fraction()) - 1,
        }
    }

    fn next_below(&mut self, size: u64) -> u64 {
        // The upper half of the product maps 64 random bits onto the space without a division; its bias is
        // size / 2^64, far below what a run could show.
        let wide = u128::from(self.next_random()) * u128::from(size);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// From 0 up to, but not including, 1, in steps of 2^-53, which is as fine as all of that range allows.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    fn next_fraction(&mut self) -> f64 {
        (self.next_random() >> 11) as f64 * (f64::EPSILON / 2.0)
    }

    /// SplitMix64 (Steele, Lea, Flood 2014): a counter and a mixing function, good from any seed.
    fn next_random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_is_always_the_same() {
        let mut keys = Keys::new(1, 42);
        assert!((0..100).all(|_| keys.next_key() == 0));
    }

    #[test]
    fn every_key_comes_about_equally_often() {
        let mut keys = Keys::new(10, 42);
        let mut seen = [0_u32; 10];
        for _ in 0..10_000 {
            seen[usize::try_from(keys.next_key()).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&count| (850..1150).contains(&count)), "{seen:?}");
    }

    #[test]
    fn keys_by_rank_begin_with_the_hottest() {
        let mut keys = Keys::of(KeySpace::new(1000, Some(1.0)).unwrap(), 42);
        let mut seen = [0_u32; 1000];
        for _ in 0..100_000 {
            seen[usize::try_from(keys.next_key()).unwrap()] += 1;
        }
        assert!(seen[0] > seen[1] && seen[1] > seen[2] && seen[2] > 2 * seen[9], "{:?}", &seen[..10]);
        assert!(seen[900..].iter().any(|&count| count > 0), "the tail is drawn too");
        assert!(KeySpace::new(1000, Some(f64::NAN)).is_err());
    }

    #[test]
    fn a_seed_gives_one_sequence() {
        for exponent in [None, Some(0.5)] {
            let space = KeySpace::new(1 << 40, exponent).unwrap();
            let draw = |seed| {
                let mut keys = Keys::of(space, seed);
                (0..10).map(|_| keys.next_key()).collect::<Vec<_>>()
            };
            assert_eq!(draw(3), draw(3));
            assert_ne!(draw(3), draw(4));
        }
    }
}
