//! Signs that mean something only with a space behind them: `name: value` and `- item`.

use super::super::span::Span;

/// The sign that lacks its space, with the name before a `:`, in the line that is told of or in those directly above it: the parser takes a line such as
/// `key:client` for text, and stops at the next `: `.
pub(super) fn missing(text: &str, told: Span) -> Option<(Span, &str)> {
    let here = line_start(text, told.start as usize)?;
    let above = std::iter::successors(line_above(text, here), |start| line_above(text, *start));
    // Of several such lines in a row the first is the mistake that was met first.
    let first = above.map_while(|start| unspaced(text, start)).last().or_else(|| unspaced(text, here));
    let (start, sign) = first?;
    let span = Span::at_offset(text, start);
    Some((Span { end: span.start.saturating_add(u32::try_from(sign.len()).ok()?), ..span }, sign))
}

/// The name with its `:`, where a text is `name:value`; web addresses and times of day are none.
pub(crate) fn unspaced_name(text: &str) -> Option<&str> {
    let end = text.find(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_')?;
    let (name, rest) = (&text[..end], text[end..].strip_prefix(':')?);
    let is_name = name.starts_with(|sign: char| sign.is_ascii_alphabetic());
    let is_value = rest.starts_with(|sign: char| !sign.is_whitespace() && !matches!(sign, '/' | ':'));
    (is_name && is_value && !rest.contains(": ") && !rest.trim_end().ends_with(':')).then(|| &text[..=end])
}

/// The first sign without a space in a line, and where it begins.
fn unspaced(text: &str, line_start: usize) -> Option<(usize, &str)> {
    let line = text[line_start..].lines().next()?;
    let mut body = line.trim_start_matches(' ');
    while let Some(item) = body.strip_prefix("- ") {
        body = item.trim_start_matches(' ');
    }
    let start = line_start + (line.len() - body.len());
    let is_item = |rest: &str| rest.starts_with(|sign: char| !sign.is_whitespace() && sign != '-');
    match body.strip_prefix('-') {
        Some(rest) if is_item(rest) => Some((start, &body[..1])),
        _ => unspaced_name(body).map(|sign| (start, sign)),
    }
}

fn line_start(text: &str, at: usize) -> Option<usize> {
    Some(text.get(..at)?.rfind('\n').map_or(0, |newline| newline + 1))
}

/// The start of the next line above that says something.
fn line_above(text: &str, mut start: usize) -> Option<usize> {
    loop {
        let above = line_start(text, start.checked_sub(1)?)?;
        let line = text[above..start].trim();
        if !line.is_empty() && !line.starts_with('#') {
            return Some(above);
        }
        start = above;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_space_behind_it() {
        for (text, expected) in [
            ("key:client", Some("key:")),
            ("requests_per_unit:1", Some("requests_per_unit:")),
            ("key: client", None),
            ("key:", None),
            ("http://host", None),
            ("a::b", None),
            ("12:30", None),
            ("key:client: x", None),
            ("client", None),
            ("", None),
        ] {
            assert_eq!(unspaced_name(text), expected, "{text}");
        }
    }
}
