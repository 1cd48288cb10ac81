//! What the API server has: the objects of a snapshot, and those that an operator made before.

use std::collections::BTreeMap;

use serde_json::Value;

use super::namespaces::checkout;
use crate::harness::yaml;

/// What a ConfigMap or Secret holds, by key.
pub(super) type Data = BTreeMap<String, Vec<u8>>;

/// The two kinds of objects that files and variables are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    ConfigMap,
    Secret,
}

/// All objects of one namespace.
pub(super) struct Cluster {
    objects: Vec<Value>,
    data: BTreeMap<(Kind, String), Data>,
}

impl Cluster {
    /// Has what is in the kept snapshot of a set.
    pub(super) fn with_snapshot(set: &str) -> Self {
        let file = checkout("helm/snapshots").join(format!("{set}.yaml"));
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
        let mut cluster = Self { objects: yaml::documents(&text), data: BTreeMap::new() };
        for object in &cluster.objects {
            let kind = match text_at(object, "/kind") {
                "ConfigMap" => Kind::ConfigMap,
                "Secret" => Kind::Secret,
                _ => continue,
            };
            let name = text_at(object, "/metadata/name").to_owned();
            cluster.data.insert((kind, name), data_of(object));
        }
        cluster
    }

    /// The objects of a kind.
    pub(super) fn all<'c>(&'c self, kind: &str) -> impl Iterator<Item = &'c Value> {
        self.objects.iter().filter(move |object| text_at(object, "/kind") == kind)
    }

    /// The only object of a kind.
    pub(super) fn only(&self, kind: &str) -> &Value {
        let found: Vec<&Value> = self.all(kind).collect();
        assert_eq!(found.len(), 1, "objects of kind {kind}");
        found[0]
    }

    /// The rendered settings, as they stand in their ConfigMap.
    pub(super) fn settings(&self) -> Value {
        let text =
            self.data.values().find_map(|data| data.get("ratekeeper.yaml")).expect("rendered settings");
        yaml::document(std::str::from_utf8(text).unwrap())
    }

    /// What an object holds, if there is one.
    pub(super) fn data(&self, kind: Kind, name: &str) -> Option<&Data> {
        self.data.get(&(kind, name.to_owned()))
    }

    /// Makes an object, or puts another one in its place.
    pub(super) fn apply(&mut self, kind: Kind, name: &str, data: Data) {
        self.data.insert((kind, name.to_owned()), data);
    }
}

/// The text at a JSON pointer, which must be there.
#[track_caller]
pub(super) fn text_at<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no text at {pointer} in {value}"))
}

/// The list in a field, or nothing.
pub(super) fn list<'v>(value: &'v Value, field: &str) -> &'v [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

/// Fails where an object has a field that these tests do not know, as it may matter.
#[track_caller]
pub(super) fn only_known(what: &str, value: &Value, known: &[&str]) {
    let fields = value.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    let unknown: Vec<&str> = fields.filter(|name| !known.contains(name)).collect();
    assert!(unknown.is_empty(), "the kubelet of these tests does not know {unknown:?} of {what}: {value}");
}

fn data_of(object: &Value) -> Data {
    let mut data = Data::new();
    let texts = |field: &str| object[field].as_object().cloned().unwrap_or_default();
    let secret = text_at(object, "/kind") == "Secret";
    for (key, value) in texts("data") {
        let text = value.as_str().unwrap_or_else(|| panic!("{key} is no text in {object}"));
        data.insert(key, if secret { from_base64(text) } else { text.into() });
    }
    for (key, value) in texts("stringData") {
        data.insert(key, value.as_str().unwrap().into());
    }
    data.extend(
        texts("binaryData").iter().map(|(key, value)| (key.clone(), from_base64(value.as_str().unwrap()))),
    );
    data
}

/// RFC 4648, 4.
fn from_base64(text: &str) -> Vec<u8> {
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in text.chars().filter(|&digit| digit != '=') {
        let place = digits.find(digit).unwrap_or_else(|| panic!("{digit:?} in base64"));
        bits = (bits << 6 | u32::try_from(place).unwrap()) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    bytes
}

#[test]
fn base64() {
    for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9vYmFy", "foobar")] {
        assert_eq!(from_base64(text), bytes.as_bytes(), "{text}");
    }
}
