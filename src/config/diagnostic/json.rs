//! Faults as an array of objects, for editors and pipelines.

use serde::ser::{Serialize, SerializeSeq as _, Serializer};

use super::{Diagnostic, Diagnostics, Origin};

/// The form of one fault; fields that say nothing are left out.
#[derive(serde::Serialize)]
struct Record<'a> {
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<&'a str>,
    path: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

impl Serialize for Diagnostics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut array = serializer.serialize_seq(Some(self.list.len()))?;
        self.list.iter().try_for_each(|fault| array.serialize_element(fault))?;
        array.end()
    }
}

impl Serialize for Diagnostic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut record = Record {
            severity: self.severity.name(),
            file: None,
            line: None,
            column: None,
            variable: None,
            flag: None,
            path: &self.path,
            message: &self.message,
            help: self.help.as_deref(),
        };
        match &self.origin {
            Origin::File { name, position } => {
                record.file = Some(name);
                record.line = position.map(|position| position.line);
                record.column = position.map(|position| position.column);
            }
            Origin::Variable(name) => record.variable = Some(name),
            Origin::Flag(name) => record.flag = Some(name),
        }
        record.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::diagnostic::Position;

    #[test]
    fn a_fault_is_an_object() {
        let origin = Origin::File { name: "a.yaml".into(), position: Some(Position { line: 3, column: 7 }) };
        let mut faults =
            Diagnostics::from(Diagnostic::new(origin, "wrong").with_path("a.b").with_help("right"));
        faults.push(Diagnostic::new(Origin::Flag("--rules".into()), "none").as_warning());
        let expected = json!([
            {"severity": "error", "file": "a.yaml", "line": 3, "column": 7, "path": "a.b", "message": "wrong", "help": "right"},
            {"severity": "warning", "flag": "--rules", "path": "", "message": "none"},
        ]);
        assert_eq!(serde_json::to_value(&faults).unwrap(), expected);
    }
}
