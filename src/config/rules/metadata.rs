//! The free mapping under `metadata`.

use crate::config::decode::{Decoder, Field, Optional, Path, Reported};
use crate::config::yaml::{Entry, Node, Plain, Scalar, Value as Yaml};
use crate::decision::metadata::{Mapping, Value};

/// How many fields one mapping of metadata may have: all of it travels with every answer.
const MAX_FIELDS: usize = 1000;

/// How deep metadata may nest. Protobuf readers stop at a hundred messages, a level of metadata takes three of them, and an
/// answer that Envoy cannot read would let the request pass.
const MAX_DEPTH: usize = 16;

/// Reads metadata; nothing where the field is empty.
pub(super) fn read(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<Mapping> {
    match &field.node.value {
        Yaml::Mapping(entries) => mapping(decoder, field.node, entries, &field.path, 1).map(Some),
        _ if field.node.is_null() => Ok(None),
        _ => {
            let message = format!("`metadata` must be a mapping, not {}", field.node.description());
            Err(decoder.refuse(field, message, "write lines of `name: value` under it"))
        }
    }
}

fn mapping(
    decoder: &mut Decoder<'_, '_>,
    node: &Node<'_>,
    entries: &[Entry<'_>],
    path: &Path<'_>,
    depth: usize,
) -> Result<Mapping, Reported> {
    if entries.len() > MAX_FIELDS {
        let message = format!("a mapping of metadata with {} fields", entries.len());
        return Err(decoder.report(node.span, path, message, format!("at most {MAX_FIELDS} are taken")));
    }
    let mut mapping = Mapping::new();
    for entry in entries {
        let path = Path::Field(path, &entry.name);
        mapping.insert(entry.name.as_ref(), value(decoder, &entry.node, &path, depth)?);
    }
    Ok(mapping)
}

/// Reads a value that stands in the mapping or list number `depth`, counted from the outside.
fn value(
    decoder: &mut Decoder<'_, '_>,
    node: &Node<'_>,
    path: &Path<'_>,
    depth: usize,
) -> Result<Value, Reported> {
    let nests = !matches!(node.value, Yaml::Scalar(_));
    if nests && depth == MAX_DEPTH {
        let help = format!("at most {MAX_DEPTH} mappings and lists may stand inside each other");
        return Err(decoder.report(node.span, path, "metadata that nests too deep", help));
    }
    match &node.value {
        Yaml::Scalar(found) => scalar(found).ok_or_else(|| {
            let help = "write a finite number, or put the text in quotes";
            decoder.report(node.span, path, "a number in metadata that JSON does not have", help)
        }),
        Yaml::Mapping(entries) => mapping(decoder, node, entries, path, depth + 1).map(Value::Mapping),
        Yaml::Sequence(items) => {
            let items = items.iter().enumerate();
            items
                .map(|(index, item)| value(decoder, item, &Path::Item(path, index), depth + 1))
                .collect::<Result<_, _>>()
                .map(Value::List)
        }
    }
}

/// Nothing for infinities and what is not a number.
fn scalar(scalar: &Scalar<'_>) -> Option<Value> {
    Some(match scalar.resolve() {
        Plain::Null => Value::Null,
        Plain::Bool(truth) => Value::Bool(truth),
        Plain::Integer(number) => Value::Number(approximate(number)),
        Plain::Float(number) if number.is_finite() => Value::Number(number),
        Plain::Float(_) => return None,
        Plain::Text => Value::String(scalar.text.clone().into_owned()),
    })
}

#[expect(clippy::cast_precision_loss, reason = "metadata's numbers are doubles, as in JSON")]
fn approximate(number: i128) -> f64 {
    number as f64
}
