//! Whatever the bytes, there are rules or faults with a place.

use proptest::prelude::*;

use super::parse;
use crate::config::rules::RuleOptions;
use crate::config::source::SourceFile;

const VALID: &str = "\
domain: demo
descriptors:
  - key: path
    value: \"/api/*\"
    share_threshold: true
    rate_limit: &limit {unit: minute, requests_per_unit: 10, name: n, replaces: [{name: o}]}
    descriptors:
      - key: user
        rate_limit:
          <<: *limit
          unit: day
        metadata: {a: [1, 2.5, {b: ~}], \"c\": 'd'}
  - key: client
    rate_limit: {unlimited: true}
";

/// What moves the meaning of YAML most.
const PIECES: &[&str] = &[
    "\n",
    "  ",
    "\t",
    "- ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "|\n",
    ">\n",
    "*limit",
    "&limit ",
    "<<: ",
    "---\n",
    "...\n",
    "!!str ",
    "%",
    "#",
    ",",
    "? ",
    "null",
    "é",
    "\u{feff}",
    "\r",
    "\0",
    "-1",
    "1e9",
    "domain: ",
    "key: ",
    "unlimited: true",
    "\"\\e\\u202e\": ",
];

/// Parses, prints and gives the faults as JSON; none of it may panic, and every place must be one of the text.
fn exercise(text: &str) -> Result<(), TestCaseError> {
    let file = SourceFile::new("a.yaml", text);
    if let Err(faults) = parse(std::slice::from_ref(&file), RuleOptions::default()) {
        prop_assert!(!faults.is_empty());
        let printed = faults.to_string();
        prop_assert!(printed.starts_with("error: "));
        prop_assert!(!printed.chars().any(|c| c.is_control() && c != '\n'), "{printed:?}");
        let json = serde_json::to_value(&faults).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let lines = text.split(['\n', '\r']).count() as u64;
        for fault in json.as_array().into_iter().flatten() {
            prop_assert!(fault["line"].as_u64().unwrap_or(1) <= lines, "{fault} in {text:?}");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        match SourceFile::from_bytes("a.yaml", bytes) {
            Ok(file) => exercise(&file.text)?,
            Err(faults) => prop_assert_eq!(faults.len(), 1),
        }
    }

    #[test]
    fn random_pieces(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40)) {
        exercise(&pieces.concat())?;
    }

    #[test]
    fn a_valid_file_with_changes(
        changes in proptest::collection::vec((0..VALID.len(), 0..12_usize, proptest::sample::select(PIECES)), 1..4),
    ) {
        let mut text = VALID.to_owned();
        for (start, length, piece) in changes {
            let start = text.floor_char_boundary(start.min(text.len()));
            let end = text.floor_char_boundary((start + length).min(text.len()));
            text.replace_range(start..end.max(start), piece);
        }
        exercise(&text)?;
    }
}

#[test]
fn the_unchanged_file_is_valid() {
    parse(&[SourceFile::new("a.yaml", VALID)], RuleOptions::default()).unwrap();
}
