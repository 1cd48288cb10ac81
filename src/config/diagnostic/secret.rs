//! Hides what may be a password before text of an operator is printed.
//!
//! A password may be a setting's value, and a URL with credentials may stand on the line of any fault, broken or whole, so that
//! no field of ours can be trusted to know it. What is hidden too much costs a look into the file; what is hidden too little costs a password.

use std::borrow::Cow;
use std::ops::Range;

/// Stands for each hidden byte until the text is printed; YAML files cannot have it.
pub(super) const HIDDEN: char = '\u{1a}';

/// What is printed for a run of hidden characters, whose length tells something, too.
pub(super) const MASK: &str = "****";

/// What begins the part of a URL that may hold credentials.
const AUTHORITY: &str = "://";

/// What may stand around a URL.
const DELIMITERS: &[char] = &[' ', '\t', '\r', '"', '\'', '`', ',', '[', ']', '{', '}'];

/// What the name of a setting has in it whose value is a secret, also where it is misspelt.
const SECRET_NAMES: &[&str] = &["pass", "pwd", "secr", "token"];

/// The same text, as many bytes, with what may be a password replaced by [`HIDDEN`].
pub(super) fn hidden(text: &str) -> Cow<'_, str> {
    if !text.contains('@') && !text.contains(AUTHORITY) && secret_value(text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut block = None;
    for line in text.split_inclusive('\n') {
        let mut from = 0;
        for secret in all_secrets(line, &mut block) {
            shown.push_str(&line[from..secret.start]);
            shown.extend(std::iter::repeat_n(HIDDEN, secret.len()));
            from = secret.end;
        }
        shown.push_str(&line[from..]);
    }
    Cow::Owned(shown)
}

/// The same text with [`MASK`] for what may be a password.
pub(super) fn masked(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    collapse(hidden(text).chars(), |c| shown.push(c), MASK);
    shown
}

/// Gives each character on, and `mask` once for a run of hidden ones.
pub(super) fn collapse(text: impl Iterator<Item = char>, mut give: impl FnMut(char), mask: &str) {
    let mut inside = false;
    for c in text {
        match (c == HIDDEN, inside) {
            (true, false) => mask.chars().for_each(&mut give),
            (true, true) => {}
            (false, _) => give(c),
        }
        inside = c == HIDDEN;
    }
}

/// Where secrets stand in a line. `block` is how far the line is indented whose secret value goes on in lines below it.
fn all_secrets(line: &str, block: &mut Option<usize>) -> Vec<Range<usize>> {
    let (indent, end) = (line.len() - line.trim_start().len(), line.trim_end_matches(['\r', '\n']).len());
    *block = block.filter(|outer| indent > *outer || line.trim().is_empty());
    let start = match (secret_value(line), *block) {
        (Some(start), _) => {
            block.get_or_insert(indent);
            start.min(end)
        }
        (None, Some(_)) => indent.min(end),
        (None, None) => return secrets(line),
    };
    let mut secrets = secrets(&line[..start]);
    secrets.push(start..end);
    secrets
}

/// Where the value of a setting begins that is a secret as a whole. Everything from there to the end of the line is hidden: where
/// a value ends that is not written well, nobody can say.
fn secret_value(text: &str) -> Option<usize> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    text.match_indices(':').find_map(|(colon, _)| {
        let before = text[..colon].trim_end_matches([' ', '"', '\'']);
        let name = before[before.trim_end_matches(is_name).len()..].to_ascii_lowercase();
        let is_secret = SECRET_NAMES.iter().any(|part| name.contains(part)) && !name.ends_with("file");
        let gap = text[colon + 1..].len() - text[colon + 1..].trim_start_matches([' ', '\t']).len();
        is_secret.then_some(colon + 1 + gap)
    })
}

/// Where secrets may stand in a line, from left to right.
fn secrets(line: &str) -> Vec<Range<usize>> {
    let urls = urls(line);
    let before = urls.first().map_or(line.len(), |url| url.scheme);
    let mut secrets = Vec::new();
    // Somebody may have forgotten the scheme.
    if let Some(at) = line[..before].rfind('@') {
        let start = line[..at].find(['"', '\'']).or_else(|| line[..at].rfind(DELIMITERS));
        secrets.push(start.map_or(0, |start| start + 1)..at);
    }
    for url in &urls {
        // The last sign, as a password may hold others that should have been escaped.
        let host = line[url.authority..url.end].rfind('@').map_or(url.authority, |at| url.authority + at);
        let rest = &line[host..url.end];
        let length = rest.find(|c| c == '\n' || DELIMITERS.contains(&c)).unwrap_or(rest.len());
        let end = if is_place(rest[..length].trim_start_matches('@')) { host } else { host + length };
        secrets.push(url.authority..end);
    }
    secrets.retain(|secret| !secret.is_empty());
    secrets
}

/// One URL of a line.
struct Url {
    scheme: usize,
    authority: usize,
    /// Where the next one or the end of the line is.
    end: usize,
}

fn urls(line: &str) -> Vec<Url> {
    let mut urls: Vec<Url> = Vec::new();
    for (colon, _) in line.match_indices(AUTHORITY) {
        let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let scheme = line[..colon].trim_end_matches(name).len();
        match urls.last_mut() {
            // Without anything before it, it belongs to a password.
            Some(_) if !line[..scheme].ends_with(DELIMITERS) => continue,
            Some(last) => last.end = scheme,
            None => {}
        }
        urls.push(Url { scheme, authority: colon + AUTHORITY.len(), end: line.len() });
    }
    urls
}

/// Whether this is a host and port, a path, and a number of a database, and so no secret.
fn is_place(text: &str) -> bool {
    let (text, query) = text.split_once('?').unwrap_or((text, "db=0"));
    let (authority, path) = text.split_once('/').map_or((text, None), |(a, path)| (a, Some(path)));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => (host, port),
        _ => (authority, "0"),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let address = |host: &str| host.starts_with('[') && host.ends_with(']') && !host.contains('@');
    (address(host) || (host.chars().all(plain) && (!host.is_empty() || authority.is_empty())))
        && digits(port)
        && path.unwrap_or_default().chars().all(|c| plain(c) || c == '/')
        && query.strip_prefix("db=").is_some_and(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(masked(text), expected);
        assert_eq!(hidden(text).len(), text.len());
    }

    #[test]
    fn what_holds_no_secret_stays() {
        for text in [
            "",
            "value: a",
            "  urls: [\"redis://127.0.0.1:6379\", 'redis://[::1]:1/2', unix:///run/redis.sock?db=1]",
            "value: http://example.com/a/b",
            "value: @home",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn credentials_are_hidden() {
        check("urls: [redis://user:pw@host:1/2]", "urls: [redis://****@host:1/2]");
        check("\"redis://:größer@h\", timeout: 5", "\"redis://****@h\", timeout: 5");
        check(
            "[redis://:a@h1, redis://h2:1, 'redis://:b@h3']",
            "[redis://****@h1, redis://h2:1, 'redis://****@h3']",
        );
        check("one: redis://:a@h\ntwo: b\n", "one: redis://****@h\ntwo: b\n");
    }

    #[test]
    fn credentials_with_signs_that_should_have_been_escaped_are_hidden() {
        check("redis://:p@q/r:s t\"'u,v]w@host", "redis://****@host");
        check("redis://:p://q@host", "redis://****@host");
        check("redis://u:p?db=@h", "redis://****@h");
    }

    #[test]
    fn values_of_secret_settings_are_hidden() {
        check("redis: {password: a, timeout: 5}", "redis: {password: ****");
        check("  password: a\r\n  timeout: 5\n", "  password: ****\r\n  timeout: 5\n");
        check("  password:\n    a\n\n    b\n  timeout: 5", "  password:\n    ****\n\n    ****\n  timeout: 5");
        check("{urls: [redis://:a@h], password: b}", "{urls: [redis://****@h], password: ****");
        check("'Passwrd' : a b", "'Passwrd' : ****");
        for text in ["password_file: /run/password", "key: password", "requests_per_unit: 5"] {
            check(text, text);
        }
    }

    #[test]
    fn credentials_of_broken_urls_are_hidden() {
        check("redis://:pw", "redis://****");
        check("redis://user:pw", "redis://****");
        check("redis://h:1?password=pw", "redis://****");
        check("redis://h:1/0#pw x", "redis://**** x");
        check("urls: [user:pw@host:1]", "urls: [****@host:1]");
        check("urls: \":p w,x@host\"", "urls: \"****@host\"");
        check("def@host\"]", "****@host\"]");
    }
}
