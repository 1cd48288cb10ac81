//! Text of an operator inside of what we print.

use super::secret::{MASK, collapse, hidden};

/// The longest text that a message repeats, in characters.
const MAX_QUOTED: usize = 60;

/// How far the end of a password is looked for, in bytes. More is not printed of any text.
const REACH: usize = 4096;

/// The text between backticks, clipped and printable.
pub(crate) fn quote(text: &str) -> String {
    format!("`{}`", clipped(text, MAX_QUOTED))
}

/// The first `most` characters on one line, without passwords and anything that a terminal would obey.
pub(super) fn clipped(text: &str, most: usize) -> String {
    let mut shown = String::new();
    let mut kept = Vec::new();
    let reach = text.floor_char_boundary(REACH);
    collapse(hidden(&text[..reach]).chars(), |c| kept.push(c), MASK);
    let mut characters = kept.into_iter();
    for c in characters.by_ref().take(most) {
        if c.is_control() || turns_direction(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Characters that make the rest of a line run the other way.
pub(super) fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_clipped_and_stays_on_its_line() {
        assert_eq!(quote("größer"), "`größer`");
        assert_eq!(quote("a\nb\u{1b}[0m"), "`a\\nb\\u{1b}[0m`");
        assert_eq!(quote(&"x".repeat(61)), format!("`{}…`", "x".repeat(60)));
        assert_eq!(quote(&format!("redis://:{}@host", "x".repeat(61))), "`redis://****@host`");
        assert_eq!(quote(&format!("redis://:{}@host", "x".repeat(10_000))), "`redis://****`");
    }
}
