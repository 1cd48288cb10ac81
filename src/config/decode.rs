//! From nodes to typed values, reporting what does not fit and going on.
//!
//! A [`Decoder`] knows where the tree came from; its methods take a [`Field`] and give its value, nothing where the
//! field is empty, or [`Reported`]. Callers go over the fields of a mapping with one `match` on their names.

mod choice;
mod number;
mod path;
mod suggest;

use std::sync::Arc;

use crate::config::diagnostic::{Diagnostic, Diagnostics, Origin, quote};
use crate::config::source::SourceFile;
use crate::config::yaml::{Node, Plain, Scalar, Span, Value, unspaced_name};

pub(crate) use path::Path;
pub(crate) use suggest::{closest, listed};

/// The fault was reported already; whoever gets this says nothing more about that value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reported;

/// A value; nothing where it was left out or empty.
pub(crate) type Optional<T> = Result<Option<T>, Reported>;

/// Where a tree came from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'s> {
    File(&'s SourceFile),
    Variable(&'s str),
    Flag(&'s str),
}

/// One name of a mapping and its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a, 't> {
    pub(crate) name: &'a str,
    /// Where the name stands.
    pub(crate) span: Span,
    pub(crate) node: &'a Node<'t>,
    pub(crate) path: Path<'a>,
}

/// Collects the faults of one tree.
pub(crate) struct Decoder<'s, 'f> {
    source: Source<'s>,
    faults: &'f mut Diagnostics,
    longest_log: u32,
}

impl Field<'_, '_> {
    /// The place to point at: the value, or the name where there is no value to see.
    fn value_span(&self) -> Span {
        if self.node.is_null() { self.span } else { self.node.span }
    }

    /// The place of an item of a list, or of what stands in its stead.
    pub(crate) fn item_span(&self, index: usize) -> Span {
        match &self.node.value {
            Value::Sequence(items) => items.get(index).map_or(self.value_span(), |item| item.span),
            Value::Scalar(_) | Value::Mapping(_) => self.value_span(),
        }
    }
}

impl<'s, 'f> Decoder<'s, 'f> {
    pub(crate) fn new(source: Source<'s>, faults: &'f mut Diagnostics) -> Self {
        Self { source, faults, longest_log: u32::MAX }
    }

    /// The same for a tree whose sliding logs may hold so many hits at the most.
    pub(crate) fn with_longest_log(self, longest_log: u32) -> Self {
        Self { longest_log, ..self }
    }

    /// The most hits that a sliding log may hold.
    pub(crate) fn longest_log(&self) -> u32 {
        self.longest_log
    }

    /// Reports a fault.
    pub(crate) fn report(
        &mut self,
        span: Span,
        path: &Path<'_>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Reported {
        let fault = match self.source {
            Source::File(file) => Diagnostic::in_file(file, span, message),
            Source::Variable(name) => Diagnostic::new(Origin::Variable(name.to_owned()), message),
            Source::Flag(name) => Diagnostic::new(Origin::Flag(name.to_owned()), message),
        };
        self.faults.push(fault.with_path(path.to_string()).with_help(help));
        Reported
    }

    /// Reports a fault of a field's value.
    pub(crate) fn refuse(
        &mut self,
        field: &Field<'_, '_>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Reported {
        self.report(field.value_span(), &field.path, message, help)
    }

    /// The name of the file, where the tree came from one.
    pub(crate) fn file_name(&self) -> Arc<str> {
        match self.source {
            Source::File(file) => Arc::clone(&file.name),
            Source::Variable(name) | Source::Flag(name) => name.into(),
        }
    }

    /// The fields of a mapping, none where it is empty.
    pub(crate) fn fields<'a, 't>(
        &mut self,
        node: &'a Node<'t>,
        path: &'a Path<'a>,
    ) -> Result<impl Iterator<Item = Field<'a, 't>> + use<'a, 't>, Reported> {
        let entries = match &node.value {
            Value::Mapping(entries) => entries.as_slice(),
            _ if node.is_null() => &[],
            _ => {
                let message = format!("{} must be a mapping, not {}", path.subject(), node.description());
                return Err(self.report(node.span, path, message, mapping_help(node)));
            }
        };
        Ok(entries.iter().map(move |entry| Field {
            name: &entry.name,
            span: entry.span,
            node: &entry.node,
            path: Path::Field(path, &entry.name),
        }))
    }

    /// The items of a list, none where it is empty.
    pub(crate) fn items<'a, 't>(&mut self, field: &Field<'a, 't>) -> Result<&'a [Node<'t>], Reported> {
        match &field.node.value {
            Value::Sequence(items) => Ok(items),
            _ if field.node.is_null() => Ok(&[]),
            _ => {
                let message = format!("`{}` must be a list, not {}", field.name, field.node.description());
                Err(self.refuse(field, message, "put `- ` before each item"))
            }
        }
    }

    /// Text as it was written, be it a number or a truth value to YAML.
    pub(crate) fn text(&mut self, field: &Field<'_, '_>) -> Optional<String> {
        match &field.node.value {
            Value::Scalar(_) if field.node.is_null() => Ok(None),
            Value::Scalar(scalar) => Ok(Some(scalar.text.clone().into_owned())),
            Value::Sequence(_) | Value::Mapping(_) => {
                let message = format!("`{}` must be text, not {}", field.name, field.node.description());
                Err(self.refuse(field, message, "put text that begins with a bracket in quotes"))
            }
        }
    }

    /// A list of texts; outside of a file also one text with commas.
    pub(crate) fn texts(&mut self, field: &Field<'_, '_>) -> Optional<Vec<String>> {
        if field.node.is_null() {
            return Ok(None);
        }
        if let (Value::Scalar(scalar), Source::Variable(_) | Source::Flag(_)) =
            (&field.node.value, self.source)
        {
            return Ok(Some(scalar.text.split(',').map(|text| text.trim().to_owned()).collect()));
        }
        let mut texts = Vec::new();
        for (index, node) in self.items(field)?.iter().enumerate() {
            let item = Field { node, path: Path::Item(&field.path, index), ..*field };
            texts.push(self.text(&item)?.unwrap_or_default());
        }
        Ok(Some(texts))
    }

    /// Names and texts; outside of a file also one text with commas between, as in `name:text,name:text`.
    pub(crate) fn pairs(&mut self, field: &Field<'_, '_>) -> Optional<Vec<(String, String)>> {
        if field.node.is_null() {
            return Ok(None);
        }
        if let (Value::Scalar(scalar), Source::Variable(_) | Source::Flag(_)) =
            (&field.node.value, self.source)
        {
            let pair = |text: &str| {
                let (name, text) = text.split_once(':').unwrap_or((text, ""));
                (name.trim().to_owned(), text.trim().to_owned())
            };
            return Ok(Some(
                scalar.text.split(',').filter(|text| !text.trim().is_empty()).map(pair).collect(),
            ));
        }
        let mut pairs = Vec::new();
        for field in self.fields(field.node, &field.path)? {
            pairs.push((field.name.to_owned(), self.text(&field)?.unwrap_or_default()));
        }
        Ok(Some(pairs))
    }

    /// True or false.
    pub(crate) fn truth(&mut self, field: &Field<'_, '_>) -> Optional<bool> {
        let found = match &field.node.value {
            Value::Scalar(scalar) => match scalar.resolve() {
                Plain::Null => return Ok(None),
                Plain::Bool(truth) => return Ok(Some(truth)),
                _ => scalar.quoted(),
            },
            _ => field.node.description().to_owned(),
        };
        let message = format!("`{}` must be true or false, not {found}", field.name);
        Err(self.refuse(field, message, truth_help(field)))
    }

    /// Reports a field that has no place in its mapping.
    pub(crate) fn unknown(&mut self, field: &Field<'_, '_>, help: impl Into<String>) -> Reported {
        self.report(field.span, &field.path, format!("unknown field {}", quote(field.name)), help)
    }
}

fn mapping_help(node: &Node<'_>) -> String {
    let unspaced = match &node.value {
        Value::Scalar(scalar) if scalar.plain => unspaced_name(&scalar.text),
        _ => None,
    };
    match unspaced {
        Some(name) => format!("write a space after {}", quote(name)),
        None => "write lines of `name: value`".to_owned(),
    }
}

fn truth_help(field: &Field<'_, '_>) -> String {
    let meant = match &field.node.value {
        Value::Scalar(Scalar { text, .. }) => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" | "1" => "true",
            "false" | "no" | "off" | "n" | "0" => "false",
            _ => "true` or `false",
        },
        _ => "true` or `false",
    };
    format!("write `{meant}`, without quotes")
}
