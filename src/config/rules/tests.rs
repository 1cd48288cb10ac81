//! What the grammar takes and refuses, as files and the exact text of the faults.

mod accepted;
mod budgets;
mod merging;
mod properties;
mod refused_algorithms;
mod refused_fields;
mod refused_limits;
mod refused_structure;
mod refused_windows;
mod refused_yaml;
mod several_limits;
mod slips;
mod sources;
mod speed;
mod warnings;

use super::{RuleOptions, parse};
use crate::config::source::SourceFile;
use crate::decision::rules::spec::{DescriptorSpec, DomainSpec};

/// Checks what is printed for one file; `expected` may begin and end with a line break.
#[track_caller]
fn check(yaml: &str, expected: &str) {
    check_all(&[("a.yaml", yaml)], RuleOptions::default(), expected);
}

/// The same for a list of descriptors of a domain.
#[track_caller]
fn check_descriptors(descriptors: &str, expected: &str) {
    check(&format!("domain: d\ndescriptors:\n{descriptors}"), expected);
}

#[track_caller]
fn check_all(files: &[(&str, &str)], options: RuleOptions, expected: &str) {
    let files: Vec<_> = files.iter().map(|(name, text)| SourceFile::new(*name, *text)).collect();
    let faults = parse(&files, options).expect_err("no fault was found");
    let (found, expected) = (faults.to_string(), expected.trim_matches('\n'));
    assert!(found == expected, "found:\n{found}\n\nexpected:\n{expected}");
}

/// The rules of a file without faults.
#[track_caller]
fn accept(yaml: &str) -> DomainSpec {
    let mut domains = parse(&[SourceFile::new("a.yaml", yaml)], RuleOptions::default())
        .unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(domains.len(), 1);
    domains.remove(0)
}

/// The one descriptor of a domain.
#[track_caller]
fn accept_descriptor(descriptor: &str) -> DescriptorSpec {
    let mut domain = accept(&format!("domain: d\ndescriptors:\n{descriptor}"));
    assert_eq!(domain.descriptors.len(), 1);
    domain.descriptors.remove(0)
}
