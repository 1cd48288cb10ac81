//! Matching as the protocol's description says it, word for word and slowly: what the compiled matcher is held against.

use crate::decision::rules::spec::DescriptorSpec;

/// The descriptor that stands where the entries end, found by trying every sibling at each level.
pub(super) fn find<'s>(
    level: &'s [DescriptorSpec],
    entries: &[(String, String)],
) -> Option<&'s DescriptorSpec> {
    let ((key, value), rest) = entries.split_first()?;
    let siblings = || level.iter().filter(|spec| spec.key == *key);
    let exact = siblings().find(|spec| spec.value.as_ref() == Some(value));
    let pattern = || siblings().find(|spec| spec.value.as_ref().is_some_and(|text| glob(text, value)));
    let default = || siblings().find(|spec| spec.value.is_none());
    let found = exact.or_else(pattern).or_else(default)?;
    if rest.is_empty() { Some(found) } else { find(&found.descriptors, rest) }
}

fn glob(pattern: &str, value: &str) -> bool {
    if !pattern.contains('*') {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let value: Vec<char> = value.chars().collect();
    glob_chars(&pattern, &value)
}

fn glob_chars(pattern: &[char], value: &[char]) -> bool {
    match pattern.split_first() {
        None => value.is_empty(),
        Some(('*', rest)) => (0..=value.len()).any(|skipped| glob_chars(rest, &value[skipped..])),
        Some((literal, rest)) => value.first() == Some(literal) && glob_chars(rest, &value[1..]),
    }
}
