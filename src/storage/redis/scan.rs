//! Looking through a server's keys and taking counters away, in steps so small that decisions do not notice.
//!
//! SCAN and never KEYS, which would stop the server until it has gone through everything. Of a value no more is read than a
//! counter has, because what lies under a key may be anybody's and of any size.

use redis::{Pipeline, ServerError, Value};

use crate::decision::algorithm::Algorithm;
use crate::decision::key::CounterKey;
use crate::decision::key::kind::Kind;
use crate::decision::key::pattern::Piece;
use crate::decision::limit::Limit;
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::storage::redis::failure::Failure;
use crate::storage::redis::order::Way;
use crate::storage::redis::packed::Packed;
use crate::storage::redis::script::Script;
use crate::storage::redis::side::Side;
use crate::storage::redis::told::{stored, told};

/// Keys that are read or taken away in one pipeline.
const TOGETHER: usize = 64;

/// The last byte of a value that is read: three numbers of 64 bits, and what stands between them, have fewer.
const LAST_BYTE: usize = 63;

/// A server is where a SCAN ends when it gives this cursor.
pub const END: u64 = 0;

/// What SCAN has found.
#[derive(Debug, PartialEq, Eq)]
pub struct Scanned {
    /// Where to go on; [`END`] is the end.
    pub next: u64,
    /// Whole keys.
    pub keys: Vec<Vec<u8>>,
}

/// What there is under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// A window's count.
    Counter(Packed),
    /// A meter.
    Meter(State),
    /// Something that is no counter of ours; why.
    Foreign(&'static str),
}

/// A counter's key as the server knows it, with its prefix, and as we do.
pub type FullKey = (Vec<u8>, CounterKey);

/// What a server says of each key, in their order.
pub type OfKeys<T> = Vec<Result<T, Failure>>;

impl Side {
    /// Looks at about `count` keys from this cursor on; gives those that match.
    ///
    /// # Errors
    /// Where the server does not answer in time.
    pub async fn scan(&self, cursor: u64, matching: &[u8], count: usize) -> Result<Scanned, Failure> {
        let mut pipeline = redis::pipe();
        pipeline.cmd("SCAN").arg(cursor).arg("MATCH").arg(matching).arg("COUNT").arg(count);
        let ((next, keys),): ((u64, Vec<Vec<u8>>),) = self.run(&pipeline).await?;
        Ok(Scanned { next, keys })
    }

    /// Reads what is under each of these counters' keys, which stand beside them in full.
    ///
    /// # Errors
    /// Where the server does not answer in time.
    pub async fn read(&self, keys: &[FullKey], now: Timestamp, way: Way) -> Result<OfKeys<Found>, Failure> {
        let write = |pipeline: &mut Pipeline, (full, key): &FullKey| {
            match key.kind() {
                // Only a script knows how much of a log is forgotten.
                Some(Kind { algorithm: Algorithm::SlidingLog, period, .. }) => {
                    let script = Script::CountSlidingLog.code();
                    pipeline.cmd("EVAL").arg(script).arg(1).arg(full);
                    pipeline.arg(now.millis()).arg(period.seconds()).arg(1).arg("0x0/0");
                }
                _ => {
                    pipeline.cmd("GETRANGE").arg(full).arg(0).arg(LAST_BYTE);
                }
            }
        };
        let replies = self.ask_of_each(keys, way, write).await?;
        Ok(keys.iter().zip(replies).map(|((_, key), reply)| found(key, reply, now)).collect())
    }

    /// Takes these keys away; says of each whether it was there.
    ///
    /// # Errors
    /// Where the server does not answer in time; some may be gone.
    pub async fn delete(&self, keys: &[FullKey], way: Way) -> Result<OfKeys<bool>, Failure> {
        let write = |pipeline: &mut Pipeline, (full, _): &FullKey| {
            pipeline.cmd("DEL").arg(full);
        };
        let replies = self.ask_of_each(keys, way, write).await?;
        Ok(replies.into_iter().map(deleted).collect())
    }

    async fn ask_of_each(
        &self,
        keys: &[FullKey],
        way: Way,
        write: impl Fn(&mut Pipeline, &FullKey),
    ) -> Result<Vec<Value>, Failure> {
        let mut replies = Vec::with_capacity(keys.len());
        for keys in keys.chunks(TOGETHER) {
            let mut pipeline = redis::pipe();
            // One key's fault is that key's alone.
            pipeline.ignore_errors();
            for key in keys {
                if way == Way::Asking {
                    pipeline.cmd("ASKING").ignore();
                }
                write(&mut pipeline, key);
            }
            match self.run(&pipeline).await? {
                Value::Array(some) if some.len() == keys.len() => replies.extend(some),
                _ => return Err(Failure::Other("fewer replies than commands".into())),
            }
        }
        Ok(replies)
    }
}

/// A pattern as SCAN takes it: the prefix that all keys have, then what the pieces say.
#[must_use]
pub fn glob(prefix: &str, pieces: &[Piece]) -> Vec<u8> {
    let mut glob = Vec::new();
    push_literal(&mut glob, prefix.as_bytes());
    for piece in pieces {
        match piece {
            Piece::Text(text) => push_literal(&mut glob, text),
            Piece::Any => glob.push(b'*'),
        }
    }
    glob
}

fn push_literal(glob: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        if matches!(byte, b'*' | b'?' | b'[' | b']' | b'\\') {
            glob.push(b'\\');
        }
        glob.push(byte);
    }
}

fn found(key: &CounterKey, reply: Value, now: Timestamp) -> Result<Found, Failure> {
    let kind = key.kind();
    match reply {
        Value::BulkString(value) if value.is_empty() => Ok(Found::Nothing),
        Value::BulkString(value) => {
            let counter = match kind {
                Some(Kind { algorithm, .. }) if algorithm.is_meter() => {
                    stored(algorithm, &value).map(Found::Meter)
                }
                _ => Packed::read(&value).map(Found::Counter),
            };
            Ok(counter.unwrap_or(Found::Foreign("it is no count")))
        }
        Value::Array(replies) => match (replies.as_slice(), kind) {
            (log @ [Value::Array(_)], Some(Kind { algorithm, period, .. })) => {
                let state = told(Limit::new(0, period).held_by(algorithm), log, now)?;
                let is_empty = matches!(&state, State::SlidingLog(log) if log.total() == 0);
                Ok(if is_empty { Found::Nothing } else { Found::Meter(state) })
            }
            _ => Ok(Found::Foreign("it is no log")),
        },
        Value::ServerError(error) if is_wrong_type(&error) => Ok(Found::Foreign("it is of another type")),
        Value::ServerError(error) => Err(Failure::of_reply(&error)),
        _ => Err(Failure::Other("a value is no text".into())),
    }
}

fn deleted(reply: Value) -> Result<bool, Failure> {
    match reply {
        Value::Int(number) => Ok(number > 0),
        Value::ServerError(error) => Err(Failure::of_reply(&error)),
        _ => Err(Failure::Other("DEL gave no number".into())),
    }
}

fn is_wrong_type(error: &ServerError) -> bool {
    error.code() == "WRONGTYPE"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::key::pattern::KeyPattern;
    use crate::decision::period::Period;

    #[test]
    fn a_prefix_with_wildcards_stands_for_itself() {
        let pattern = KeyPattern::new(Some(Period::MINUTE), Some("a*b"), "path=/[x]");
        assert_eq!(glob("r*k:", &pattern.pieces()), br"r\*k:1|*60|a\*b|path=/\[x\]*");
        assert_eq!(glob("rk:", &KeyPattern::default().pieces()), b"rk:1|***");
    }
}
