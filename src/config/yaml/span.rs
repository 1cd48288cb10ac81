//! A range of a file's text, and the line and column that it starts at.

/// Bytes `start..end`; an empty range of a mapping or sequence means the rest of its first line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Span {
    /// The first byte.
    pub(crate) start: u32,
    /// The byte after the last.
    pub(crate) end: u32,
    /// The line of the first byte, from 1.
    pub(crate) line: u32,
    /// The column of the first byte in characters, from 1.
    pub(crate) column: u32,
}

impl Span {
    /// The one character at a byte offset. Counts lines from the top: for faults that are met once a file.
    pub(crate) fn at_offset(text: &str, offset: usize) -> Self {
        let before = &text[..text.floor_char_boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            start: clamp(before.len()),
            end: clamp(before.len() + 1),
            line: clamp(1 + before.matches('\n').count()),
            column: clamp(1 + before[line_start..].chars().count()),
        }
    }

    /// Whether no bytes are in it.
    pub(crate) fn is_empty(self) -> bool {
        self.end <= self.start
    }
}

impl From<granit_parser::Span> for Span {
    fn from(span: granit_parser::Span) -> Self {
        Self { end: clamp(span.end.byte_offset().unwrap_or(0)), ..Self::from(span.start) }
    }
}

impl From<granit_parser::Marker> for Span {
    fn from(mark: granit_parser::Marker) -> Self {
        let start = clamp(mark.byte_offset().unwrap_or(0));
        Self { start, end: start, line: clamp(mark.line()), column: clamp(mark.col() + 1) }
    }
}

/// Files are bounded far below what would not fit.
fn clamp(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
