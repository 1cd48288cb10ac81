//! A list or mapping that is still being read.

use std::borrow::Cow;

use super::super::names::{Names, Repeated, remove_repeated};
use super::super::node::{Entry, Node, Value};
use super::super::span::Span;
use crate::config::diagnostic::quote;

/// The collection, and what is needed when it ends.
pub(super) struct Frame<'t> {
    pub(super) span: Span,
    pub(super) anchor: usize,
    /// What had been read before it.
    pub(super) total_before: usize,
    /// Levels of collections in it.
    pub(super) height: usize,
    content: Content<'t>,
}

enum Content<'t> {
    Sequence(Vec<Node<'t>>),
    Mapping { entries: Vec<Entry<'t>>, merges: Vec<Node<'t>>, name: Option<Name<'t>> },
}

/// The name whose value comes next.
enum Name<'t> {
    Field(Cow<'t, str>, Span),
    /// `<<`: the value's fields are added to the mapping.
    Merge,
    /// A fault was found in it, so that its value is dropped.
    Unusable,
}

/// Something wrong with the collection itself.
pub(super) struct Flaw {
    pub(super) span: Span,
    /// The last step of the path, where the flaw is found after its collection has ended.
    pub(super) step: String,
    pub(super) message: String,
    pub(super) help: String,
}

impl<'t> Frame<'t> {
    pub(super) fn sequence(span: Span, anchor: usize, total_before: usize) -> Self {
        Self { span, anchor, total_before, height: 0, content: Content::Sequence(Vec::new()) }
    }

    pub(super) fn mapping(span: Span, anchor: usize, total_before: usize) -> Self {
        let content = Content::Mapping { entries: Vec::new(), merges: Vec::new(), name: None };
        Self { span, anchor, total_before, height: 0, content }
    }

    /// Takes the next name, value or item.
    pub(super) fn add(&mut self, node: Node<'t>) -> Option<Flaw> {
        match &mut self.content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping { entries, merges, name } => match name.take() {
                None => {
                    let (given, flaw) = Name::from_node(node);
                    *name = Some(given);
                    return flaw;
                }
                Some(Name::Field(name, span)) => entries.push(Entry { name, span, node }),
                Some(Name::Merge) => merges.push(node),
                Some(Name::Unusable) => {}
            },
        }
        None
    }

    /// Whether this is a list that no alias can stand for.
    pub(super) fn is_plain_list(&self) -> bool {
        self.anchor == 0 && matches!(self.content, Content::Sequence(_))
    }

    /// Whether the next value is that of this name.
    pub(super) fn awaits(&self, field: &str) -> bool {
        matches!(&self.content, Content::Mapping { name: Some(Name::Field(name, _)), .. } if name == field)
    }

    /// What is being read, as a step of a path.
    pub(super) fn step(&self) -> Option<String> {
        match &self.content {
            Content::Sequence(items) => Some(format!("[{}]", items.len())),
            Content::Mapping { name: Some(Name::Field(name, _)), .. } => Some(format!(".{name}")),
            Content::Mapping { .. } => None,
        }
    }

    /// The finished collection.
    pub(super) fn finish(self) -> (Node<'t>, Vec<Flaw>) {
        let mut flaws = Vec::new();
        let value = match self.content {
            Content::Sequence(items) => Value::Sequence(items),
            Content::Mapping { mut entries, merges, .. } => {
                flaws.extend(remove_repeated(&mut entries).into_iter().map(Flaw::from));
                for node in merges {
                    merge(&mut entries, node, &mut flaws);
                }
                Value::Mapping(entries)
            }
        };
        (Node { span: self.span, value }, flaws)
    }
}

impl<'t> Name<'t> {
    fn from_node(node: Node<'t>) -> (Self, Option<Flaw>) {
        match node.value {
            Value::Scalar(scalar) if scalar.plain && scalar.text == "<<" => (Self::Merge, None),
            Value::Scalar(scalar) => (Self::Field(scalar.text, node.span), None),
            Value::Sequence(_) | Value::Mapping(_) => {
                let message = format!("a name must be text, not {}", node.description());
                let help = "write `name: value`; a template placeholder in braces needs quotes".to_owned();
                (Self::Unusable, Some(Flaw { span: node.span, step: String::new(), message, help }))
            }
        }
    }
}

impl From<Repeated> for Flaw {
    fn from(Repeated { name, span, first }: Repeated) -> Self {
        let help =
            format!("keep one of the two; the first is in line {}, column {}", first.line, first.column);
        Self {
            span,
            step: format!(".{name}"),
            message: format!("{} stands twice in one mapping", quote(&name)),
            help,
        }
    }
}

/// Adds the fields of a mapping, or of each mapping of a list, that are not there yet.
fn merge<'t>(entries: &mut Vec<Entry<'t>>, node: Node<'t>, flaws: &mut Vec<Flaw>) {
    match node.value {
        Value::Mapping(more) => add_missing(entries, more),
        Value::Sequence(nodes) if nodes.iter().all(|node| matches!(node.value, Value::Mapping(_))) => {
            nodes.into_iter().for_each(|node| merge(entries, node, flaws));
        }
        _ => flaws.push(Flaw {
            span: node.span,
            step: ".<<".to_owned(),
            message: format!("`<<` merges a mapping or a list of mappings, not {}", node.description()),
            help: "write `<<: *name`, where `&name` marks a mapping".to_owned(),
        }),
    }
}

fn add_missing<'t>(entries: &mut Vec<Entry<'t>>, more: Vec<Entry<'t>>) {
    let mut names = Names::new(entries.len() + more.len());
    for entry in entries.iter() {
        names.insert(&entry.name, entry.span);
    }
    let missing: Vec<bool> =
        more.iter().map(|entry| names.insert(&entry.name, entry.span).is_none()).collect();
    entries.extend(more.into_iter().zip(missing).filter_map(|(entry, missing)| missing.then_some(entry)));
}
