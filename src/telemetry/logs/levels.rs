//! Levels by module, as people write them.
//!
//! The library's own reader takes any word for a module and logs everything of it, and takes filters on values, which cost
//! something in every line. Here a word is a level or a fault.

use std::fmt;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// The levels, quietest first.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Longer than any list that a person writes.
const MOST_BYTES: usize = 1_000;

/// A level, or levels by module: `info,ratekeeper::server=debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels(String);

/// Why a text is no levels.
#[derive(Debug, thiserror::Error)]
pub enum LevelsFault {
    /// One part is neither a level nor a module with its level.
    #[error(
        "{0:?} is no level; there are off, error, warn, info, debug, trace; by module: `info,ratekeeper::server=debug`"
    )]
    Part(String),
    /// It is too long.
    #[error("levels have {MOST_BYTES} bytes at the most")]
    TooLong,
    /// The library does not take it.
    #[error("levels cannot be read: {0}")]
    Unread(#[from] ParseError),
}

impl Levels {
    /// What decides by these levels whether a line is written.
    ///
    /// # Errors
    /// Where the library does not take them, which is not known to happen.
    pub fn filter(&self) -> Result<EnvFilter, LevelsFault> {
        Ok(EnvFilter::try_new(&self.0)?)
    }
}

impl FromStr for Levels {
    type Err = LevelsFault;

    fn from_str(text: &str) -> Result<Self, LevelsFault> {
        if text.len() > MOST_BYTES {
            return Err(LevelsFault::TooLong);
        }
        // People put a space behind a comma, which the library does not take.
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        match parts.iter().find(|part| !is_directive(part)) {
            Some(&wrong) => Err(LevelsFault::Part(wrong.into())),
            None => Ok(Self(parts.join(","))),
        }
    }
}

impl fmt::Display for Levels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn is_directive(part: &str) -> bool {
    let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    let is_module = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
    };
    match part.split_once('=') {
        Some((module, level)) => is_module(module) && is_level(level),
        None => is_level(part),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_levels_and_nothing_else() {
        for good in
            ["info", "OFF", "warn,ratekeeper::server=debug", "info, h2=error", "ratekeeper::app=trace"]
        {
            let levels: Levels = good.parse().unwrap();
            levels.filter().unwrap();
            assert_eq!(levels.to_string(), good.replace(' ', ""));
        }
        for (bad, named) in [
            ("", "\"\""),
            ("loud", "\"loud\""),
            ("info,ratekeeper", "\"ratekeeper\""),
            ("info,=debug", "\"=debug\""),
            ("info,h2=9", "\"h2=9\""),
            ("info,[span{user=ada}]=trace", "span{user"),
            ("info\nforged", "\\n"),
            (&"info,".repeat(1_000), "1000 bytes"),
        ] {
            let fault = bad.parse::<Levels>().unwrap_err().to_string();
            assert!(fault.contains(named), "{fault}");
        }
    }
}
