//! A mapping of settings, filled field by field from whatever layer is being read.

use super::names;
use crate::config::decode::{Decoder, Field, Optional, Path, closest, listed};
use crate::config::yaml::Node;

/// Whether a section has a setting of that name; its value may have been faulty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Yes,
    No,
}

/// Something that settings are written into.
pub(super) trait Section {
    /// Takes one setting.
    fn set(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Known;
}

/// Writes a value that was read; an empty or faulty one leaves what the layers below said.
pub(super) fn put<T>(slot: &mut T, value: Optional<T>) -> Known {
    if let Ok(Some(value)) = value {
        *slot = value;
    }
    Known::Yes
}

/// Reads the settings under a field.
pub(super) fn read_section(
    decoder: &mut Decoder<'_, '_>,
    field: &Field<'_, '_>,
    section: &mut impl Section,
) -> Known {
    read_fields(decoder, field.node, &field.path, section);
    Known::Yes
}

/// Reads the settings of a mapping.
pub(super) fn read_fields(
    decoder: &mut Decoder<'_, '_>,
    node: &Node<'_>,
    path: &Path<'_>,
    section: &mut impl Section,
) {
    let Ok(fields) = decoder.fields(node, path) else { return };
    for field in fields {
        if section.set(decoder, &field) == Known::No {
            unknown(decoder, &field, path);
        }
    }
}

fn unknown(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>, section: &Path<'_>) {
    let known = names::below(&section.to_string());
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let help = match closest(field.name, &known) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("known here: {}", listed(&known)),
    };
    decoder.unknown(field, help);
}
