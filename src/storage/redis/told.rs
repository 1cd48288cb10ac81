//! What scripts tell of meters, in numbers, and what they are told of them.

use redis::{RedisWrite, ToRedisArgs, Value};

use crate::decision::algorithm::Algorithm;
use crate::decision::limit::Limit;
use crate::decision::sliding_log::{LogEntry, SlidingLog};
use crate::decision::sliding_window::SlidingWindow;
use crate::decision::state::State;
use crate::decision::ticks::MOST;
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
            let (level, ahead) = (next()?, next()?);
            State::Bucket(TokenBucket { level, at: limit.ticks().at(now).saturating_add(ahead) })
        }
        Algorithm::SlidingWindow => {
            State::SlidingWindow(SlidingWindow { start: next()?, previous: next()?, current: next()? })
        }
        Algorithm::SlidingLog => match numbers {
            [Value::Array(texts)] => State::SlidingLog(Box::new(told_log(limit, texts, now)?)),
            _ => return Err(malformed()),
        },
    };
    state.advance(limit, now);
    Ok(state)
}

/// A log of which some entries are told: what lies between two of them is taken to have come with the later one, so that it is never
/// forgotten too soon.
fn told_log(limit: Limit, texts: &[Value], now: Timestamp) -> Result<SlidingLog, Failure> {
    let Some((first, texts)) = texts.split_first() else { return Ok(SlidingLog::default()) };
    let mut sums = Vec::with_capacity(texts.len());
    for text in texts {
        let Value::BulkString(text) = text else { return Err(malformed()) };
        // The first entry, which carries more, is told as a number.
        sums.extend(text.split(|byte| *byte == b',').filter_map(told_sum));
    }
    sums.sort_unstable_by_key(|&(at, sum)| (sum, at));
    let (mut before, period) = (number(first)?, limit.period.duration());
    let entry = |(at, sum): (u64, u64)| {
        let hits = sum.saturating_sub(before);
        before = before.max(sum);
        let is_live = Timestamp::from_millis(at).after(period) > now;
        (is_live && hits > 0).then_some(LogEntry { at, hits })
    };
    Ok(SlidingLog::of(sums.into_iter().filter_map(entry)))
}

/// When hits came, and how many until then.
fn told_sum(text: &[u8]) -> Option<(u64, u64)> {
    let (at, sum) = str::from_utf8(text).ok()?.split_once('@')?;
    Some((at.parse().ok()?, sum.parse().ok()?))
}

/// What settle.lua is told of a state that was read, and of a log, when the hits came that were admitted since.
pub(super) fn for_merging(read: &State, came: &[LogEntry]) -> [Argument; 3] {
    match read {
        State::FixedWindow(window) => [window.start, window.count, 0].map(Argument::Number),
        State::SlidingWindow(sliding) => {
            [sliding.start, sliding.previous, sliding.current].map(Argument::Number)
        }
        State::Bucket(bucket) => [bucket.level, bucket.at, 0].map(Argument::Number),
        State::SlidingLog(log) => [listed(log.live()), listed(came), Argument::Number(0)],
    }
}

fn listed<'e>(entries: impl IntoIterator<Item = &'e LogEntry>) -> Argument {
    Argument::Text(entries.into_iter().map(|entry| format!("{}@{},", entry.at, entry.hits)).collect())
}

/// What a script is called with.
#[derive(Debug)]
pub(super) enum Argument {
    Number(u64),
    Text(String),
}

impl ToRedisArgs for Argument {
    fn write_redis_args<W: RedisWrite + ?Sized>(&self, out: &mut W) {
        match self {
            Self::Number(number) => number.write_redis_args(out),
            Self::Text(text) => text.write_redis_args(out),
        }
    }
}

/// The state in a value as it is stored under the key of such a limit; `None` where it is no counter of ours. A log is no value.
pub(super) fn stored(algorithm: Algorithm, value: &[u8]) -> Option<State> {
    match algorithm {
        Algorithm::TokenBucket | Algorithm::LeakyBucket => stored_bucket(value).map(State::Bucket),
        Algorithm::SlidingWindow => stored_window(value).map(State::SlidingWindow),
        Algorithm::FixedWindow | Algorithm::SlidingLog => None,
    }
}

fn stored_bucket(value: &[u8]) -> Option<TokenBucket> {
    let [level, at, _] = packed(value, b'b')?;
    Some(TokenBucket { level: whole(level)?, at: whole(at)? })
}

fn stored_window(value: &[u8]) -> Option<SlidingWindow> {
    let [start, previous, current] = packed(value, b's')?;
    Some(SlidingWindow { start: whole(start)?, previous: whole(previous)?, current: whole(current)? })
}

/// The three numbers of a value with this letter (`scripts/meter.lua`), as they are packed.
fn packed(value: &[u8], letter: u8) -> Option<[[u8; 8]; 3]> {
    let (numbers, settled) = value.strip_prefix(&[letter])?.split_at_checked(3 * size_of::<f64>())?;
    let (numbers, _) = numbers.as_chunks();
    let ours = settled.is_empty() || settled.starts_with(b" ");
    ours.then(|| numbers.try_into().ok()).flatten()
}

/// A whole number that Lua packed as one of its own.
fn whole(bytes: [u8; 8]) -> Option<u64> {
    let number = f64::from_le_bytes(bytes);
    let exact = (0.0..=MOST as f64).contains(&number) && number.fract() == 0.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, from 0 to 2^52")]
    exact.then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(letter: u8, numbers: [f64; 3], behind: &[u8]) -> Vec<u8> {
        [&[letter], numbers.map(f64::to_le_bytes).as_flattened(), behind].concat()
    }

    #[test]
    fn stored_meters_are_told_from_other_values() {
        let bucket = State::Bucket(TokenBucket { level: 5, at: 7 });
        let of = |algorithm| move |value: &[u8]| stored(algorithm, value);
        let (as_bucket, as_window) = (of(Algorithm::TokenBucket), of(Algorithm::SlidingWindow));
        assert_eq!(as_bucket(&value(b'b', [5.0, 7.0, 0.5], b"")), Some(bucket.clone()));
        assert_eq!(stored(Algorithm::LeakyBucket, &value(b'b', [5.0, 7.0, 9.0], b" 12=3 4=5")), Some(bucket));
        let sliding = State::SlidingWindow(SlidingWindow { start: 60, previous: 1, current: 2 });
        assert_eq!(as_window(&value(b's', [60.0, 1.0, 2.0], b" 1=1")), Some(sliding));
        for numbers in [[-1.0, 7.0, 0.0], [0.5, 7.0, 0.0], [7.0, f64::NAN, 0.0], [1e300, 7.0, 0.0]] {
            assert_eq!(as_bucket(&value(b'b', numbers, b"")), None, "{numbers:?}");
            assert_eq!(as_window(&value(b's', numbers, b"")), None, "{numbers:?}");
        }
        let whole = [1.0, 2.0, 3.0];
        for letter in [b'b', b's'] {
            let stored = of(if letter == b'b' { Algorithm::TokenBucket } else { Algorithm::SlidingWindow });
            let short = &value(letter, whole, b"")[..24];
            for other in [&value(letter, whole, b"x")[..], &value(b'x', whole, b""), short, b"5@7", b""] {
                assert_eq!(stored(other), None, "{other:?}");
            }
        }
    }
}
