//! The free mapping under `metadata`.

use crate::config::decode::{Decoder, Field, Optional, Path, Reported};
use crate::config::yaml::{Entry, Node, Plain, Scalar, Value as Yaml};
use crate::decision::metadata::{Mapping, Value};

/// How many fields one mapping of metadata may have: all of it travels with every answer.
const MAX_FIELDS: usize = 1000;

/// Reads metadata; nothing where the field is empty.
pub(super) fn read(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<Mapping> {
    match &field.node.value {
        Yaml::Mapping(entries) => mapping(decoder, field.node, entries, &field.path).map(Some),
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
) -> Result<Mapping, Reported> {
    if entries.len() > MAX_FIELDS {
        let message = format!("a mapping of metadata with {} fields", entries.len());
        return Err(decoder.report(node.span, path, message, format!("at most {MAX_FIELDS} are taken")));
    }
    let mut mapping = Mapping::new();
    for entry in entries {
        let path = Path::Field(path, &entry.name);
        mapping.insert(entry.name.as_ref(), value(decoder, &entry.node, &path)?);
    }
    Ok(mapping)
}

/// Recursion ends because the reader of the tree bounds its depth.
fn value(decoder: &mut Decoder<'_, '_>, node: &Node<'_>, path: &Path<'_>) -> Result<Value, Reported> {
    match &node.value {
        Yaml::Scalar(found) => Ok(scalar(found)),
        Yaml::Mapping(entries) => mapping(decoder, node, entries, path).map(Value::Mapping),
        Yaml::Sequence(items) => {
            let items = items.iter().enumerate();
            items
                .map(|(index, item)| value(decoder, item, &Path::Item(path, index)))
                .collect::<Result<_, _>>()
                .map(Value::List)
        }
    }
}

fn scalar(scalar: &Scalar<'_>) -> Value {
    match scalar.resolve() {
        Plain::Null => Value::Null,
        Plain::Bool(truth) => Value::Bool(truth),
        Plain::Integer(number) => Value::Number(approximate(number)),
        Plain::Float(number) => Value::Number(number),
        Plain::Text => Value::String(scalar.text.clone().into_owned()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "metadata's numbers are doubles, as in JSON")]
fn approximate(number: i128) -> f64 {
    number as f64
}
