//! Text within HTML: what a user typed must not become markup.

use std::fmt::{self, Write};

/// Shows a text so that it means itself between tags and within quoted attributes.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            // Neither HTML nor XML has room for these, escaped or not.
            control if control.is_control() && !matches!(control, '\n' | '\t') => f.write_char('\u{fffd}'),
            other => f.write_char(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(Escaped(text).to_string(), expected);
    }

    #[test]
    fn markup_becomes_text() {
        check("<b a=\"1\" c='2'>&amp;</b>", "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;&lt;/b&gt;");
        check("127.0.0.1:8081 µs", "127.0.0.1:8081 µs");
        check("a\u{0}b\u{1b}c\nd", "a\u{fffd}b\u{fffd}c\nd");
    }
}
