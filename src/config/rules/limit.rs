//! What stands under `rate_limit`, and in each item of `rate_limits`.

mod held;
mod short;
mod window;

pub(super) mod list;

use std::num::NonZeroU32;

use held::Held;
use window::Window;

use super::fields::Level;
use crate::config::decode::{Decoder, Field, Optional, Path, Reported};
use crate::config::diagnostic::quote;
use crate::config::yaml::{Node, Span, Value};
use crate::decision::algorithm::Algorithm;
use crate::decision::cost::Cost;
use crate::decision::limit::Limit;
use crate::decision::rules::spec::{LimitSpec, QuotaSpec};

/// The fields that mean nothing for an unlimited rule.
const COUNTED: [&str; 9] = [
    "unit",
    "unit_multiplier",
    "per",
    "requests_per_unit",
    "algorithm",
    "burst",
    "overdraft",
    "hits_multiplier",
    "max_hits",
];

/// What was read, and the fields that may contradict each other.
struct Draft<'a, 't> {
    window: Window<'a, 't>,
    held: Held<'a, 't>,
    requests_per_unit: Optional<u32>,
    unlimited: Optional<bool>,
    name: Optional<String>,
    multiplier: Optional<NonZeroU32>,
    most: Optional<NonZeroU32>,
    /// The fields that mean nothing for an unlimited rule.
    counted: Vec<Field<'a, 't>>,
    replaces: Option<Field<'a, 't>>,
}

/// Reads `rate_limit`. An empty one is refused: whoever writes `rate_limit:` wants a limit, and nothing would be limited.
pub(super) fn read(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<LimitSpec> {
    if field.node.is_null() {
        let help =
            "write `unit` and `requests_per_unit` or `unlimited: true` under it, or leave the field out";
        return Err(decoder.refuse(field, "`rate_limit` is empty", help));
    }
    if let Some(help) = meant_by(field.node) {
        let message = format!("`rate_limit` must be a mapping, not {}", field.node.description());
        return Err(decoder.refuse(field, message, help));
    }
    let (span, node, path) = (field.span, field.node, field.path);
    let place = Place { what: "`rate_limit`", in_list: false, span, node, path };
    one(decoder, &place, &own_names(std::slice::from_ref(field.node))).map(Some)
}

/// What to write instead of a `rate_limit` that is none.
fn meant_by(node: &Node<'_>) -> Option<&'static str> {
    match &node.value {
        Value::Sequence(_) => Some("did you mean `rate_limits`? a list of limits stands there"),
        Value::Scalar(scalar) if scalar.text.contains('/') => {
            Some("did you mean `limits`? text such as `10/s` stands there")
        }
        Value::Scalar(_) | Value::Mapping(_) => None,
    }
}

/// Where a limit stands.
struct Place<'a, 't> {
    /// As messages name it.
    what: &'static str,
    /// Whether it is one of several.
    in_list: bool,
    /// The place to point at where something is missing.
    span: Span,
    node: &'a Node<'t>,
    path: Path<'a>,
}

/// The names that the limits of a rule have, so that none of them replaces its own rule.
fn own_names<'n>(limits: &'n [Node<'_>]) -> Vec<&'n str> {
    let fields = limits.iter().filter_map(|limit| match &limit.value {
        Value::Mapping(fields) => Some(fields),
        Value::Scalar(_) | Value::Sequence(_) => None,
    });
    let names = fields.flatten().filter(|field| field.name == "name");
    let texts = names.filter_map(|field| match &field.node.value {
        Value::Scalar(scalar) => Some(&*scalar.text),
        Value::Sequence(_) | Value::Mapping(_) => None,
    });
    texts.collect()
}

/// Reads one limit of a rule whose limits have these names.
fn one(decoder: &mut Decoder<'_, '_>, place: &Place<'_, '_>, names: &[&str]) -> Result<LimitSpec, Reported> {
    let draft = draft(decoder, place.node, &place.path)?;
    let name = draft.name.clone().map(|name| name.filter(|name| !name.is_empty()));
    let replaces = match &draft.replaces {
        Some(list) => replaces(decoder, list, names),
        None => Ok(Vec::new()),
    };
    let quota = if draft.unlimited?.unwrap_or(false) {
        unlimited(decoder, &draft.counted)
    } else {
        counted(decoder, place, &draft)
    };
    let cost = draft.cost();
    Ok(LimitSpec { quota: quota?, name: name?, replaces: replaces?, cost: cost? })
}

impl Draft<'_, '_> {
    /// What counts for the hits of a request.
    fn cost(&self) -> Result<Cost, Reported> {
        Ok(Cost {
            multiplier: self.multiplier?.unwrap_or(Cost::PLAIN.multiplier),
            most: self.most?.unwrap_or(Cost::PLAIN.most),
        })
    }
}

fn draft<'a, 't>(
    decoder: &mut Decoder<'_, '_>,
    node: &'a Node<'t>,
    path: &'a Path<'a>,
) -> Result<Draft<'a, 't>, Reported> {
    let mut draft = Draft {
        window: Window::new(),
        held: Held::new(),
        requests_per_unit: Ok(None),
        unlimited: Ok(None),
        name: Ok(None),
        multiplier: Ok(None),
        most: Ok(None),
        counted: Vec::new(),
        replaces: None,
    };
    for field in decoder.fields(node, path)? {
        match field.name {
            "unit" | "unit_multiplier" | "per" => _ = draft.window.read(decoder, &field),
            "algorithm" | "burst" | "overdraft" => _ = draft.held.read(decoder, &field),
            "requests_per_unit" => draft.requests_per_unit = decoder.whole(&field, 0..=u32::MAX),
            "unlimited" => draft.unlimited = decoder.truth(&field),
            "hits_multiplier" => draft.multiplier = positive(decoder, &field),
            "max_hits" => draft.most = positive(decoder, &field),
            "name" => draft.name = decoder.text(&field),
            "replaces" => draft.replaces = Some(field),
            _ => match Level::Limit.refuse(decoder, &field) {
                Some("requests_per_unit") => draft.requests_per_unit = Err(Reported),
                Some("unlimited") => draft.unlimited = Err(Reported),
                Some(meant) => {
                    draft.window.note_refused(meant);
                    draft.held.note_refused(meant);
                }
                None => {}
            },
        }
        if COUNTED.contains(&field.name) && !field.node.is_null() {
            draft.counted.push(field);
        }
    }
    Ok(draft)
}

/// A number that is not nothing.
fn positive(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<NonZeroU32> {
    Ok(decoder.whole(field, 1..=u32::MAX)?.and_then(NonZeroU32::new))
}

fn unlimited(decoder: &mut Decoder<'_, '_>, counted: &[Field<'_, '_>]) -> Result<QuotaSpec, Reported> {
    let mut result = Ok(QuotaSpec::Unlimited);
    for field in counted {
        let message = format!("`{}` beside `unlimited: true`", field.name);
        result = Err(decoder.report(
            field.span,
            &field.path,
            message,
            "an unlimited rule counts nothing; leave one of the two out",
        ));
    }
    result
}

/// Reports an unlimited one of several limits.
fn refuse_unlimited(decoder: &mut Decoder<'_, '_>, span: Span, path: &Path<'_>) -> Reported {
    let help =
        "an unlimited rule counts nothing; write `rate_limit: {unlimited: true}` alone, or leave it out";
    decoder.report(span, path, "`unlimited` in a list of limits", help)
}

fn counted(
    decoder: &mut Decoder<'_, '_>,
    place: &Place<'_, '_>,
    draft: &Draft<'_, '_>,
) -> Result<QuotaSpec, Reported> {
    let Place { what, span, path, .. } = place;
    let period = draft.window.length(decoder, place);
    let requests_per_unit = draft.requests_per_unit.and_then(|requests| {
        requests.ok_or_else(|| {
            let help = match place.in_list {
                // There is no `unlimited` beside other limits.
                true => "write `requests_per_unit: 10`; 0 denies everything",
                false => "write `requests_per_unit: 10`; 0 denies everything, `unlimited: true` nothing",
            };
            decoder.report(*span, path, format!("{what} without `requests_per_unit`"), help)
        })
    });
    let number = draft.counted.iter().find(|field| field.name == "requests_per_unit");
    let limit = draft.held.limit(decoder, number, Limit::new(requests_per_unit?, period?))?;
    refuse_what_never_passes(decoder, draft, limit)?;
    Ok(QuotaSpec::Counted(limit))
}

/// Refuses a limit that a request of one hit is too large for. One with an overdraft takes it all the same, and 0 lets nothing pass anyway.
fn refuse_what_never_passes(
    decoder: &mut Decoder<'_, '_>,
    draft: &Draft<'_, '_>,
    limit: Limit,
) -> Result<(), Reported> {
    let cost = draft.cost()?;
    let cost = cost.multiplier.min(cost.most).get();
    let field = draft.counted.iter().find(|field| field.name == "hits_multiplier");
    let Some(field) = field.filter(|_| limit.burst > 0 && cost > limit.burst && !limit.overdraft) else {
        return Ok(());
    };
    let (capacity, name) = (limit.burst, limit.algorithm.name());
    let larger = match limit.algorithm {
        Algorithm::LeakyBucket => format!("take `algorithm: token_bucket` with a `burst` of {cost} at least"),
        Algorithm::TokenBucket => format!("write a `burst` of {cost} at least"),
        _ => format!("write `requests_per_unit: {cost}` at least"),
    };
    let message =
        format!("a request of one hit counts as {cost}, and a `{name}` of {capacity} never lets that pass");
    Err(decoder.refuse(field, message, format!("{larger}, or `max_hits: {capacity}` at the most")))
}

fn replaces(
    decoder: &mut Decoder<'_, '_>,
    list: &Field<'_, '_>,
    own_names: &[&str],
) -> Result<Vec<String>, Reported> {
    let mut result = Ok(Vec::new());
    for (index, node) in decoder.items(list)?.iter().enumerate() {
        let replaced = replaced(decoder, node, &Path::Item(&list.path, index), own_names);
        result = match (result, replaced) {
            (Ok(mut names), Ok(name)) => {
                names.push(name);
                Ok(names)
            }
            _ => Err(Reported),
        };
    }
    result
}

fn replaced(
    decoder: &mut Decoder<'_, '_>,
    node: &Node<'_>,
    path: &Path<'_>,
    own_names: &[&str],
) -> Result<String, Reported> {
    if let Value::Scalar(scalar) = &node.value {
        let help = "write `- name: x`, the `rate_limit.name` of another rule";
        return Err(decoder.report(node.span, path, format!("{} names no rule", scalar.quoted()), help));
    }
    let mut name = Ok(None);
    let mut span = node.span;
    for field in decoder.fields(node, path)? {
        match field.name {
            "name" => {
                name = decoder.text(&field);
                span = if field.node.is_null() { field.span } else { field.node.span };
            }
            _ => {
                if Level::Replaced.refuse(decoder, &field) == Some("name") {
                    name = Err(Reported);
                }
            }
        }
    }
    match name?.filter(|name| !name.is_empty()) {
        None => Err(decoder.report(
            span,
            path,
            "`replaces` without a name",
            "write `- name: x`, the `rate_limit.name` of another rule",
        )),
        Some(name) if own_names.contains(&name.as_str()) => Err(decoder.report(
            span,
            path,
            format!("a rule cannot replace itself, {}", quote(&name)),
            "name another rule, or leave it out",
        )),
        Some(name) => Ok(name),
    }
}
