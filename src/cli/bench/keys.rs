//! Which key a request asks for: numbers drawn from a key space.
//!
//! Uniform for now. The sequence depends on the seed alone, so that two servers get the same load.

/// An endless sequence of keys below a bound.
#[derive(Debug, Clone)]
pub struct Keys {
    space: u64,
    state: u64,
}

impl Keys {
    /// Keys from 0 up to, but not including, `space`; 1 is one hot key.
    #[must_use]
    pub fn new(space: u64, seed: u64) -> Self {
        Self { space: space.max(1), state: seed }
    }

    /// The next key.
    pub fn next_key(&mut self) -> u64 {
        // The upper half of the product maps 64 random bits onto the space without a division; its bias is
        // space / 2^64, far below what a run could show.
        let wide = u128::from(self.next_random()) * u128::from(self.space);
        u64::try_from(wide >> 64).unwrap_or(0)
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
    fn a_seed_gives_one_sequence() {
        let draw = |seed| {
            let mut keys = Keys::new(1 << 40, seed);
            (0..10).map(|_| keys.next_key()).collect::<Vec<_>>()
        };
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
    }
}
