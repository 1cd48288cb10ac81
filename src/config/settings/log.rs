//! `log`: what the server says of itself, and in which form.

use serde::Serialize;

use super::section::{Known, Section, put};
use crate::config::decode::{Decoder, Field, Optional};
use crate::config::diagnostic::quote;

/// The levels of a log, quietest first.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// What the server says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Log {
    /// A level, or levels by module: `info,ratekeeper::server=debug`.
    pub level: String,
    /// The form of the lines.
    pub format: Format,
}

/// The form of the lines of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), format: Format::Text }
    }
}

impl Section for Log {
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known {
        match field.name {
            "level" => put(&mut self.level, level(decoder, field)),
            "format" => put(
                &mut self.format,
                decoder.choice(field, &[("text", Format::Text), ("json", Format::Json)]),
            ),
            _ => Known::No,
        }
    }
}

fn level(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<String> {
    let Some(text) = decoder.text(field)? else { return Ok(None) };
    match text.split(',').find(|directive| !is_directive(directive.trim())) {
        None => Ok(Some(text)),
        Some(wrong) => {
            let message = format!("`level` cannot be {}", quote(wrong));
            let help =
                "it can be: off, error, warn, info, debug, trace; by module: `info,ratekeeper::server=debug`";
            Err(decoder.refuse(field, message, help))
        }
    }
}

fn is_directive(directive: &str) -> bool {
    let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    let is_module = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'))
    };
    match directive.split_once('=') {
        Some((module, level)) => is_module(module) && is_level(level),
        None => is_level(directive),
    }
}
