//! Metadata that a rule carries and a passed request's answer returns: a tree of plain values, and its merging.
//!
//! The shape is that of JSON (and of protobuf's `Struct`, which the server turns it into): numbers are doubles.

/// One value of a metadata tree.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// Any number; whole numbers beyond 2^53 lose precision, as they do in JSON.
    Number(f64),
    /// Text.
    String(String),
    /// A sequence.
    List(Vec<Value>),
    /// Names and values.
    Mapping(Mapping),
}

/// Names and values in the order in which they were written; a name stands once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mapping {
    entries: Vec<(String, Value)>,
}

impl Mapping {
    /// An empty mapping.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value under `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.entries.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Puts `value` under `name` unless something is there already, and says whether it did.
    pub fn insert(&mut self, name: impl Into<String>, value: Value) -> bool {
        let name = name.into();
        if self.get(&name).is_some() {
            return false;
        }
        self.entries.push((name, value));
        true
    }

    /// The names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Adds what `other` has and this lacks. Where both have a name, the first value stays, unless both are
    /// mappings: those are merged in the same way.
    pub fn merge(&mut self, other: &Mapping) {
        for (name, theirs) in other.iter() {
            match self.entries.iter_mut().find(|(known, _)| known == name) {
                None => self.entries.push((name.to_owned(), theirs.clone())),
                Some((_, Value::Mapping(ours))) => {
                    if let Value::Mapping(theirs) = theirs {
                        ours.merge(theirs);
                    }
                }
                Some(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping<const N: usize>(entries: [(&str, Value); N]) -> Mapping {
        let mut mapping = Mapping::new();
        for (name, value) in entries {
            assert!(mapping.insert(name, value));
        }
        mapping
    }

    #[test]
    fn first_value_wins_and_mappings_merge() {
        let mut ours = mapping([
            ("team", Value::String("a".into())),
            ("nested", Value::Mapping(mapping([("x", Value::Number(1.0))]))),
        ]);
        let theirs = mapping([
            ("team", Value::String("b".into())),
            ("nested", Value::Mapping(mapping([("x", Value::Null), ("y", Value::Bool(true))]))),
            ("more", Value::List(vec![Value::Null])),
        ]);
        ours.merge(&theirs);
        let expected = mapping([
            ("team", Value::String("a".into())),
            ("nested", Value::Mapping(mapping([("x", Value::Number(1.0)), ("y", Value::Bool(true))]))),
            ("more", Value::List(vec![Value::Null])),
        ]);
        assert_eq!(ours, expected);
    }

    #[test]
    fn a_name_stands_once() {
        let mut ours = mapping([("a", Value::Null)]);
        assert!(!ours.insert("a", Value::Bool(true)));
        assert_eq!(ours.get("a"), Some(&Value::Null));
    }
}
