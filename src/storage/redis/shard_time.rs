//! What time it is at a server, as one replica estimates it.

use std::time::Duration;

use tokio::time::Instant;

use crate::decision::time::Timestamp;

/// Round trips are this long on a good network, and who is so quick is exact enough.
const SOON: Duration = Duration::from_millis(5);

/// Clocks drift: an exact reading is worth no more than an inexact one after this time.
const OLD: Duration = Duration::from_secs(10);

/// One reading of a server's clock. It can be off by half its round trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardTime {
    /// What the server's clock showed.
    pub server: Timestamp,
    /// When it showed that, by this process's monotonic clock: half a round trip before the answer came.
    pub at: Instant,
    /// How long the question took.
    pub round_trip: Duration,
}

impl ShardTime {
    /// A reading that was asked for at `asked` and came at `answered`.
    pub(super) fn new(server: Timestamp, asked: Instant, answered: Instant) -> Self {
        let round_trip = answered.saturating_duration_since(asked);
        Self { server, at: asked + round_trip / 2, round_trip }
    }

    /// Whether this reading is to take the place of an earlier one. One that took long may be off by half of that, so it waits
    /// until the earlier one has grown old.
    #[must_use]
    pub fn is_worth_more_than(&self, earlier: &Self) -> bool {
        let age = self.at.saturating_duration_since(earlier.at);
        self.round_trip <= 2 * earlier.round_trip + SOON || age >= OLD
    }

    /// What the server's clock shows at `instant`, before or after the reading.
    #[must_use]
    pub fn at(&self, instant: Instant) -> Timestamp {
        match instant.checked_duration_since(self.at) {
            Some(later) => self.server.after(later),
            None => {
                let earlier = u64::try_from((self.at - instant).as_millis()).unwrap_or(u64::MAX);
                Timestamp::from_millis(self.server.millis().saturating_sub(earlier))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inexact_reading_waits_until_the_exact_one_is_old() {
        let begin = Instant::now();
        let read = |after_millis: u64, took_millis: u64| {
            let asked = begin + Duration::from_millis(after_millis);
            ShardTime::new(Timestamp::from_millis(1), asked, asked + Duration::from_millis(took_millis))
        };
        let exact = read(0, 1);
        assert!(read(1_000, 7).is_worth_more_than(&exact));
        assert!(!read(1_000, 400).is_worth_more_than(&exact));
        assert!(read(11_000, 400).is_worth_more_than(&exact));
    }

    #[test]
    fn half_the_round_trip_is_taken_off() {
        let asked = Instant::now();
        let time = ShardTime::new(Timestamp::from_millis(5_000), asked, asked + Duration::from_millis(40));
        assert_eq!(time.at(asked + Duration::from_millis(40)).millis(), 5_020);
        assert_eq!(time.at(asked).millis(), 4_980);
    }
}
