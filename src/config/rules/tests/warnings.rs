//! What is said of rules that come into force all the same.

use std::fs;
use std::path::PathBuf;

use tempfile::{TempDir, tempdir};

use crate::config::files::RuleFiles;
use crate::config::rules::{RuleOptions, read};

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Checks what is said of the files behind `paths`, good or bad; `expected` may begin and end with a line break.
#[track_caller]
fn check(folder: &TempDir, paths: &[&str], expected: &str) {
    let paths = paths.iter().map(|path| PathBuf::from(folder.path()).join(path));
    let options = RuleOptions { merge_domains: true, ..RuleOptions::default() };
    let told = match read(&RuleFiles::new(paths).read(), options) {
        Ok(rules) => rules.warnings,
        Err(faults) => faults,
    };
    let told = told.to_string().replace(&format!("{}/", folder.path().display()), "");
    assert_eq!(told, expected.trim_matches('\n'));
}

const REPLACES: &str = "\
domain: d
descriptors:
  - key: a
    descriptors:
      - {key: b, rate_limit: {unlimited: true, replaces: [{name: checkout}, {name: other}]}}
";

#[test]
fn a_name_that_no_rule_of_the_domain_has() {
    let slip = "domain: d\ndescriptors: [{key: x, rate_limit: {name: chekcout, unlimited: true}}]\n";
    let elsewhere = "domain: e\ndescriptors: [{key: x, rate_limit: {name: other, unlimited: true}}]\n";
    check(
        &folder(&[("a.yaml", REPLACES), ("b.yaml", slip), ("c.yaml", elsewhere)]),
        &["."],
        "
warning: `replaces` names `checkout`, and no rule of the domain `d` has that name
 --> ./a.yaml:5:9
  = help: did you mean `chekcout`?

warning: `replaces` names `other`, and no rule of the domain `d` has that name
 --> ./a.yaml:5:9
  = help: write the `rate_limit.name` of another rule of the domain, or leave it out
",
    );
}

#[test]
fn a_name_in_another_file_of_the_domain_is_known() {
    let deep = "domain: d
descriptors:
  - key: x
    descriptors:
      - {key: y, rate_limit: {name: checkout, unlimited: true}}
      - {key: z, rate_limit: {name: other, unlimited: true}}
";
    check(&folder(&[("a.yaml", REPLACES), ("b.yaml", deep)]), &["."], "");
}

#[test]
fn names_are_not_judged_beside_faults() {
    check(
        &folder(&[("a.yaml", REPLACES), ("b.yaml", "domain: d\nx: 1\n")]),
        &["."],
        "
error: unknown field `x`
 --> ./b.yaml:2:1
  |
2 | x: 1
  | ^
  = field: x
  = help: known here: domain, descriptors
",
    );
}

#[test]
fn rules_that_are_never_reached() {
    let first = "\
domain: d
descriptors:
  - {key: path, value: '/api/*'}
  - {key: path, value: /api/exact}
  - {key: path, value: '/api/reports/*', descriptors: [{key: x, value: '*'}, {key: x, value: 'y*'}]}
  - key: path
    descriptors:
      - {key: user}
      - {key: user, value: '*'}
";
    let second =
        "domain: d\ndescriptors: [{key: path, value: '/api/v1/*'}, {key: path, value: '/other/*'}]\n";
    check(
        &folder(&[("a.yaml", first), ("b.yaml", second)]),
        &["."],
        "
warning: the descriptor `path` = `/api/reports/*` is never reached
 --> ./a.yaml:5:5
  = help: `/api/*` in line 3 stands before it and matches all that it would; put it in front of that one, or take it out

warning: the descriptor `user` without a value is never reached
 --> ./a.yaml:8:9
  = help: `*` in line 9 matches every value and goes before it; take one of the two out

warning: the descriptor `path` = `/api/v1/*` is never reached
 --> ./b.yaml:2:15
  = help: `/api/*` at ./a.yaml:3:5 stands before it and matches all that it would; put it in front of that one, or take it out
",
    );
}

const RULE: &str = "domain: d\ndescriptors: [{key: k}]\n";

#[test]
fn a_folder_in_a_folder_is_not_read() {
    let folder = folder(&[
        ("rules/a.yaml", RULE),
        ("rules/team/b.yml", "nobody reads it"),
        ("rules/sub.yaml/c.yaml", "nobody reads it"),
        ("rules/..2026_01/a.yaml", "a ConfigMap's"),
        ("rules/docs/README.md", "no rules"),
        ("rules/docs/deep/d.yaml", "too deep to be meant"),
    ]);
    let told = |name: &str| {
        format!(
            "\
warning: there are rule files in this folder, and it is not read
 --> rules/{name}
  = help: name it in `rules.paths`, or move the files one folder up"
        )
    };
    check(&folder, &["rules"], &format!("{}\n\n{}", told("sub.yaml"), told("team")));
    check(&folder, &["rules/a.yaml"], "");
}

#[test]
fn a_folder_in_a_folder_that_is_named_itself_is_read() {
    let folder = folder(&[("rules/a.yaml", RULE), ("rules/team/b.yaml", &RULE.replace("k}", "l}"))]);
    check(&folder, &["rules", "rules/../rules/team"], "");
}

#[test]
fn a_folder_that_is_not_read_is_named_where_there_is_no_rule() {
    check(
        &folder(&[("rules/team/b.yaml", RULE)]),
        &["rules"],
        "
error: there is no rule in the 0 rule files that were found
 --> rules.paths
  = help: write rules there, or set `rules.allow_empty: true` if none is what you mean

warning: there are rule files in this folder, and it is not read
 --> rules/team
  = help: name it in `rules.paths`, or move the files one folder up
",
    );
}
