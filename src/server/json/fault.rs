//! Why JSON was refused, in words that can be sent back to whoever sent it.

/// A body that is no request: where, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub struct JsonFault {
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1. It is the end of what could not be taken.
    pub column: usize,
    /// What is wrong. Bounded, and free of control characters.
    pub what: String,
}

/// An answer that has no JSON form.
#[derive(Debug, thiserror::Error)]
pub enum EncodeFault {
    /// It cannot be read by the descriptors of our `.proto` files.
    #[error("the answer does not fit its descriptors")]
    Message(#[from] prost::DecodeError),
    /// It holds a value that JSON cannot express, or nests too deep.
    #[error("the answer has no JSON form")]
    Value(#[from] serde_json::Error),
}

/// The longest explanation in characters. serde_json quotes the offending value, which may be a megabyte.
const MAX_EXPLANATION: usize = 200;

impl JsonFault {
    /// A fault of the body as a whole.
    pub(super) fn start(what: &str) -> Self {
        Self { line: 1, column: 1, what: printable(what) }
    }
}

impl From<serde_json::Error> for JsonFault {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        // serde_json has no accessor for the words alone.
        let what = text.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&text);
        Self { line: line.max(1), column: column.max(1), what: printable(what) }
    }
}

/// Short enough to send, and unable to forge a line in somebody's log.
fn printable(text: &str) -> String {
    let mut characters = text.chars().map(|each| if each.is_control() { '\u{fffd}' } else { each });
    let mut short: String = characters.by_ref().take(MAX_EXPLANATION).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}
