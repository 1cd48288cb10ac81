//! Tabs in the place of spaces.

use super::super::span::Span;

/// The tab that stops the parser at `told`. It looks ahead of itself, so that a tab in the next line with text is told at the end of this
/// one.
pub(super) fn find(text: &str, told: Span) -> Option<Span> {
    let at = told.start as usize;
    if text.as_bytes().get(at) == Some(&b'\t') {
        return Some(Span::at_offset(text, at));
    }
    let mut line_start = text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1);
    for line in text.get(line_start..)?.split_inclusive('\n') {
        let body = line.trim_start_matches([' ', '\t']);
        let has_text = !body.trim_end().is_empty() && !body.starts_with('#');
        if let Some(tab) = line[..line.len() - body.len()].find('\t').filter(|_| has_text) {
            return Some(Span::at_offset(text, line_start + tab));
        }
        // The line that is told of, and the next one that the parser looks at.
        if has_text && line_start > at {
            return None;
        }
        line_start += line.len();
    }
    None
}
