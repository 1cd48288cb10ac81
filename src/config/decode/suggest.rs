//! What the writer of an unknown name may have meant.

/// Longer names are not compared: nothing known is that long.
const MAX_COMPARED: usize = 80;

/// The known name that looks most like this one, where one looks like it at all.
pub(crate) fn closest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    if name.len() > MAX_COMPARED {
        return None;
    }
    let written = folded(name);
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&written, &folded(candidate)), *candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Names in a message.
pub(crate) fn listed(names: &[&str]) -> String {
    names.join(", ")
}

/// Without what people mix up first: capitals, `-` for `_`, none at all.
fn folded(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_is_found() {
        let known = ["key", "value", "requests_per_unit", "rate_limit"];
        assert_eq!(closest("request_per_unit", &known), Some("requests_per_unit"));
        assert_eq!(closest("requestsPerUnit", &known), Some("requests_per_unit"));
        assert_eq!(closest("Rate-Limit", &known), Some("rate_limit"));
        assert_eq!(closest("vlaue", &known), Some("value"));
        assert_eq!(closest("burst", &known), None);
        assert_eq!(closest(&"k".repeat(100_000), &known), None);
    }
}
