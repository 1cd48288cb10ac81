//! What scripts tell of meters, in numbers, and what they are told of them.

use std::str;

use redis::Value;

use crate::decision::algorithm::Algorithm;
use crate::decision::limit::Limit;
use crate::decision::sliding_log::{LogEntry, SlidingLog};
use crate::decision::sliding_window::SlidingWindow;
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::decision::token_bucket::TokenBucket;
use crate::storage::redis::call::{malformed, number};
use crate::storage::redis::failure::Failure;

/// The state that a script tells of a meter of this limit.
pub(super) fn told(limit: Limit, numbers: &[Value], now: Timestamp) -> Result<State, Failure> {
    let mut told = numbers.iter().map(number);
    let mut next = || told.next().unwrap_or(Err(malformed()));
    let mut state = match limit.algorithm {
        // Of windows, scripts tell counts.
        Algorithm::FixedWindow => return Err(malformed()),
        Algorithm::TokenBucket | Algorithm::LeakyBucket => {
            State::Bucket(TokenBucket { level: next()?, at: next()? })
        }
        Algorithm::SlidingWindow => {
            State::SlidingWindow(SlidingWindow { start: next()?, previous: next()?, current: next()? })
        }
        Algorithm::SlidingLog => {
            let oldest = LogEntry { at: next()?, hits: next()? };
            let (newest, used) = (next()?, next()?);
            // What came between the oldest and the newest is taken to have come last: it is never forgotten too soon.
            let others = LogEntry { at: newest, hits: used.saturating_sub(oldest.hits) };
            let entries = if used == 0 { [None, None] } else { [Some(oldest), Some(others)] };
            State::SlidingLog(Box::new(SlidingLog::of(entries.into_iter().flatten())))
        }
    };
    state.advance(limit, now);
    Ok(state)
}

/// What settle.lua is told of a state that was read.
pub(super) fn for_merging(state: &State) -> [u64; 3] {
    match state {
        State::FixedWindow(window) => [window.start, window.count, 0],
        State::SlidingWindow(sliding) => [sliding.start, sliding.previous, sliding.current],
        State::Bucket(bucket) => [bucket.level, bucket.at, 0],
        State::SlidingLog(log) => [log.live().next_back().map_or(0, |newest| newest.at), log.total(), 0],
    }
}

/// The state in a value as it is stored under the key of such a limit; `None` where it is no counter of ours. A log is no value.
pub(super) fn stored(algorithm: Algorithm, value: &[u8]) -> Option<State> {
    let text = str::from_utf8(value.split(|&byte| byte == b' ').next()?).ok()?;
    let mut numbers = text.split(['@', ',']).map(|number| {
        number.bytes().all(|digit| digit.is_ascii_digit()).then(|| number.parse::<u64>().ok()).flatten()
    });
    let mut next = || numbers.next().flatten();
    let state = match algorithm {
        Algorithm::TokenBucket | Algorithm::LeakyBucket => {
            State::Bucket(TokenBucket { level: next()?, at: next()? })
        }
        Algorithm::SlidingWindow => {
            State::SlidingWindow(SlidingWindow { start: next()?, previous: next()?, current: next()? })
        }
        Algorithm::FixedWindow | Algorithm::SlidingLog => return None,
    };
    next().is_none().then_some(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_meters_are_told_from_other_values() {
        let bucket = State::Bucket(TokenBucket { level: 5, at: 7 });
        assert_eq!(stored(Algorithm::TokenBucket, b"5@7"), Some(bucket.clone()));
        assert_eq!(stored(Algorithm::LeakyBucket, b"5@7 12=3 4=5"), Some(bucket));
        let sliding = State::SlidingWindow(SlidingWindow { start: 60, previous: 1, current: 2 });
        assert_eq!(stored(Algorithm::SlidingWindow, b"60@1,2"), Some(sliding));
        for value in ["", "5", "5@", "@5", "-5@7", "5@7@9", "a@b", "5.0@7"] {
            assert_eq!(stored(Algorithm::TokenBucket, value.as_bytes()), None, "{value}");
        }
        assert_eq!(stored(Algorithm::SlidingWindow, b"60@1"), None);
    }
}
