//! Brackets and quotes that were opened and never closed.
//!
//! What the parser has read is known to be well-formed; only what comes behind is looked at here, by the signs alone.

use super::super::span::Span;
use super::Read;

/// A sign that opens something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opened {
    pub(super) span: Span,
    /// The sign that would close it.
    pub(super) close: char,
}

/// The innermost bracket that is open to the end of the file.
pub(super) fn bracket(text: &str, read: &Read) -> Option<Opened> {
    let mut brackets =
        read.open.iter().copied().filter(|at| closing(text, *at).is_some()).collect::<Vec<_>>();
    for sign in Signs::new(text, read.to, brackets.len()) {
        match sign {
            (at, '[' | '{') => brackets.push(at),
            (_, ']' | '}') => _ = brackets.pop(),
            _ => {}
        }
    }
    opened(text, brackets.pop()?)
}

/// The quotes that are open to the end of the file.
pub(super) fn quotes(text: &str, read: &Read) -> Option<Opened> {
    let open = Signs::new(text, read.to, 0).filter(|(_, sign)| matches!(sign, '"' | '\'')).last();
    opened(text, open?.0)
}

fn opened(text: &str, at: usize) -> Option<Opened> {
    Some(Opened { span: Span::at_offset(text, at), close: closing(text, at)? })
}

fn closing(text: &str, at: usize) -> Option<char> {
    match text.as_bytes().get(at)? {
        b'[' => Some(']'),
        b'{' => Some('}'),
        b'"' => Some('"'),
        b'\'' => Some('\''),
        _ => None,
    }
}

/// The brackets in a text, without those in quotes, comments and plain text; and at last quotes that nothing closes.
struct Signs<'t> {
    text: &'t str,
    at: usize,
    /// Brackets that are open.
    depth: usize,
    /// Whether a value may begin here.
    is_fresh: bool,
}

impl<'t> Signs<'t> {
    fn new(text: &'t str, at: usize, depth: usize) -> Self {
        Self { text, at: text.floor_char_boundary(at), depth, is_fresh: true }
    }

    /// The end of what these quotes hold, behind the one that closes them.
    fn closed(&self, quote: char) -> Option<usize> {
        let mut signs = self.text[self.at..].char_indices().skip(1).peekable();
        while let Some((at, sign)) = signs.next() {
            match sign {
                '\\' if quote == '"' => _ = signs.next(),
                // Doubled, it stands for itself.
                '\'' if quote == '\'' && signs.next_if(|next| next.1 == quote).is_some() => {}
                sign if sign == quote => return Some(self.at + at + 1),
                _ => {}
            }
        }
        None
    }
}

impl Iterator for Signs<'_> {
    type Item = (usize, char);

    fn next(&mut self) -> Option<(usize, char)> {
        while let Some(sign) = self.text[self.at..].chars().next() {
            let (at, rest) = (self.at, &self.text[self.at + sign.len_utf8()..]);
            let is_spaced = rest.starts_with(char::is_whitespace);
            let was_fresh = self.is_fresh;
            self.at += sign.len_utf8();
            match sign {
                '\n' => self.is_fresh = true,
                '#' if self.text[..at].chars().next_back().is_none_or(char::is_whitespace) => {
                    self.at += rest.find('\n').unwrap_or(rest.len());
                }
                _ if sign.is_whitespace() => {}
                '-' | '?' if was_fresh && is_spaced => {}
                // An anchor or a tag, before the value.
                '&' | '!' if was_fresh => {
                    self.at += rest.find(char::is_whitespace).unwrap_or(rest.len());
                }
                ':' => self.is_fresh = is_spaced,
                ',' if self.depth > 0 => self.is_fresh = true,
                '[' | '{' if was_fresh || self.depth > 0 => {
                    (self.depth, self.is_fresh) = (self.depth + 1, true);
                    return Some((at, sign));
                }
                ']' | '}' => {
                    (self.depth, self.is_fresh) = (self.depth.saturating_sub(1), false);
                    return Some((at, sign));
                }
                '"' | '\'' if was_fresh => {
                    self.is_fresh = false;
                    self.at = at;
                    let end = self.closed(sign);
                    self.at = end.unwrap_or(self.text.len());
                    if end.is_none() {
                        return Some((at, sign));
                    }
                }
                _ => self.is_fresh = false,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(u32, u32, char)>) {
        let found = bracket(text, &Read::default()).or_else(|| quotes(text, &Read::default()));
        assert_eq!(found.map(|one| (one.span.line, one.span.column, one.close)), expected, "{text}");
    }

    #[test]
    fn the_innermost_sign_that_stays_open_is_found() {
        check("a: {b: c\nd: e\n", Some((1, 4, '}')));
        check("a: [b, {c: d}\n", Some((1, 4, ']')));
        check("a: [b, {c: d]\n", Some((1, 4, ']')));
        check("a: [{b: [c\n", Some((1, 9, ']')));
        check("- [a\n- {b: c}\n", Some((1, 3, ']')));
        check("a: {b: c, # }\nd: e\n", Some((1, 4, '}')));
        check("a: &limit {b: c\nd: e\n", Some((1, 11, '}')));
        check("a: \"b\nc: d\n", Some((1, 4, '"')));
        check("a: 'it''s\n", Some((1, 4, '\'')));
    }

    #[test]
    fn signs_that_are_text_open_nothing() {
        check("a: [b, {c: d}]\n", None);
        check("a: b[c\nd: x{y\n", None);
        check("a: \"[\"\nb: '{'\n", None);
        check("a: b # [ \"\n", None);
        check("a: it's\nb: \"\\\"\"\nc: 'it''s'\n", None);
    }
}
