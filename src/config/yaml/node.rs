//! One value of a YAML file.

use std::borrow::Cow;

use super::scalar::{Plain, resolve};
use super::span::Span;
use crate::config::diagnostic::quote;

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Node<'t> {
    pub(crate) span: Span,
    pub(crate) value: Value<'t>,
}

/// What a node holds.
#[derive(Debug, Clone)]
pub(crate) enum Value<'t> {
    Scalar(Scalar<'t>),
    Sequence(Vec<Node<'t>>),
    /// In the order of the file; a name stands once.
    Mapping(Vec<Entry<'t>>),
}

/// Text, and whether it stood without quotes: only then may it mean a number, a truth value or nothing.
#[derive(Debug, Clone)]
pub(crate) struct Scalar<'t> {
    pub(crate) text: Cow<'t, str>,
    pub(crate) plain: bool,
}

/// One name and value of a mapping.
#[derive(Debug, Clone)]
pub(crate) struct Entry<'t> {
    pub(crate) name: Cow<'t, str>,
    /// Where the name stands.
    pub(crate) span: Span,
    pub(crate) node: Node<'t>,
}

impl<'t> Node<'t> {
    /// Whether nothing is written here, or `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.resolve() == Plain::Null)
    }

    /// The value of this name, where this is a mapping that has it.
    pub(crate) fn find(&self, name: &str) -> Option<&Self> {
        let Value::Mapping(entries) = &self.value else { return None };
        entries.iter().find(|entry| entry.name == name).map(|entry| &entry.node)
    }

    /// What this is, for "must be text, not …".
    pub(crate) fn description(&self) -> &'static str {
        match &self.value {
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
            Value::Scalar(scalar) => scalar.description(),
        }
    }
}

impl Scalar<'_> {
    /// What the text means; quoted text means itself.
    pub(crate) fn resolve(&self) -> Plain {
        if self.plain { resolve(&self.text) } else { Plain::Text }
    }

    /// The text as messages repeat it.
    pub(crate) fn quoted(&self) -> String {
        if self.plain { quote(&self.text) } else { format!("the text {}", quote(&self.text)) }
    }

    fn description(&self) -> &'static str {
        match self.resolve() {
            Plain::Null => "nothing",
            Plain::Bool(_) => "a truth value",
            Plain::Integer(_) | Plain::Float(_) => "a number",
            Plain::Text if self.plain => "text",
            Plain::Text => "text in quotes",
        }
    }
}
