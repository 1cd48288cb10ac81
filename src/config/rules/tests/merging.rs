//! Several files.

use super::{check_all, parse};
use crate::config::rules::{MAX_SLIDING_LOG, RuleOptions};
use crate::config::source::SourceFile;

const MERGE: RuleOptions =
    RuleOptions { merge_domains: true, allow_empty: false, max_sliding_log: MAX_SLIDING_LOG };

#[test]
fn a_domain_in_two_files() {
    check_all(
        &[("a.yaml", "domain: d\n"), ("b.yaml", "descriptors: []\ndomain: d\n")],
        RuleOptions::default(),
        "
error: the domain `d` stands in another file already
 --> b.yaml:2:9
  |
2 | domain: d
  |         ^
  = field: domain
  = help: the first is at a.yaml:1:9; rename one, or set `rules.merge_domains: true`
",
    );
}

#[test]
fn merged_files_add_up_in_their_order() {
    let files = [
        SourceFile::new("a.yaml", "domain: d\ndescriptors: [{key: a}]"),
        SourceFile::new("b.yaml", "domain: e\ndescriptors: [{key: x}]"),
        SourceFile::new("c.yaml", "domain: d\ndescriptors: [{key: c}, {key: b}]"),
    ];
    let domains = parse(&files, MERGE).unwrap();
    let shown: Vec<String> = domains
        .iter()
        .map(|domain| {
            let rules = domain.descriptors.iter().map(|rule| format!("{}@{}", rule.key, rule.location.file));
            format!("{}: {}", domain.name, rules.collect::<Vec<_>>().join(" "))
        })
        .collect();
    assert_eq!(shown, ["d: a@a.yaml c@c.yaml b@c.yaml", "e: x@b.yaml"]);
}

#[test]
fn merged_files_must_not_repeat_each_other() {
    check_all(
        &[
            ("a.yaml", "domain: d\ndescriptors:\n  - key: a\n  - key: b\n    value: x\n"),
            ("b.yaml", "domain: d\ndescriptors: [{key: c}]\n"),
            ("c.yaml", "domain: d\ndescriptors:\n  - key: b\n    value: x\n  - key: c\n  - key: c\n"),
        ],
        MERGE,
        "
error: the descriptor `b` = `x` stands in another file of the domain
 --> c.yaml:3:5
  |
3 |   - key: b
  |     ^^^
  = field: descriptors[0]
  = help: keep one of the two; the first is at a.yaml:4:5

error: the descriptor `c` without a value stands in another file of the domain
 --> c.yaml:5:5
  |
5 |   - key: c
  |     ^^^
  = field: descriptors[1]
  = help: keep one of the two; the first is at b.yaml:2:15

error: the descriptor `c` without a value stands twice at this level
 --> c.yaml:6:5
  |
6 |   - key: c
  |     ^^^
  = field: descriptors[2]
  = help: keep one of the two; the first is in line 5, column 5

error: the descriptor `c` without a value stands in another file of the domain
 --> c.yaml:6:5
  |
6 |   - key: c
  |     ^^^
  = field: descriptors[2]
  = help: keep one of the two; the first is at b.yaml:2:15
",
    );
}

#[test]
fn the_same_file_twice_repeats_itself() {
    let yaml = "domain: d\ndescriptors:\n  - key: a\n";
    check_all(
        &[("a.yaml", yaml), ("a.yaml", yaml)],
        MERGE,
        "
error: the descriptor `a` without a value stands in another file of the domain
 --> a.yaml:3:5
  |
3 |   - key: a
  |     ^^^
  = field: descriptors[0]
  = help: keep one of the two; the first is at a.yaml:3:5
",
    );
}

#[test]
fn the_faults_of_all_files_come_at_once() {
    check_all(
        &[("a.yaml", "domain: [\n"), ("b.yaml", "domain: d\nx: 1\ndomain: e\n"), ("c.yaml", "")],
        RuleOptions::default(),
        "
error: not valid YAML: a bracket that stays open
 --> a.yaml:1:9
  |
1 | domain: [
  |         ^
  = help: close it behind its last item, and put commas between items

error: unknown field `x`
 --> b.yaml:2:1
  |
2 | x: 1
  | ^
  = field: x
  = help: known here: domain, descriptors

error: `domain` stands twice in one mapping
 --> b.yaml:3:1
  |
3 | domain: e
  | ^^^^^^
  = field: domain
  = help: keep one of the two; the first is in line 1, column 1

error: the file is empty
 --> c.yaml
  = help: write `domain:` and `descriptors:`, or take the file away
",
    );
}
