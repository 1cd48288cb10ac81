//! Several limits on one rule: `rate_limits`, a list of what stands under `rate_limit`, and `limits`, the same in short text.

use super::{Place, own_names, refuse_unlimited, short};
use crate::config::decode::{Decoder, Field, Path, Reported};
use crate::config::yaml::{Node, Span, Value};
use crate::decision::algorithm::Algorithm;
use crate::decision::period::Period;
use crate::decision::rules::MOST_LIMITS;
use crate::decision::rules::spec::{LimitSpec, QuotaSpec};

/// The limits of a rule, and where each stands.
struct List<'p> {
    path: &'p Path<'p>,
    limits: Vec<LimitSpec>,
    spans: Vec<Span>,
    result: Result<(), Reported>,
}

/// Reads `rate_limits`.
pub(in crate::config::rules) fn read(
    decoder: &mut Decoder<'_, '_>,
    field: &Field<'_, '_>,
) -> Result<Vec<LimitSpec>, Reported> {
    if let Value::Mapping(_) = field.node.value {
        let help = "put `- ` before each limit; or did you mean `rate_limit`, which has one?";
        return Err(decoder.refuse(field, "`rate_limits` must be a list, not a mapping", help));
    }
    let items = decoder.items(field)?;
    let names = own_names(items);
    read_items(decoder, field, items, |decoder, node, path| {
        if let (Value::Scalar(scalar), false) = (&node.value, node.is_null()) {
            let message = format!("each item of `rate_limits` must be a mapping, not {}", scalar.quoted());
            let help =
                "write `{requests_per_unit: 10, unit: second}`; text such as `10/s` belongs under `limits`";
            return Err(decoder.report(node.span, path, message, help));
        }
        let (what, span) = ("an item of `rate_limits`", node.span);
        let place = Place { what, in_list: true, span, node, path: *path };
        let limit = super::one(decoder, &place, &names)?;
        match limit.quota {
            QuotaSpec::Counted(_) => Ok(limit),
            QuotaSpec::Unlimited => Err(refuse_unlimited(decoder, node.span, path)),
        }
    })
}

/// Reads `limits`: one text, or a list of them.
pub(in crate::config::rules) fn read_short(
    decoder: &mut Decoder<'_, '_>,
    field: &Field<'_, '_>,
) -> Result<Vec<LimitSpec>, Reported> {
    let read =
        |decoder: &mut Decoder<'_, '_>, node: &Node<'_>, path: &Path<'_>| short::read(decoder, node, path);
    match &field.node.value {
        Value::Scalar(_) if !field.node.is_null() => {
            read(decoder, field.node, &field.path).map(|limit| vec![limit])
        }
        Value::Mapping(_) => {
            let help = "write `limits: [10/s, 500/h]`; what has fields belongs under `rate_limits`";
            Err(decoder.refuse(field, "`limits` must be text or a list of texts, not a mapping", help))
        }
        Value::Scalar(_) | Value::Sequence(_) => {
            let items = decoder.items(field)?;
            read_items(decoder, field, items, read)
        }
    }
}

fn read_items<'a, 't>(
    decoder: &mut Decoder<'_, '_>,
    field: &Field<'a, 't>,
    items: &'a [Node<'t>],
    mut read: impl FnMut(&mut Decoder<'_, '_>, &'a Node<'t>, &Path<'_>) -> Result<LimitSpec, Reported>,
) -> Result<Vec<LimitSpec>, Reported> {
    if items.is_empty() {
        let help = "write the limits in it, or leave the field out";
        return Err(decoder.refuse(field, format!("`{}` is empty", field.name), help));
    }
    if items.len() > MOST_LIMITS {
        let message = format!("{} limits on one rule", items.len());
        let help =
            format!("each is one more counter for every request; a rule has {MOST_LIMITS} at the most");
        return Err(decoder.refuse(field, message, help));
    }
    let mut list = List { path: &field.path, limits: Vec::new(), spans: Vec::new(), result: Ok(()) };
    for (index, node) in items.iter().enumerate() {
        match read(decoder, node, &Path::Item(&field.path, index)) {
            Ok(limit) => list.add(decoder, limit, node.span, index),
            Err(reported) => list.result = Err(reported),
        }
    }
    list.result.map(|()| list.limits)
}

impl List<'_> {
    /// Adds a limit. Two of the same algorithm in the same window would have one counter.
    fn add(&mut self, decoder: &mut Decoder<'_, '_>, limit: LimitSpec, span: Span, index: usize) {
        let same = self.limits.iter().position(|one| kind(one) == kind(&limit));
        if let (Some(earlier), Some((algorithm, period))) = (same, kind(&limit)) {
            let Span { line, column, .. } = self.spans[earlier];
            let both = match algorithm {
                Algorithm::FixedWindow => String::new(),
                _ => format!(", both held by `{}`", algorithm.name()),
            };
            let remedy = remedy(algorithm, self.limits[earlier].cost == limit.cost);
            let message = format!("two limits for windows of the same length, `{period}`{both}");
            let help = format!("{remedy}; the first is in line {line}, column {column}");
            self.result = Err(decoder.report(span, &Path::Item(self.path, index), message, help));
        }
        self.limits.push(limit);
        self.spans.push(span);
    }
}

/// What to do with two limits that would have one counter. Of most the smaller one decides, where a request costs the same in both.
fn remedy(algorithm: Algorithm, costs_the_same: bool) -> &'static str {
    match algorithm {
        Algorithm::TokenBucket => {
            "they would have one counter; keep one of them, or give them windows of different lengths (6 per minute are as fast as 1 per 10s)"
        }
        _ if costs_the_same => "keep the smaller one, which decides",
        _ => {
            "they would have one counter, and a request does not cost the same in both; keep one of them, or give them windows of different lengths"
        }
    }
}

/// What tells a limit's counters from those of others on the same rule.
fn kind(limit: &LimitSpec) -> Option<(Algorithm, Period)> {
    match limit.quota {
        QuotaSpec::Counted(limit) => Some((limit.algorithm, limit.period)),
        QuotaSpec::Unlimited => None,
    }
}
