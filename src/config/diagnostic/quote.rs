//! Text of an operator inside a message.

/// The longest text that a message repeats, in characters.
const MAX_QUOTED: usize = 60;

/// The text between backticks, clipped, on one line, and without anything that a terminal would obey.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::from("`");
    let mut characters = text.chars();
    for c in characters.by_ref().take(MAX_QUOTED) {
        if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            quoted.extend(c.escape_default());
        } else {
            quoted.push(c);
        }
    }
    quoted.push_str(if characters.next().is_some() { "…`" } else { "`" });
    quoted
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
