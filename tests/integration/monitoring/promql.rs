//! As much of PromQL as it takes to tell names of metrics from functions, labels, keywords and values.

use std::collections::BTreeSet;

/// Words that are followed by labels in brackets, if by any.
const BEFORE_LABELS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const OPERATORS: [&str; 8] = ["and", "or", "unless", "bool", "offset", "atan2", "inf", "nan"];

/// The metrics that a query asks for.
pub(super) fn names(query: &str) -> BTreeSet<String> {
    let (mut found, mut rest) = (BTreeSet::new(), query);
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '{' => past(rest, '}'),
            '[' => past(rest, ']'),
            '"' | '\'' | '`' => past_text(rest),
            '#' => rest.find('\n').map_or("", |end| &rest[end..]),
            // A number, or a duration as in `offset 5m`.
            '0'..='9' => rest.trim_start_matches(|sign: char| sign.is_ascii_alphanumeric() || sign == '.'),
            _ if is_part(first) => word(rest, &mut found),
            _ => &rest[first.len_utf8()..],
        };
    }
    found
}

/// Takes a word, notes it if it is a metric, and gives what follows.
fn word<'q>(query: &'q str, found: &mut BTreeSet<String>) -> &'q str {
    let rest = query.trim_start_matches(is_part);
    let name = &query[..query.len() - rest.len()];
    let follows = rest.trim_start();
    let lower = name.to_ascii_lowercase();
    if BEFORE_LABELS.contains(&lower.as_str()) {
        return if follows.starts_with('(') { past(follows, ')') } else { rest };
    }
    let is_aggregation = ["by", "without"]
        .iter()
        .any(|word| follows.strip_prefix(word).is_some_and(|after| after.trim_start().starts_with('(')));
    if !OPERATORS.contains(&lower.as_str()) && !follows.starts_with('(') && !is_aggregation {
        found.insert(name.to_owned());
    }
    rest
}

fn is_part(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || sign == '_' || sign == ':'
}

/// What follows this closing bracket, where none stands within another.
fn past(query: &str, end: char) -> &str {
    let mut rest = &query[1..];
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' | '\'' | '`' => past_text(rest),
            _ if first == end => return &rest[1..],
            _ => &rest[first.len_utf8()..],
        };
    }
    panic!("`{query}` has no {end}")
}

/// What follows a text in quotes.
fn past_text(query: &str) -> &str {
    let quote = query.chars().next();
    let mut signs = query.char_indices().skip(1);
    while let Some((at, sign)) = signs.next() {
        if sign == '\\' && quote != Some('`') {
            signs.next();
        } else if Some(sign) == quote {
            return &query[at + 1..];
        }
    }
    panic!("`{query}` has an open text")
}

#[test]
fn names_are_told_from_everything_else() {
    #[track_caller]
    fn check(query: &str, expected: &[&str]) {
        assert_eq!(names(query).iter().map(String::as_str).collect::<Vec<_>>(), expected, "{query}");
    }
    check("a_total", &["a_total"]);
    check(r#"sum by (job, le) (rate(a{b="c", d=~"}e"}[5m]))"#, &["a"]);
    check("sum(rate(a[1m])) by (job) / on (job) group_left (x) b > bool 0.5", &["a", "b"]);
    check("histogram_quantile(0.99, sum without(instance) (l:m:r5)) or vector(0)", &["l:m:r5"]);
    check("absent(up{job='x'}) # c\nunless d offset 5m and e", &["d", "e", "up"]);
    check("topk(10, a > 0) * 1e3 + time() - b[1h:5m]", &["a", "b"]);
    check(r#"label_replace(a, "x", "$1", "y", "(.*)\"")"#, &["a"]);
}
