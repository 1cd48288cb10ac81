//! A name that a client's certificate may have: `gateway.example`, `spiffe://cluster.local/ns/a/sa/b`, or `spiffe://cluster.local/ns/a/*`.
//!
//! What could never match, or would match more than it seems, is refused here: wildcards, addresses, and SPIFFE ids that are none.

use std::fmt;
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use crate::config::diagnostic::quote;

/// The longest DNS name (RFC 1035, 2.3.4), and the longest SPIFFE id.
const MAX_DNS: usize = 253;
const MAX_URI: usize = 2048;

const SPIFFE: &str = "spiffe://";

/// The name of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedName {
    /// A DNS name, in small letters.
    Dns(String),
    /// A URI.
    Uri(String),
    /// Every SPIFFE id below this one; it is written with `/*` at its end, which it does not have here.
    SpiffeBelow(String),
}

/// Why a text is none.
pub(super) struct BadName {
    pub(super) message: String,
    pub(super) help: &'static str,
}

impl AllowedName {
    pub(super) fn parse(text: &str) -> Result<Self, BadName> {
        let bad = |why: &str, help| Err(BadName { message: format!("{} {why}", quote(text)), help });
        if text.parse::<IpAddr>().is_ok() {
            return bad(
                "is an address, and clients are known by name",
                "write a DNS name or URI of the client's certificate",
            );
        }
        if let Some(id) = text.strip_prefix(SPIFFE) {
            let below = id.strip_suffix("/*");
            return match below {
                Some(id) if is_spiffe_id(id) => Ok(Self::SpiffeBelow(format!("{SPIFFE}{id}"))),
                None if is_spiffe_id(id) => Ok(Self::Uri(text.to_owned())),
                _ => bad(
                    "is no SPIFFE id",
                    "write it as `spiffe://cluster.local/ns/istio-system/sa/gateway`, or with `/*` at its end for all ids below it",
                ),
            };
        }
        if text.contains('*') {
            return bad(
                "has a wildcard",
                "name each client, or write `spiffe://…/*` for all SPIFFE ids below one",
            );
        }
        if text.contains(':') {
            return match is_uri(text) {
                true => Ok(Self::Uri(text.to_owned())),
                false => bad(
                    "is no URI",
                    "write it as it stands in the client's certificate, such as `spiffe://cluster.local/ns/a/sa/b`",
                ),
            };
        }
        match is_dns_name(text) {
            true => Ok(Self::Dns(text.to_ascii_lowercase())),
            false => {
                bad("is no name of a client", "write a DNS name or URI that is in the client's certificate")
            }
        }
    }
}

/// A trust domain, and perhaps a path of segments that cannot be mistaken for others.
fn is_spiffe_id(id: &str) -> bool {
    let (domain, path) = id.split_once('/').map_or((id, None), |(domain, path)| (domain, Some(path)));
    let of_domain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
    let of_path = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_segment = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(of_path);
    id.len() <= MAX_URI
        && !domain.is_empty()
        && domain.bytes().all(of_domain)
        && path.is_none_or(|path| path.split('/').all(is_segment))
}

/// A scheme in small letters, as every issuer writes it, and something behind it.
fn is_uri(text: &str) -> bool {
    let of_scheme = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    text.len() <= MAX_URI
        && text.split_once(':').is_some_and(|(scheme, rest)| {
            scheme.starts_with(|first: char| first.is_ascii_lowercase())
                && scheme.bytes().all(of_scheme)
                && !rest.is_empty()
                && rest.bytes().all(|byte| byte.is_ascii_graphic())
        })
}

fn is_dns_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_label = |part: &str| (1..=63).contains(&part.len()) && part.bytes().all(fits);
    text.len() <= MAX_DNS && text.split('.').all(is_label)
}

/// As it is written.
impl fmt::Display for AllowedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) | Self::Uri(name) => f.write_str(name),
            Self::SpiffeBelow(id) => write!(f, "{id}/*"),
        }
    }
}

impl Serialize for AllowedName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn accept(text: &str, kind: fn(String) -> AllowedName, kept: &str) {
        let name = AllowedName::parse(text).unwrap_or_else(|bad| panic!("{}", bad.message));
        assert_eq!(name, kind(kept.into()));
        assert_eq!(name.to_string(), text.to_lowercase());
    }

    #[track_caller]
    fn refuse(text: &str, words: &str) {
        let told = AllowedName::parse(text).map(|name| panic!("{name:?}")).unwrap_err().message;
        assert!(told.contains(words), "{told}");
    }

    #[test]
    fn names_of_each_kind() {
        accept("Gateway.example", AllowedName::Dns, "gateway.example");
        accept("gateway", AllowedName::Dns, "gateway");
        for uri in [
            "spiffe://cluster.local/ns/istio-system/sa/gateway",
            "spiffe://cluster.local",
            "urn:uuid:1234",
            "https://a.example/b?c",
        ] {
            accept(uri, AllowedName::Uri, uri);
        }
        for id in ["spiffe://cluster.local/ns/a", "spiffe://cluster.local"] {
            accept(&format!("{id}/*"), AllowedName::SpiffeBelow, id);
        }
    }

    #[test]
    fn what_is_no_name_of_a_client() {
        for address in ["10.0.0.1", "::1"] {
            refuse(address, "is an address");
        }
        for wildcard in ["*.example", "*", "https://a/*"] {
            refuse(wildcard, "has a wildcard");
        }
        for id in [
            "",
            "*",
            "/a",
            "Cluster.local/a",
            "a//b",
            "a/../b",
            "a/*/b",
            "a/b*",
            "a/",
            "a/%2e",
            "a:1/b",
            "u@a/b",
        ] {
            refuse(&format!("spiffe://{id}"), "is no SPIFFE id");
        }
        for uri in [":", "SPIFFE://a/b", "1a:b", "a:", "a: b", "a:\u{e4}"] {
            refuse(uri, "is no URI");
        }
        for name in ["", ".", "a..b", "a.", ".a", "a b", "\u{e4}.example", "a/b", &"a".repeat(64)] {
            refuse(name, "is no name of a client");
        }
    }
}
