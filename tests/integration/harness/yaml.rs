//! YAML as JSON values: what Kubernetes reads a manifest as.
//!
//! Documents one after the other, without anchors and tags, as `helm template` prints them. Names that stand twice fail.

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// Every document that is not empty.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let mut events = Parser::new_from_str(text).map(|event| event.unwrap().0);
    let mut found = Vec::new();
    while let Some(event) = events.next() {
        if matches!(
            event,
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd
        ) {
            continue;
        }
        let value = value(event, &mut events);
        if !value.is_null() {
            found.push(value);
        }
    }
    found
}

/// The only document.
#[track_caller]
pub(crate) fn document(text: &str) -> Value {
    let mut all = documents(text);
    assert_eq!(all.len(), 1, "documents in {text}");
    all.remove(0)
}

fn value<'t>(event: Event<'t>, rest: &mut impl Iterator<Item = Event<'t>>) -> Value {
    match event {
        Event::Scalar(text, ScalarStyle::Plain, ..) => plain(&text),
        Event::Scalar(text, ..) => Value::String(text.into_owned()),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            while let Some(event) = rest.next().filter(|event| *event != Event::SequenceEnd) {
                items.push(value(event, rest));
            }
            Value::Array(items)
        }
        Event::MappingStart(..) => {
            let mut fields = Map::new();
            while let Some(event) = rest.next().filter(|event| *event != Event::MappingEnd) {
                let Event::Scalar(name, ..) = event else { panic!("a name that is no text: {event:?}") };
                let next = rest.next().expect("a value for each name");
                let before = fields.insert(name.clone().into_owned(), value(next, rest));
                assert!(before.is_none(), "{name} stands twice");
            }
            Value::Object(fields)
        }
        other => panic!("{other:?} in a manifest"),
    }
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        // Numbers are written alike in both, but for those with a leading zero, which are octal here.
        _ => match text.strip_prefix('0').and_then(|digits| u64::from_str_radix(digits, 8).ok()) {
            Some(number) => number.into(),
            None => text.parse::<serde_json::Number>().map_or_else(|_| text.into(), Value::Number),
        },
    }
}
