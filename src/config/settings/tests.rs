//! What settings may be, wherever they are written, and that the documented file tells the truth.

mod environment;
mod file;
mod grpc_tls;
mod properties;
mod redis_access;
mod refused;
mod secrets;
mod shared_store;
mod tracing;

use super::{Override, Settings, load};
use crate::config::source::SourceFile;

/// The variables of a test.
fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[track_caller]
fn accept(yaml: &str, environment: &[(&str, &str)], overrides: &[Override]) -> Settings {
    let file = SourceFile::new("s.yaml", yaml);
    load(Some(&file), variables(environment), overrides).unwrap_or_else(|faults| panic!("{faults}"))
}

/// Checks what is printed; `expected` may begin and end with a line break.
#[track_caller]
fn check(yaml: &str, environment: &[(&str, &str)], overrides: &[Override], expected: &str) {
    let file = SourceFile::new("s.yaml", yaml);
    let faults = load(Some(&file), variables(environment), overrides).expect_err("no fault was found");
    let (found, expected) = (faults.to_string(), expected.trim_matches('\n'));
    assert!(found == expected, "found:\n{found}\n\nexpected:\n{expected}");
}
