//! Which lines are drawn, and how many there are in a second. All threads ask, and none waits.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

/// How far it is from one number of the sequence to the next: 2^64 over the golden ratio, which spreads any run of them evenly.
const STRIDE: u64 = 0x9E37_79B9_7F4A_7C15;

const NANOS: u64 = 1_000_000_000;

/// Draws a part of what comes.
#[derive(Debug, Default)]
pub(super) struct Draw(AtomicU64);

impl Draw {
    /// Whether this one is drawn, as this part of all is.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a part of 2^64; what is above ends there"
    )]
    pub(super) fn hits(&self, ratio: f64) -> bool {
        ratio >= 1.0
            || self.0.fetch_add(STRIDE, Ordering::Relaxed).wrapping_add(STRIDE)
                < (ratio * u64::MAX as f64) as u64
    }
}

/// Lets so many pass in a second: a token bucket of one second's worth, as the generic cell rate algorithm has it.
#[derive(Debug)]
pub(super) struct Pace {
    start: Instant,
    /// When the bucket will be full again, in nanoseconds from the start.
    full_at: AtomicU64,
}

impl Pace {
    pub(super) fn start() -> Self {
        Self { start: Instant::now(), full_at: AtomicU64::new(0) }
    }

    /// Whether one more may pass.
    pub(super) fn allows(&self, per_second: u32) -> bool {
        let now = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let one = NANOS / u64::from(per_second.max(1));
        let take = |full_at: u64| {
            let then = full_at.max(now).saturating_add(one);
            (then <= now.saturating_add(NANOS)).then_some(then)
        };
        self.full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn as_many_are_drawn_as_the_ratio_says() {
        for (ratio, expected) in
            [(0.0, 0..=0), (0.01, 99..=101), (0.5, 4_999..=5_001), (1.0, 10_000..=10_000)]
        {
            let draw = Draw::default();
            let drawn = (0..10_000).filter(|_| draw.hits(ratio)).count();
            assert!(expected.contains(&drawn), "{drawn} of {ratio}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_has_its_number() {
        let pace = Pace::start();
        let passed = |most: u32| (0..100).filter(|_| pace.allows(most)).count();
        assert_eq!(passed(10), 10);
        assert_eq!(passed(10), 0);
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(passed(10), 5);
        tokio::time::advance(Duration::from_mins(1)).await;
        assert_eq!(passed(10), 10, "nothing is saved for later");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(passed(1), 1);
    }
}
