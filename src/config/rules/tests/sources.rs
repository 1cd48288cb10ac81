//! Files that cannot be read beside files with faults of grammar: all are told in one go, in one form.

use std::fs;
use std::os::unix::fs::symlink;

use tempfile::tempdir;

use crate::config::files::RuleFiles;
use crate::config::rules::{RuleOptions, read};

#[test]
fn faults_of_files_and_of_their_grammar_are_told_together() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("a.yaml"), "domain: a\ndescriptor: []\n").unwrap();
    symlink("nowhere", path("b.yaml")).unwrap();
    fs::write(path("c.yaml"), b"domain: c\nkey: b\xffc\n").unwrap();
    fs::write(path("d.yaml"), "domain: d\n").unwrap();
    let sources = RuleFiles::new([folder.path().into()]).read();
    let faults = read(&sources, RuleOptions::default()).unwrap_err();
    let told = faults.to_string().replace(&format!("{}/", folder.path().display()), "");
    let expected = "\
error: unknown field `descriptor`
 --> a.yaml:2:1
  |
2 | descriptor: []
  | ^^^^^^^^^^
  = field: descriptor
  = help: did you mean `descriptors`?

error: the file is listed but cannot be found
 --> b.yaml
  = help: remove the symlink that leads nowhere, or restore its target

error: the file is not UTF-8: found the byte 0xff
 --> c.yaml:2:7
  |
2 | key: b\u{fffd}c
  |       ^
  = help: save the file as UTF-8";
    assert_eq!(told, expected);
}

#[test]
fn no_rule_at_all_is_a_fault_unless_it_is_meant() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("a.yaml"), "domain: a\ndescriptors: []\n").unwrap();
    let sources = RuleFiles::new([folder.path().into()]).read();
    let expected = "\
error: there is no rule in the 1 rule files that were found
 --> rules.paths
  = help: write rules there, or set `rules.allow_empty: true` if none is what you mean";
    assert_eq!(read(&sources, RuleOptions::default()).unwrap_err().to_string(), expected);
    let meant = RuleOptions { allow_empty: true, ..RuleOptions::default() };
    assert_eq!(read(&sources, meant).map(|rules| rules.domains.len()), Ok(1));
}
