//! Text of an operator inside of what we print.

/// The longest text that a message repeats, in characters.
const MAX_QUOTED: usize = 60;

/// The text between backticks, clipped and printable.
pub(crate) fn quote(text: &str) -> String {
    format!("`{}`", clipped(text, MAX_QUOTED))
}

/// The first `most` characters on one line, without anything that a terminal would obey.
pub(super) fn clipped(text: &str, most: usize) -> String {
    let mut shown = String::new();
    let mut characters = text.chars();
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
    }
}
