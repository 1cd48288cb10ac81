//! Matching as the protocol's description says it, word for word and slowly: what the compiled matcher is held against,
//! by a property test here and by a fuzz target in `fuzz/`, which takes this file as a module of its own.

use crate::decision::request::Entry;
use crate::decision::rules::spec::DescriptorSpec;

/// The descriptors that the entries lead to, one for each, found by trying every sibling at each level; none where one of
/// the entries leads nowhere, or where there is none.
pub(super) fn find<'s>(
    level: &'s [DescriptorSpec],
    entries: &[Entry<'_>],
) -> Option<Vec<&'s DescriptorSpec>> {
    let (entry, rest) = entries.split_first()?;
    let siblings = || level.iter().filter(|spec| spec.key.as_bytes() == entry.key);
    let valued = |fits: &dyn Fn(&[u8]) -> bool| {
        siblings().find(|spec| spec.value.as_ref().is_some_and(|value| fits(value.as_bytes())))
    };
    let exact = valued(&|value| value == entry.value);
    let pattern = || valued(&|value| value.contains(&b'*') && glob(value, entry.value));
    let default = || siblings().find(|spec| spec.value.is_none());
    let mut found = vec![exact.or_else(pattern).or_else(default)?];
    if !rest.is_empty() {
        found.extend(find(&found[0].descriptors, rest)?);
    }
    Some(found)
}

/// Keeps, for each beginning of the value, whether the pattern so far matches it.
fn glob(pattern: &[u8], value: &[u8]) -> bool {
    let mut matched = vec![false; value.len() + 1];
    matched[0] = true;
    for sign in pattern {
        let before = matched.clone();
        for length in 0..=value.len() {
            matched[length] = match sign {
                b'*' => before[..=length].contains(&true),
                literal => length > 0 && before[length - 1] && value[length - 1] == *literal,
            };
        }
    }
    matched[value.len()]
}
