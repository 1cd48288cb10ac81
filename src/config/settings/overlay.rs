//! One setting given outside of the file: by a variable or a flag.

use std::borrow::Cow;

use super::Settings;
use super::section::read_fields;
use crate::config::decode::{Decoder, Path, Source};
use crate::config::diagnostic::Diagnostics;
use crate::config::source::SourceFile;
use crate::config::yaml::{self, Entry, Node, Reading, Scalar, Span, Value};

/// A setting given by a command-line flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The flag as it is typed, such as `--rules`; faults are reported under it.
    pub flag: String,
    /// The path of the setting, such as `rules.paths`.
    pub path: String,
    /// What it is set to.
    pub value: Given,
}

/// What a setting is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// Text as one would write it into the file, without quotes.
    One(String),
    /// A list.
    Many(Vec<String>),
}

impl Override {
    /// Writes the setting, or says what is wrong with it.
    pub(super) fn apply(&self, settings: &mut Settings, faults: &mut Diagnostics) {
        let node = match &self.value {
            Given::One(text) => plain(text),
            Given::Many(texts) => node(Value::Sequence(texts.iter().map(|text| plain(text)).collect())),
        };
        apply(Source::Flag(&self.flag), &self.path, node, settings, faults);
    }
}

/// Writes the value of a variable. Lists and mappings may be given in YAML's brackets; anything else means itself.
pub(super) fn apply_variable(
    name: &str,
    path: &str,
    value: &str,
    settings: &mut Settings,
    faults: &mut Diagnostics,
) {
    let value = value.trim();
    let bracketed = |open, close| value.starts_with(open) && value.ends_with(close);
    let file = SourceFile::new(name, value);
    let node = if bracketed('[', ']') || bracketed('{', '}') {
        match yaml::read(&file, &mut Diagnostics::new()) {
            Reading::Tree(node) => node,
            Reading::Empty | Reading::Broken => plain(value),
        }
    } else {
        plain(value)
    };
    apply(Source::Variable(name), path, node, settings, faults);
}

/// Wraps the value into the mappings of its path and reads that like a file.
fn apply(source: Source<'_>, path: &str, value: Node<'_>, settings: &mut Settings, faults: &mut Diagnostics) {
    let root = path.rsplit('.').fold(value, |value, name| {
        node(Value::Mapping(vec![Entry {
            name: Cow::Owned(name.to_owned()),
            span: Span::default(),
            node: value,
        }]))
    });
    read_fields(&mut Decoder::new(source, faults), &root, &Path::Root, settings);
}

fn plain(text: &str) -> Node<'_> {
    node(Value::Scalar(Scalar { text: Cow::Borrowed(text), plain: true }))
}

fn node(value: Value<'_>) -> Node<'_> {
    Node { span: Span::default(), value }
}
