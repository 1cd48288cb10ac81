//! Looking through a server's keys and taking counters away, in steps so small that decisions do not notice.
//!
//! SCAN and never KEYS, which would stop the server until it has gone through everything. Of a value no more is read than a
//! counter has, because what lies under a key may be anybody's and of any size.

use redis::{Pipeline, ServerError, Value};

use crate::decision::fixed_window::Window;
use crate::decision::key::pattern::Piece;
use crate::storage::inspect::Held;
use crate::storage::redis::failure::Failure;
use crate::storage::redis::order::Way;
use crate::storage::redis::side::Side;

/// Keys that are read or taken away in one pipeline.
const TOGETHER: usize = 64;

/// The last byte of a value that is read: two numbers of 64 bits and a space have fewer.
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

    /// Reads what is under each of these keys.
    ///
    /// # Errors
    /// Where the server does not answer in time.
    pub async fn read(&self, keys: &[Vec<u8>], way: Way) -> Result<OfKeys<Held>, Failure> {
        let write = |pipeline: &mut Pipeline, key: &Vec<u8>| {
            pipeline.cmd("GETRANGE").arg(key).arg(0).arg(LAST_BYTE);
        };
        let replies = self.ask_of_each(keys, way, write).await?;
        Ok(replies.into_iter().map(held).collect())
    }

    /// Takes these keys away; says of each whether it was there.
    ///
    /// # Errors
    /// Where the server does not answer in time; some may be gone.
    pub async fn delete(&self, keys: &[Vec<u8>], way: Way) -> Result<OfKeys<bool>, Failure> {
        let write = |pipeline: &mut Pipeline, key: &Vec<u8>| {
            pipeline.cmd("DEL").arg(key);
        };
        let replies = self.ask_of_each(keys, way, write).await?;
        Ok(replies.into_iter().map(deleted).collect())
    }

    async fn ask_of_each(
        &self,
        keys: &[Vec<u8>],
        way: Way,
        write: impl Fn(&mut Pipeline, &Vec<u8>),
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

fn held(reply: Value) -> Result<Held, Failure> {
    match reply {
        Value::BulkString(value) if value.is_empty() => Ok(Held::Nothing),
        Value::BulkString(value) => {
            Ok(window(&value).map_or_else(|| Held::Foreign("it is no count".into()), Held::Window))
        }
        Value::ServerError(error) if is_wrong_type(&error) => {
            Ok(Held::Foreign("it is of another type".into()))
        }
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

/// The window and its count; what follows them are settlements, which nobody needs here.
fn window(value: &[u8]) -> Option<Window> {
    let mut numbers = value.split(|&byte| byte == b' ').map(number);
    Some(Window { start: numbers.next()??, count: numbers.next()?? })
}

fn number(text: &[u8]) -> Option<u64> {
    let digits = text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::key::pattern::KeyPattern;
    use crate::decision::unit::Unit;

    #[test]
    fn a_prefix_with_wildcards_stands_for_itself() {
        let pattern = KeyPattern::new(Some(Unit::Minute), Some("a*b"), "path=/[x]");
        assert_eq!(glob("r*k:", &pattern.pieces()), br"r\*k:1|f60|a\*b|path=/\[x\]*");
        assert_eq!(glob("rk:", &KeyPattern::default().pieces()), b"rk:1|f**");
    }

    #[test]
    fn counts_are_told_from_other_values() {
        let counted = |start, count| Some(Window { start, count });
        assert_eq!(window(b"1700000040 7"), counted(1_700_000_040, 7));
        assert_eq!(window(b"1700000040 7 12=3"), counted(1_700_000_040, 7));
        for value in ["", "7", "1700000040", "1700000040 ", "1700000040 -7", "1700000040 7.5", "a b", " 7"] {
            assert_eq!(window(value.as_bytes()), None, "{value}");
        }
    }
}
