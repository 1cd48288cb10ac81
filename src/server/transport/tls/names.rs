//! The names by which clients are let in, and when a certificate has one of them.
//!
//! A client has a name if its certificate says so as a whole: wildcards in a client's certificate stand for nobody, because
//! whoever holds one would be everybody.

use std::fmt;

/// A name in a client's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedName {
    /// A DNS name; small and capital letters are the same.
    Dns(String),
    /// A URI, letter by letter.
    Uri(String),
    /// Every SPIFFE id below this one, which is kept without its last slash.
    SpiffeBelow(String),
}

/// The names of a client's certificate, as far as they can be looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct PresentedNames {
    pub(super) dns: Vec<String>,
    pub(super) uris: Vec<String>,
}

impl AllowedName {
    /// Whether the certificate has this name.
    pub(super) fn is_among(&self, names: &PresentedNames) -> bool {
        match self {
            Self::Dns(name) => names.dns.iter().any(|presented| presented.eq_ignore_ascii_case(name)),
            Self::Uri(uri) => names.uris.contains(uri),
            Self::SpiffeBelow(id) => names.uris.iter().any(|presented| is_below(presented, id)),
        }
    }
}

/// Whether a SPIFFE id has further segments behind this one. Segments that a reader may take for something else
/// (`.`, `..`, empty ones, escapes) are none of a SPIFFE id's.
fn is_below(presented: &str, id: &str) -> bool {
    let rest = presented.strip_prefix(id).and_then(|rest| rest.strip_prefix('/'));
    rest.is_some_and(|rest| rest.split('/').all(is_segment))
}

fn is_segment(segment: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !matches!(segment, "" | "." | "..") && segment.bytes().all(fits)
}

impl fmt::Display for PresentedNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.uris.iter().chain(&self.dns).map(String::as_str).collect();
        f.write_str(if names.is_empty() { "none" } else { "" })?;
        f.write_str(&names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presented(names: &[&str]) -> PresentedNames {
        let (uris, dns) = names.iter().map(|&name| name.to_owned()).partition(|name| name.contains(':'));
        PresentedNames { dns, uris }
    }

    #[track_caller]
    fn check(allowed: &AllowedName, names: &[&str], expected: bool) {
        assert_eq!(allowed.is_among(&presented(names)), expected, "{allowed:?} among {names:?}");
    }

    #[test]
    fn dns_names_are_equal_whatever_their_case() {
        let name = AllowedName::Dns("gateway.example".into());
        check(&name, &["other.example", "Gateway.EXAMPLE"], true);
        check(&name, &["gateway.example.org"], false);
        check(&name, &["a.gateway.example"], false);
        check(&name, &[], false);
    }

    #[test]
    fn a_wildcard_of_a_client_is_nobody() {
        check(&AllowedName::Dns("gateway.example".into()), &["*.example", "*"], false);
    }

    #[test]
    fn uris_are_equal_letter_by_letter() {
        let name = AllowedName::Uri("spiffe://cluster.local/ns/a/sa/b".into());
        check(&name, &["spiffe://cluster.local/ns/a/sa/b"], true);
        check(&name, &["spiffe://cluster.local/ns/a/sa/B"], false);
        check(&name, &["spiffe://cluster.local/ns/a/sa/b/"], false);
        check(&name, &["spiffe://cluster.local/ns/a/sa/bc"], false);
    }

    #[test]
    fn a_name_of_one_kind_is_none_of_the_other() {
        let names = PresentedNames { dns: vec!["a:b".into()], uris: vec!["a.example".into()] };
        assert!(!AllowedName::Uri("a:b".into()).is_among(&names));
        assert!(!AllowedName::Dns("a.example".into()).is_among(&names));
    }

    #[test]
    fn below_a_spiffe_id_are_whole_segments() {
        let name = AllowedName::SpiffeBelow("spiffe://cluster.local/ns/a".into());
        check(&name, &["spiffe://cluster.local/ns/a/sa/b"], true);
        check(&name, &["spiffe://cluster.local/ns/a/b"], true);
        for other in [
            "spiffe://cluster.local/ns/a",
            "spiffe://cluster.local/ns/a/",
            "spiffe://cluster.local/ns/ab/sa/c",
            "spiffe://cluster.local/ns/a/../b",
            "spiffe://cluster.local/ns/a/./b",
            "spiffe://cluster.local/ns/a//b",
            "spiffe://cluster.local/ns/a/%2e%2e/b",
            "spiffe://cluster.local/ns/a/b?c",
            "spiffe://cluster.local.evil/ns/a/b",
            "https://cluster.local/ns/a/b",
        ] {
            check(&name, &[other], false);
        }
    }
}
