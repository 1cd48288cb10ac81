//! The rules of a pod: the one that shall bite first, and those that come by a swap.

use serde_json::Value;

use super::cluster::{Cluster, Data, Kind, list};
use crate::harness::{Ask, ask, yaml};

/// The limit of the rules that come by a swap.
pub(super) const SWAPPED: u32 = 6;

/// A limit that a request can meet.
#[derive(Debug)]
pub(super) struct Limit {
    pub(super) domain: String,
    entries: String,
    pub(super) requests: u32,
}

/// The ConfigMap that a rule file is in.
#[derive(Debug)]
pub(super) struct RuleFile {
    pub(super) object: String,
    pub(super) key: String,
    pub(super) limit: Limit,
}

impl RuleFile {
    /// The rule files of a pod that have a limit.
    pub(super) fn all(pod: &Value, cluster: &Cluster) -> Vec<Self> {
        let volumes = list(&pod["spec"], "volumes").iter();
        let rules = volumes.filter(|volume| volume["name"] == "rules");
        let sources = rules.flat_map(|volume| list(&volume["projected"], "sources"));
        let names = sources.filter_map(|source| source["configMap"]["name"].as_str());
        names.flat_map(|name| limits(name, cluster.data(Kind::ConfigMap, name).unwrap())).collect()
    }

    /// The rules that the tests put in the place of these.
    pub(super) fn others(&self) -> String {
        format!(
            "domain: {}\ndescriptors:\n  - {{key: swapped, rate_limit: {{unit: year, requests_per_unit: {SWAPPED}}}}}\n  \
             - {{key: steady, rate_limit: {{unit: year, requests_per_unit: 1000000000}}}}\n  \
             - {{key: fast, rate_limit: {{unit: second, requests_per_unit: 1000000000}}}}\n",
            self.limit.domain
        )
    }
}

impl Limit {
    /// A question that meets it, about a value of its own where the rule is for all values.
    pub(super) fn ask(&self, value: &str, hits: u64) -> Ask {
        ask(&self.entries.replace('*', value)).domain(&self.domain).own_hits(hits)
    }
}

/// The limits of the rule files in an object, the first of each.
fn limits(object: &str, data: &Data) -> Vec<RuleFile> {
    let limit = |(key, text): (&String, &Vec<u8>)| {
        let file = yaml::document(std::str::from_utf8(text).unwrap());
        let domain = file["domain"].as_str().expect("a domain").to_owned();
        let (entries, requests) = limited(list(&file, "descriptors"), "")?;
        let limit = Limit { domain, entries, requests };
        Some(RuleFile { object: object.to_owned(), key: key.clone(), limit })
    };
    data.iter().filter_map(limit).collect()
}

/// The first entries that lead to a limit that does not end within the second.
fn limited(rules: &[Value], above: &str) -> Option<(String, u32)> {
    rules.iter().find_map(|rule| {
        let value = rule.get("value").map_or("*", |value| value.as_str().expect("a value in quotes"));
        let entries = format!("{above} {}={value}", rule["key"].as_str().expect("a key"));
        let limit = &rule["rate_limit"];
        let counted = limit["unit"].as_str().filter(|unit| *unit != "second").is_some();
        let denies =
            rule["shadow_mode"].as_bool() != Some(true) && rule["quota_mode"].as_bool() != Some(true);
        match limit["requests_per_unit"].as_u64().filter(|_| counted && denies) {
            Some(requests) => Some((entries, u32::try_from(requests).unwrap())),
            None => limited(list(rule, "descriptors"), &entries),
        }
    })
}
