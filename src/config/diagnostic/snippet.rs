//! The offending line of a file, made fit to print: clipped, tabs spread, control characters and passwords replaced.

use super::quote::turns_direction;
use super::secret::{MASK, collapse, hidden};
use crate::config::yaml::Span;

/// How many characters of the line stand before what is marked, at most.
const MAX_BEFORE: usize = 80;
/// How many characters are marked, at most.
const MAX_MARKED: usize = 80;
/// How many characters of the line stand after what is marked, at most.
const MAX_AFTER: usize = 80;
/// How far around the fault the ends of a password are looked for, in bytes; much more than is shown.
const REACH: usize = 4096;
/// How many columns a tab is printed as.
const TAB_WIDTH: usize = 4;

/// One line and the part of it that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Snippet {
    /// The line as printed.
    pub(super) line: String,
    /// Columns before the marker.
    pub(super) before: usize,
    /// Columns that are marked, at least 1.
    pub(super) marked: usize,
}

impl Snippet {
    /// The line of `text` in which `span` starts.
    pub(super) fn new(text: &str, span: Span) -> Self {
        let (start, end) = (floor(text, span.start as usize), floor(text, span.end as usize));
        let first = floor(text, start.saturating_sub(REACH));
        let text = &*hidden(&text[first..floor(text, start + REACH)]);
        let (start, end) = (start - first, end.saturating_sub(first));
        let before = last_of_line(&text[..start]);
        let rest = &text[start..];
        let length = if span.is_empty() { usize::MAX } else { end.saturating_sub(start) };
        let (marked, unmarked) = split_line(rest, length);
        let mut line = before;
        let before = line.chars().count();
        line.push_str(&marked);
        let marked = marked.chars().count().max(1);
        line.push_str(&unmarked);
        line.truncate(line.trim_end().len());
        Self { line, before, marked }
    }
}

/// The end of the last line of `text`. Looks no further back than it prints, however long the line is.
fn last_of_line(text: &str) -> String {
    let mut kept: Vec<char> = text.chars().rev().take_while(|c| !is_break(*c)).take(MAX_BEFORE + 1).collect();
    let clipped = kept.len() > MAX_BEFORE;
    if clipped {
        kept.truncate(MAX_BEFORE);
    }
    let shown = printable(kept.into_iter().rev());
    if clipped { format!("…{shown}") } else { shown }
}

/// What is marked, which is `length` bytes or the rest of the line, and what follows it.
fn split_line(text: &str, length: usize) -> (String, String) {
    let mut line = text.char_indices().take_while(|(_, c)| !is_break(*c)).peekable();
    let mut marked = Vec::new();
    while let Some((_, c)) = line.next_if(|(offset, _)| *offset < length && marked.len() < MAX_MARKED) {
        marked.push(c);
    }
    let after: Vec<char> = line.map(|(_, c)| c).take(MAX_AFTER + 1).collect();
    let clipped = after.len() > MAX_AFTER;
    let mut shown = printable(after.into_iter().take(MAX_AFTER));
    if clipped {
        shown.push('…');
    }
    let marked = printable(marked.into_iter());
    let whole = if length == usize::MAX { marked.trim_end() } else { &marked };
    (whole.to_owned(), shown)
}

/// Nothing that is printed may move the cursor, colour the terminal or turn the direction of text.
fn printable(text: impl Iterator<Item = char>) -> String {
    let mut shown = String::new();
    let print = |c: char| match c {
        '\t' => shown.push_str(&" ".repeat(TAB_WIDTH)),
        '\u{feff}' => {}
        c if c.is_control() || turns_direction(c) => shown.push('\u{fffd}'),
        c => shown.push(c),
    };
    collapse(text, print, MASK);
    shown
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

/// The nearest character boundary at or below `offset`.
fn floor(text: &str, offset: usize) -> usize {
    text.floor_char_boundary(offset.min(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, marked: &str, expected: &str) {
        let start = text.find(marked).unwrap();
        let span = Span { end: u32::try_from(start + marked.len()).unwrap(), ..Span::at_offset(text, start) };
        let snippet = Snippet::new(text, span);
        let shown = format!("{}\n{}{}", snippet.line, " ".repeat(snippet.before), "^".repeat(snippet.marked));
        assert_eq!(shown, expected);
    }

    #[test]
    fn the_line_and_the_marker() {
        check("one: 1\ntwo: 2\nthree: 3\n", "two", "two: 2\n^^^");
        check("a: b", "b", "a: b\n   ^");
    }

    #[test]
    fn carriage_returns_are_not_printed() {
        check("one: 1\r\ntwo: 2\r\nthree: 3\r\n", "2", "two: 2\n     ^");
    }

    #[test]
    fn tabs_are_spread_and_characters_counted() {
        check("\tschön: größer  # x", "größer", "    schön: größer  # x\n           ^^^^^^");
    }

    #[test]
    fn control_characters_are_replaced() {
        check("a: \u{1b}[31mred\u{202e}", "red", "a: \u{fffd}[31mred\u{fffd}\n        ^^^");
    }

    #[test]
    fn long_lines_are_clipped_on_both_sides() {
        let line = format!("{}needle{}", "x".repeat(100_000), "y".repeat(100_000));
        let expected = format!("…{}needle{}…\n{}^^^^^^", "x".repeat(80), "y".repeat(80), " ".repeat(81));
        check(&line, "needle", &expected);
    }

    #[test]
    fn passwords_are_not_printed() {
        let line = "{urls: [\"redis://:pass word@host\"], timeout: 5}";
        let shown = "{urls: [\"redis://****@host\"], timeout: 5}";
        check(line, "5", &format!("{shown}\n{}^", " ".repeat(39)));
        check(line, "\"redis://:pass word@host\"", &format!("{shown}\n{}{}", " ".repeat(8), "^".repeat(19)));
        let long = format!("{{urls: [redis://:{}@host], timeout: 5}}", "x".repeat(1000));
        check(&long, "5", &format!("…****@host], timeout: 5}}\n{}^", " ".repeat(22)));
    }

    #[test]
    fn an_empty_span_means_the_rest_of_the_line() {
        let text = "key: a  \nvalue: b";
        let snippet = Snippet::new(text, Span { end: 5, ..Span::at_offset(text, 5) });
        assert_eq!((snippet.before, snippet.marked), (5, 1));
        let snippet = Snippet::new(text, Span { end: 0, ..Span::at_offset(text, 0) });
        assert_eq!((snippet.before, snippet.marked), (0, 6));
    }
}
