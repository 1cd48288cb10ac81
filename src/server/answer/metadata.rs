//! The answer's dynamic metadata: what was asked, the metadata of the rules that let it pass, and which rules decided.

use ratekeeper_proto::prost_types::value::Kind;
use ratekeeper_proto::prost_types::{ListValue, Struct, Value as WireValue};
use ratekeeper_proto::rate_limit_descriptor::{Entry, RateLimitOverride};
use ratekeeper_proto::{RateLimitDescriptor, RateLimitRequest, RateLimitUnit};

use crate::decision::metadata::{Mapping, Value};
use crate::decision::verdict::{Outcome, Status, Verdict};

/// Names and values.
pub(super) type Fields<'n> = Vec<(&'n str, WireValue)>;

/// `domain`, `descriptors`, `hitsAddend` where it was sent, and the merged `metadata` of the rules that contribute, the first
/// value winning.
pub(super) fn asked(verdict: &Verdict<'_>, request: &RateLimitRequest) -> Fields<'static> {
    let descriptors = request.descriptors.iter().map(write_descriptor).collect();
    let mut fields = vec![("domain", text(request.domain.clone())), ("descriptors", list(descriptors))];
    if request.hits_addend != 0 {
        fields.push(("hitsAddend", number(f64::from(request.hits_addend))));
    }
    let mut merged = Mapping::new();
    let contributing = verdict.statuses.iter().filter(|status| contributes(status));
    for metadata in contributing.filter_map(|status| status.rule?.metadata.as_ref()) {
        merged.merge(metadata);
    }
    if !merged.is_empty() {
        fields.push(("metadata", mapping(&merged)));
    }
    fields
}

/// Under one name of our own, so that none of those above, of which there may be more one day, means two things: `denied_by`, the path
/// of the first rule that is over where the request is denied, and `rules`, one for each descriptor in order.
pub(super) fn decided(verdict: &Verdict<'_>) -> Fields<'static> {
    let mut fields = Fields::new();
    let over = || verdict.statuses.iter().filter(|status| status.is_over()).find_map(|status| status.rule);
    if let Some(rule) = verdict.denied.then(over).flatten() {
        fields.push(("denied_by", text(rule.path.to_string())));
    }
    fields.push(("rules", list(verdict.statuses.iter().map(write_rule).collect())));
    vec![("ratekeeper", WireValue { kind: Some(Kind::StructValue(structure(fields))) })]
}

fn write_rule(status: &Status<'_>) -> WireValue {
    let by = status.limited.map_or("rules", |limited| limited.source.name());
    let mut fields = vec![("outcome", text(status.outcome.name().into())), ("decided_by", text(by.into()))];
    if let Some(rule) = status.rule {
        fields.push(("rule", text(rule.path.to_string())));
        fields.push(("location", text(rule.location.file_and_line())));
        fields.extend(status.name().map(|name| ("name", text(name.to_owned()))));
    }
    WireValue { kind: Some(Kind::StructValue(structure(fields))) }
}

/// Neither a rule that is over its limit nor one that another replaces: that one has no part in the answer.
fn contributes(status: &Status<'_>) -> bool {
    !status.is_over() && status.outcome != Outcome::Replaced
}

fn write_descriptor(descriptor: &RateLimitDescriptor) -> WireValue {
    let entries = descriptor.entries.iter().map(|entry| text(write_entry(entry))).collect();
    let mut fields = vec![("entries", list(entries))];
    if let Some(limit) = &descriptor.limit {
        fields.push(("limit", text(write_override(*limit))));
    }
    if let Some(hits) = descriptor.hits_addend {
        #[expect(clippy::cast_precision_loss, reason = "a Struct's numbers are doubles")]
        fields.push(("hitsAddend", number(hits as f64)));
    }
    WireValue { kind: Some(Kind::StructValue(structure(fields))) }
}

fn write_entry(entry: &Entry) -> String {
    let mut text = escape(&entry.key);
    text.push('=');
    text.push_str(&escape(&entry.value));
    text
}

fn write_override(limit: RateLimitOverride) -> String {
    let unit = RateLimitUnit::try_from(limit.unit).unwrap_or_default();
    format!("requests_per_unit:{} unit:{}", limit.requests_per_unit, unit.as_str_name())
}

/// The bytes as text; those that are not UTF-8 as `\xFF`, because a protobuf string cannot hold them and an answer that
/// fails would let the request pass.
fn escape(bytes: &[u8]) -> String {
    let chunk = |chunk: std::str::Utf8Chunk<'_>| {
        let invalid: String = chunk.invalid().iter().map(|byte| format!("\\x{byte:02X}")).collect();
        format!("{}{invalid}", chunk.valid())
    };
    bytes.utf8_chunks().map(chunk).collect()
}

fn write_value(value: &Value) -> WireValue {
    match value {
        Value::Null => WireValue { kind: Some(Kind::NullValue(0)) },
        Value::Bool(value) => WireValue { kind: Some(Kind::BoolValue(*value)) },
        Value::Number(value) => number(*value),
        Value::String(value) => text(value.clone()),
        Value::List(values) => list(values.iter().map(write_value).collect()),
        Value::Mapping(values) => mapping(values),
    }
}

fn mapping(values: &Mapping) -> WireValue {
    let fields = values.iter().map(|(name, value)| (name, write_value(value))).collect();
    WireValue { kind: Some(Kind::StructValue(structure(fields))) }
}

pub(super) fn structure(fields: Fields<'_>) -> Struct {
    Struct { fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
}

fn list(values: Vec<WireValue>) -> WireValue {
    WireValue { kind: Some(Kind::ListValue(ListValue { values })) }
}

fn text(value: String) -> WireValue {
    WireValue { kind: Some(Kind::StringValue(value)) }
}

fn number(value: f64) -> WireValue {
    WireValue { kind: Some(Kind::NumberValue(value)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_escaped() {
        assert_eq!(escape("plain ü".as_bytes()), "plain ü");
        assert_eq!(escape(b"a\xff\xfeb"), "a\\xFF\\xFEb");
    }
}
