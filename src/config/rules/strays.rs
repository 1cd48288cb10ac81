//! Limits that stand too far left: as items of `descriptors`, directly behind the empty `rate_limits` or `limits` that they belong to.
//!
//! Taken as they stand, each would have faults of its own, and none of these would name the mistake.

use crate::config::decode::{Decoder, Path};
use crate::config::yaml::{Entry, Node, Span, Value};

/// The fields by which a mapping is known to be a limit and no descriptor.
const OF_LIMITS: [&str; 4] = ["unit", "per", "requests_per_unit", "algorithm"];

/// The items of a list of descriptors with such limits put where they belong, each list of them reported once; nothing where none strayed.
pub(super) fn put_right<'t>(
    decoder: &mut Decoder<'_, '_>,
    path: &Path<'_>,
    items: &[Node<'t>],
) -> Option<Vec<Node<'t>>> {
    let has_strayed = |pair: &[Node<'t>]| waiting(&pair[0]).is_some_and(|field| is_item(field, &pair[1]));
    if !items.windows(2).any(has_strayed) {
        return None;
    }
    let (mut right, mut rest) = (Vec::with_capacity(items.len()), items);
    while let Some((item, behind)) = rest.split_first() {
        let first_behind = items.len() - behind.len();
        let field = waiting(item);
        let strays =
            behind.iter().take_while(|stray| field.is_some_and(|field| is_item(field, stray))).count();
        let (strays, behind) = behind.split_at(strays);
        let mut item = item.clone();
        if let (Some(field), [first, ..]) = (field, strays) {
            report(decoder, &Path::Item(path, first_behind), field, strays, first.span);
            take_in(&mut item, strays);
        }
        right.push(item);
        rest = behind;
    }
    Some(right)
}

/// The last field of a descriptor, or of the last one in it, where that is a list of limits and empty.
fn waiting<'n, 't>(descriptor: &'n Node<'t>) -> Option<&'n Entry<'t>> {
    let Value::Mapping(fields) = &descriptor.value else { return None };
    let last = fields.last()?;
    match (&*last.name, &last.node.value) {
        ("rate_limits" | "limits", _) if last.node.is_null() => Some(last),
        ("descriptors", Value::Sequence(items)) => waiting(items.last()?),
        _ => None,
    }
}

/// Whether a node is what this list has in it.
fn is_item(field: &Entry<'_>, node: &Node<'_>) -> bool {
    match &node.value {
        Value::Mapping(fields) => {
            let has = |name: &str| fields.iter().any(|field| field.name == name);
            field.name == "rate_limits" && !has("key") && OF_LIMITS.into_iter().any(has)
        }
        Value::Scalar(scalar) => field.name == "limits" && scalar.text.contains('/'),
        Value::Sequence(_) => false,
    }
}

fn report(
    decoder: &mut Decoder<'_, '_>,
    path: &Path<'_>,
    field: &Entry<'_>,
    strays: &[Node<'_>],
    first: Span,
) {
    let last = strays.iter().map(last_line).max().unwrap_or(first.line);
    let lines = match last == first.line {
        true => format!("line {last}"),
        false => format!("lines {} to {last}", first.line),
    };
    let (name, line) = (&field.name, field.span.line);
    let message = format!("an item of `{name}` stands too far left");
    let help = format!("indent {lines}, at least as far as `{name}` in line {line}");
    decoder.report(first, path, message, help);
}

/// The line in which the last part of a value begins.
fn last_line(node: &Node<'_>) -> u32 {
    let inner = match &node.value {
        Value::Scalar(_) => None,
        Value::Sequence(items) => items.iter().map(last_line).max(),
        Value::Mapping(fields) => {
            fields.iter().map(|field| field.span.line.max(last_line(&field.node))).max()
        }
    };
    inner.unwrap_or(0).max(node.span.line)
}

/// Puts the limits into the list that waits for them.
fn take_in<'t>(descriptor: &mut Node<'t>, strays: &[Node<'t>]) {
    let Value::Mapping(fields) = &mut descriptor.value else { return };
    let Some(last) = fields.last_mut() else { return };
    match &mut last.node.value {
        Value::Sequence(items) => {
            items.iter_mut().next_back().into_iter().for_each(|item| take_in(item, strays));
        }
        value => *value = Value::Sequence(strays.to_vec()),
    }
}
