//! Rules as text again, in the plainest form there is: brackets, quotes, no anchors, every sign but letters escaped.

use std::fmt::Write as _;
use std::num::NonZeroU32;

use ratekeeper::decision::algorithm::Algorithm;
use ratekeeper::decision::cost::Cost;
use ratekeeper::decision::limit::Limit;
use ratekeeper::decision::metadata::{Mapping, Value};
use ratekeeper::decision::rules::spec::{DescriptorSpec, DomainSpec, LimitSpec, QuotaSpec};

/// A rule file of one domain.
pub(super) fn file(domain: &DomainSpec) -> String {
    fields([
        ("domain", Some(text(&domain.name))),
        ("descriptors", Some(list(domain.descriptors.iter().map(descriptor)))),
    ])
}

fn descriptor(spec: &DescriptorSpec) -> String {
    let flag = |set: bool| set.then(|| "true".to_owned());
    fields([
        ("key", Some(text(&spec.key))),
        ("value", spec.value.as_deref().map(text)),
        ("rate_limit", spec.limit.as_ref().filter(|_| spec.further_limits.is_empty()).map(limit)),
        ("rate_limits", (!spec.further_limits.is_empty()).then(|| list(spec.limits().map(limit)))),
        ("shadow_mode", flag(spec.shadow_mode)),
        ("quota_mode", flag(spec.quota_mode)),
        ("detailed_metric", flag(spec.detailed_metric)),
        ("value_to_metric", flag(spec.value_to_metric)),
        ("share_threshold", flag(spec.share_threshold)),
        ("on_store_failure", spec.on_store_failure.map(|choice| text(choice.name()))),
        ("metadata", spec.metadata.as_ref().map(mapping)),
        ("descriptors", Some(list(spec.descriptors.iter().map(descriptor)))),
    ])
}

fn limit(limit: &LimitSpec) -> String {
    let counted = match limit.quota {
        QuotaSpec::Unlimited => None,
        QuotaSpec::Counted(limit) => Some(limit),
    };
    // The others have none of their own, and neither has a bucket that lets nothing pass.
    let has_burst = |limit: &Limit| limit.algorithm == Algorithm::TokenBucket && limit.requests_per_unit > 0;
    let Cost { multiplier, most } = limit.cost;
    let unless_plain = |number: NonZeroU32, plain: NonZeroU32| (number != plain).then(|| number.to_string());
    let replaces = limit.replaces.iter().map(|name| fields([("name", Some(text(name)))]));
    fields([
        ("unlimited", counted.is_none().then(|| "true".to_owned())),
        ("per", counted.map(|limit| text(&limit.period.to_string()))),
        ("requests_per_unit", counted.map(|limit| limit.requests_per_unit.to_string())),
        ("algorithm", counted.map(|limit| text(limit.algorithm.name()))),
        ("burst", counted.filter(has_burst).map(|limit| limit.burst.to_string())),
        ("overdraft", counted.filter(|limit| limit.overdraft).map(|_| "true".to_owned())),
        ("hits_multiplier", unless_plain(multiplier, Cost::PLAIN.multiplier)),
        ("max_hits", unless_plain(most, Cost::PLAIN.most)),
        ("name", limit.name.as_deref().map(text)),
        ("replaces", Some(list(replaces))),
    ])
}

fn value(found: &Value) -> String {
    match found {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => format!("{number:?}"),
        Value::String(found) => text(found),
        Value::List(items) => list(items.iter().map(value)),
        Value::Mapping(found) => mapping(found),
    }
}

fn mapping(mapping: &Mapping) -> String {
    let entries = mapping.iter().map(|(name, found)| format!("{}: {}", text(name), value(found)));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn fields<const N: usize>(fields: [(&str, Option<String>); N]) -> String {
    let present = fields.into_iter().filter_map(|(name, value)| Some(format!("{name}: {}", value?)));
    format!("{{{}}}", present.collect::<Vec<_>>().join(", "))
}

fn text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            quoted.push(c);
        } else {
            // Writing to a string cannot fail.
            let _ = write!(quoted, "\\U{:08X}", u32::from(c));
        }
    }
    quoted + "\""
}
