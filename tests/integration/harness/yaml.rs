//! YAML files as JSON values, for tests that take a manifest or an Envoy configuration apart.
//!
//! What a file means is YAML 1.2's core schema, which is what Envoy, Kubernetes and the controllers read from the files
//! here; merge keys and tags of one's own are not used in them and not known here.

use std::collections::HashMap;

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// All documents of a file, those that hold nothing left out.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let options = granit_parser::options! { emit_comments: false };
    let mut reader = Reader::default();
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, _) = next.unwrap_or_else(|error| panic!("no YAML: {error}"));
        reader.take(event);
    }
    reader.documents.retain(|document| !document.is_null());
    reader.documents
}

/// The only document of a file.
pub(crate) fn document(text: &str) -> Value {
    let mut documents = documents(text);
    assert_eq!(documents.len(), 1, "one document was expected");
    documents.remove(0)
}

#[derive(Default)]
struct Reader {
    documents: Vec<Value>,
    open: Vec<Open>,
    anchors: HashMap<usize, Value>,
}

/// A collection whose end has not come.
struct Open {
    value: Value,
    /// The name whose value comes next.
    name: Option<String>,
    anchor: usize,
}

impl Reader {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Scalar(text, style, anchor, _) => self.put(scalar(&text, style), anchor),
            Event::SequenceStart(_, anchor, _) => self.enter(Value::Array(Vec::new()), anchor),
            Event::MappingStart(_, anchor, _) => self.enter(Value::Object(Map::new()), anchor),
            Event::SequenceEnd | Event::MappingEnd => {
                let Open { value, anchor, .. } = self.open.pop().unwrap();
                self.put(value, anchor);
            }
            Event::Alias(anchor) => self.put(self.anchors[&anchor].clone(), 0),
            _ => {}
        }
    }

    fn enter(&mut self, value: Value, anchor: usize) {
        self.open.push(Open { value, name: None, anchor });
    }

    fn put(&mut self, value: Value, anchor: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        match self.open.last_mut() {
            None => self.documents.push(value),
            Some(Open { value: Value::Array(items), .. }) => items.push(value),
            Some(Open { value: Value::Object(fields), name, .. }) => match name.take() {
                None => *name = Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
                Some(name) => assert!(fields.insert(name, value).is_none(), "a name stands twice"),
            },
            Some(_) => unreachable!("only collections are open"),
        }
    }
}

/// Quoted it is text, whatever it looks like.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return text.into();
    }
    // Kubernetes takes a leading zero for octal, as modes of files are written.
    if let Some(number) = octal(text) {
        return number.into();
    }
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => true.into(),
        "false" => false.into(),
        _ if text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) => {
            serde_json::from_str(text).unwrap_or_else(|_| text.into())
        }
        _ => text.into(),
    }
}

fn octal(text: &str) -> Option<u64> {
    text.strip_prefix('0').and_then(|digits| u64::from_str_radix(digits, 8).ok())
}
