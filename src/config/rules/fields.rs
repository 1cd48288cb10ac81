//! The names that each level of a rule file knows, and where a name that strayed belongs.

use crate::config::decode::{Decoder, Field, closest, listed};
use crate::config::diagnostic::quote;
use crate::config::yaml::unspaced_name;

/// At the top of a file.
const DOMAIN: &[&str] = &["domain", "descriptors"];

/// In each item of `descriptors`.
const DESCRIPTOR: &[&str] = &[
    "key",
    "value",
    "rate_limit",
    "rate_limits",
    "limits",
    "descriptors",
    "shadow_mode",
    "quota_mode",
    "detailed_metric",
    "value_to_metric",
    "share_threshold",
    "on_store_failure",
    "metadata",
];

/// In `rate_limit`.
const LIMIT: &[&str] = &[
    "unit",
    "unit_multiplier",
    "per",
    "requests_per_unit",
    "algorithm",
    "burst",
    "overdraft",
    "unlimited",
    "name",
    "replaces",
    "hits_multiplier",
    "max_hits",
];

/// In each item of `replaces`.
const REPLACED: &[&str] = &["name"];

/// What other programs call what is known here, in lower case and without `_` and `-`.
const ELSEWHERE_CALLED: &[(&str, &[&str])] = &[
    ("domain", &["namespace"]),
    ("descriptors", &["rules", "children"]),
    ("key", &["descriptorkey", "entry"]),
    ("value", &["pattern", "descriptorvalue"]),
    ("shadow_mode", &["shadow", "dryrun", "reportonly", "logonly"]),
    ("quota_mode", &["quota"]),
    ("on_store_failure", &["onfailure", "failuremode", "failuremodedeny", "failopen", "failclosed"]),
    ("share_threshold", &["share", "shared"]),
    ("algorithm", &["type", "kind", "strategy", "policy"]),
    ("requests_per_unit", &["requests", "limit", "rate", "hits", "max", "maxrequests", "maxtokens", "count"]),
    ("per", &["window", "windowsize", "period", "interval", "duration", "fillinterval", "seconds"]),
    ("unit", &["timeunit"]),
    ("burst", &["burstsize", "maxburst", "capacity", "bucketsize"]),
    ("overdraft", &["debt", "allowdebt", "allownegative"]),
    ("hits_multiplier", &["cost", "weight", "multiplier"]),
    ("max_hits", &["maxcost", "hitslimit"]),
    ("unlimited", &["nolimit"]),
    ("replaces", &["overrides", "replace"]),
];

/// A level of the grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Domain,
    Descriptor,
    Limit,
    Replaced,
}

impl Level {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Domain => DOMAIN,
            Self::Descriptor => DESCRIPTOR,
            Self::Limit => LIMIT,
            Self::Replaced => REPLACED,
        }
    }

    fn place(self) -> &'static str {
        match self {
            Self::Domain => "at the top of the file",
            Self::Descriptor => "in an item of `descriptors`",
            Self::Limit => "under `rate_limit`",
            Self::Replaced => "in an item of `replaces`",
        }
    }

    /// Reports a field that this level does not know. Gives the name that was meant, where that is of this level, so
    /// that nobody also reports it missing.
    pub(super) fn refuse(self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Option<&'static str> {
        let unspaced = unspaced_name(field.name);
        let name = unspaced.map_or(field.name, |name| name.trim_end_matches(':'));
        let meant = self.meant(name);
        let help = match (meant, unspaced) {
            (Some(meant), Some(written)) if meant == name => {
                format!("write a space after {}", quote(written))
            }
            (Some(meant), _) => format!("did you mean `{meant}`?"),
            (None, _) => {
                self.elsewhere(name).unwrap_or_else(|| format!("known here: {}", listed(self.names())))
            }
        };
        decoder.unknown(field, help);
        meant
    }

    /// The name of this level that was meant.
    fn meant(self, name: &str) -> Option<&'static str> {
        closest(name, self.names()).or_else(|| {
            let name: String = name.chars().filter(|sign| !matches!(sign, '_' | '-')).collect();
            let is_called = |others: &[&str]| others.iter().any(|other| name.eq_ignore_ascii_case(other));
            let mut called = ELSEWHERE_CALLED.iter().filter(|(_, others)| is_called(others));
            called.find(|(known, _)| self.names().contains(known)).map(|(known, _)| *known)
        })
    }

    /// Where a name that this level does not know belongs.
    fn elsewhere(self, name: &str) -> Option<String> {
        let others =
            || [Self::Domain, Self::Descriptor, Self::Limit].into_iter().filter(|level| *level != self);
        if let Some(level) = others().find(|level| level.names().contains(&name)) {
            return Some(format!("`{name}` belongs {}", level.place()));
        }
        let (meant, level) = others().find_map(|level| Some((level.meant(name)?, level)))?;
        Some(format!("did you mean `{meant}`? it belongs {}", level.place()))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::rules::{RuleOptions, parse};
    use crate::config::source::SourceFile;

    /// The lists above and the matches that read the fields must not drift apart.
    #[test]
    fn every_listed_name_is_read() {
        let text = "\
domain: d
descriptors:
  - key: k
    value: v*
    rate_limit: {unit: day, unit_multiplier: 2, requests_per_unit: 1, unlimited: false, name: n, replaces: [{name: o}]}
    descriptors: []
    shadow_mode: true
    quota_mode: true
    detailed_metric: true
    value_to_metric: true
    share_threshold: true
    on_store_failure: deny
    metadata: {}
  - key: l
    rate_limits: [{per: 5m, requests_per_unit: 9, hits_multiplier: 2, max_hits: 3}]
  - key: n
    rate_limit: {unit: day, requests_per_unit: 1, algorithm: token_bucket, burst: 5, overdraft: true}
  - key: m
    limits: 10/s
";
        for (name, _) in super::ELSEWHERE_CALLED {
            assert!(text.contains(&format!("{name}:")), "{name}");
        }
        let names = [super::DOMAIN, super::DESCRIPTOR, super::LIMIT, super::REPLACED].concat();
        for name in names {
            assert!(text.contains(&format!("{name}:")), "{name}");
        }
        parse(&[SourceFile::new("a.yaml", text)], RuleOptions::default()).unwrap();
    }
}
