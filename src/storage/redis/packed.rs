//! A counter as it lies in Redis: one number, of the mark of its window and of its count (`scripts/counter.lua`).

use crate::decision::fixed_window::Window;
use crate::decision::period::Period;
use crate::decision::time::Timestamp;

/// How many windows have marks of their own, one after another.
const CYCLE: u64 = 8191;

/// What a mark is multiplied with.
const SHIFT: u64 = 1 << 40;

/// The highest count; where more is counted, it stays.
pub(super) const MOST: u64 = 1 << 39;

/// A mark and a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packed {
    mark: u64,
    count: u64,
}

impl Packed {
    /// Reads a value as far as it says the count; what may follow are settlements. `None` where it is no counter of ours.
    #[must_use]
    pub fn read(value: &[u8]) -> Option<Self> {
        let digits = value.split(|&byte| byte == b' ').next()?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        let (mark, count) = (number / SHIFT, number % SHIFT);
        ((1..=CYCLE).contains(&mark) && count <= MOST).then_some(Self { mark, count })
    }

    /// The count, in the window with this mark that is nearest to now.
    #[must_use]
    pub fn window(self, period: Period, now: Timestamp) -> Window {
        let length = u64::from(period.seconds());
        let current = now.secs() / length;
        let ahead = (self.mark - 1 + CYCLE - current % CYCLE) % CYCLE;
        let index = if ahead > CYCLE / 2 { current.saturating_sub(CYCLE - ahead) } else { current + ahead };
        Window { start: index * length, count: self.count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_from_other_values() {
        let read = |value: &str| Packed::read(value.as_bytes()).map(|packed| (packed.mark, packed.count));
        assert_eq!(read("1099511627783"), Some((1, 7)));
        assert_eq!(read("1099511627783 12=3"), Some((1, 7)));
        assert_eq!(read(&(CYCLE * SHIFT + MOST).to_string()), Some((CYCLE, MOST)));
        let most = (CYCLE * SHIFT + MOST + 1).to_string();
        let mark = ((CYCLE + 1) * SHIFT).to_string();
        for value in ["", "7", " 1099511627783", "-1099511627783", "1099511627783.5", "a b", &most, &mark] {
            assert_eq!(read(value), None, "{value}");
        }
    }

    #[test]
    fn a_mark_stands_for_the_nearest_window() {
        let now = Timestamp::from_secs(1_700_000_000);
        for period in Period::UNITS {
            let length = u64::from(period.seconds());
            let current = now.secs() / length;
            for index in [current, current + 1, current + 2, current - 1, current - current.min(4_000)] {
                let packed = Packed { mark: index % CYCLE + 1, count: 5 };
                let expected = Window { start: index * length, count: 5 };
                assert_eq!(packed.window(period, now), expected, "{period:?} {index}");
            }
        }
    }
}
