//! How long to wait before the next attempt to connect: longer each time, and never the same for everybody.

use std::time::Duration;

use crate::storage::chance::Chance;

/// Doubles its pauses up to a bound; each is drawn from the upper half of its size.
#[derive(Debug)]
pub(super) struct Backoff {
    least: Duration,
    most: Duration,
    attempts: u32,
    chance: Chance,
}

impl Backoff {
    pub(super) fn new(least: Duration, most: Duration) -> Self {
        Self { least, most, attempts: 0, chance: Chance::default() }
    }

    /// Notes that the last attempt was worth it: the next one may come at once.
    pub(super) fn reset(&mut self) {
        self.attempts = 0;
    }

    /// The pause before the next attempt: none before the first.
    pub(super) fn next(&mut self) -> Duration {
        let attempt = self.attempts;
        self.attempts = attempt.saturating_add(1);
        if attempt == 0 {
            return Duration::ZERO;
        }
        let pause = self.least.saturating_mul(1 << (attempt - 1).min(16)).min(self.most);
        pause / 2 + (pause / 2).mul_f64(self.chance.fraction(attempt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_bound_and_starts_again() {
        let millis = Duration::from_millis;
        let mut backoff = Backoff::new(millis(10), millis(50));
        assert_eq!(backoff.next(), Duration::ZERO);
        for most in [10, 20, 40, 50, 50] {
            let pause = backoff.next();
            assert!(pause >= millis(most) / 2 && pause <= millis(most), "{pause:?} of {most}");
        }
        backoff.reset();
        assert_eq!(backoff.next(), Duration::ZERO);
    }
}
