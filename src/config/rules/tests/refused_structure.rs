//! Values of the wrong kind, and files that are no rule files.

use super::{check, check_descriptors};

#[test]
fn truth_in_other_words() {
    check_descriptors(
        r#"  - key: k
    shadow_mode: yes
    quota_mode: "false"
    detailed_metric: [x]
    value_to_metric: 12
"#,
        r#"
error: `shadow_mode` must be true or false, not `yes`
 --> a.yaml:4:18
  |
4 |     shadow_mode: yes
  |                  ^^^
  = field: descriptors[0].shadow_mode
  = help: write `true`, without quotes

error: `quota_mode` must be true or false, not the text `false`
 --> a.yaml:5:17
  |
5 |     quota_mode: "false"
  |                 ^^^^^^^
  = field: descriptors[0].quota_mode
  = help: write `false`, without quotes

error: `detailed_metric` must be true or false, not a list
 --> a.yaml:6:22
  |
6 |     detailed_metric: [x]
  |                      ^
  = field: descriptors[0].detailed_metric
  = help: write `true` or `false`, without quotes

error: `value_to_metric` must be true or false, not `12`
 --> a.yaml:7:22
  |
7 |     value_to_metric: 12
  |                      ^^
  = field: descriptors[0].value_to_metric
  = help: write `true` or `false`, without quotes
"#,
    );
}

#[test]
fn text_that_is_none() {
    check_descriptors(
        r#"  - key: [k]
    value: {a: b}
"#,
        r#"
error: `key` must be text, not a list
 --> a.yaml:3:10
  |
3 |   - key: [k]
  |          ^
  = field: descriptors[0].key
  = help: put text that begins with a bracket in quotes

error: `value` must be text, not a mapping
 --> a.yaml:4:12
  |
4 |     value: {a: b}
  |            ^
  = field: descriptors[0].value
  = help: put text that begins with a bracket in quotes
"#,
    );
}

#[test]
fn descriptors_that_are_no_list() {
    check(
        r#"domain: d
descriptors:
  key: a
"#,
        r#"
error: `descriptors` must be a list, not a mapping
 --> a.yaml:3:3
  |
3 |   key: a
  |   ^^^^^^
  = field: descriptors
  = help: put `- ` before each item
"#,
    );
}

#[test]
fn items_that_are_no_mappings() {
    check_descriptors(
        r#"  - foo
  - []
  -
"#,
        r#"
error: each item of `descriptors` must be a mapping, not text
 --> a.yaml:3:5
  |
3 |   - foo
  |     ^^^
  = field: descriptors[0]
  = help: write lines of `name: value`

error: each item of `descriptors` must be a mapping, not a list
 --> a.yaml:4:5
  |
4 |   - []
  |     ^
  = field: descriptors[1]
  = help: write lines of `name: value`

error: a descriptor without a key
 --> a.yaml:5:4
  |
5 |   -
  |    ^
  = field: descriptors[2]
  = help: write `key: name`, with the key of Envoy's descriptor entry
"#,
    );
}

#[test]
fn metadata_that_is_no_mapping() {
    check_descriptors(
        r#"  - key: k
    metadata: 3
"#,
        r#"
error: `metadata` must be a mapping, not a number
 --> a.yaml:4:15
  |
4 |     metadata: 3
  |               ^
  = field: descriptors[0].metadata
  = help: write lines of `name: value` under it
"#,
    );
}

#[test]
fn metadata_that_no_answer_can_carry() {
    check_descriptors(
        r#"  - key: k
    metadata: {ratio: 1e999}
"#,
        r#"
error: a number in metadata that JSON does not have
 --> a.yaml:4:23
  |
4 |     metadata: {ratio: 1e999}
  |                       ^^^^^
  = field: descriptors[0].metadata.ratio
  = help: write a finite number, or put the text in quotes
"#,
    );
    check_descriptors(
        r#"  - key: k
    metadata: {a: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}
"#,
        r#"
error: metadata that nests too deep
 --> a.yaml:4:34
  |
4 |     metadata: {a: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}
  |                                  ^
  = field: descriptors[0].metadata.a[0][0][0][0][0][0][0][0][0][0][0][0][0][0][0]
  = help: at most 16 mappings and lists may stand inside each other
"#,
    );
}

#[test]
fn a_domain_without_a_name() {
    check(
        "descriptors: []\n",
        r#"
error: the domain has no name
 --> a.yaml:1:1
  |
1 | descriptors: []
  | ^^^^^^^^^^^^^^^
  = field: domain
  = help: write `domain: name`, with the name that Envoy sends
"#,
    );
}

#[test]
fn a_domain_with_an_empty_name() {
    check(
        "domain: \"\"\n",
        r#"
error: the domain has no name
 --> a.yaml:1:9
  |
1 | domain: ""
  |         ^^
  = field: domain
  = help: write `domain: name`, with the name that Envoy sends
"#,
    );
}

#[test]
fn a_domain_of_nothing() {
    check(
        "domain:\n",
        r#"
error: the domain has no name
 --> a.yaml:1:1
  |
1 | domain:
  | ^^^^^^
  = field: domain
  = help: write `domain: name`, with the name that Envoy sends
"#,
    );
}

#[test]
fn a_misspelled_domain_is_not_missing_as_well() {
    check(
        "doman: d\n",
        r#"
error: unknown field `doman`
 --> a.yaml:1:1
  |
1 | doman: d
  | ^^^^^
  = field: doman
  = help: did you mean `domain`?
"#,
    );
}

#[test]
fn an_empty_file() {
    check(
        "",
        r#"
error: the file is empty
 --> a.yaml
  = help: write `domain:` and `descriptors:`, or take the file away
"#,
    );
}

#[test]
fn a_file_of_comments() {
    check(
        r#"# nothing yet
---
"#,
        r#"
error: the file is empty
 --> a.yaml
  = help: write `domain:` and `descriptors:`, or take the file away
"#,
    );
}

#[test]
fn a_list() {
    check(
        "- a\n",
        r#"
error: the file must be a mapping, not a list
 --> a.yaml:1:1
  |
1 | - a
  | ^^^
  = help: write lines of `name: value`
"#,
    );
}

#[test]
fn a_text() {
    check(
        "hello\n",
        r#"
error: the file must be a mapping, not text
 --> a.yaml:1:1
  |
1 | hello
  | ^^^^^
  = help: write lines of `name: value`
"#,
    );
}

#[test]
fn a_second_document() {
    check(
        r#"domain: d
descriptor: []
---
domain: e
descriptor: []
"#,
        r#"
error: unknown field `descriptor`
 --> a.yaml:2:1
  |
2 | descriptor: []
  | ^^^^^^^^^^
  = field: descriptor
  = help: did you mean `descriptors`?

error: a second document in one file
 --> a.yaml:3:1
  |
3 | ---
  | ^^^
  = help: keep one document, and put the other into a file of its own
"#,
    );
}

#[test]
fn a_second_document_after_an_empty_one() {
    check(
        r#"# Nothing.
---
---
domain: e
"#,
        r#"
error: a second document in one file
 --> a.yaml:3:1
  |
3 | ---
  | ^^^
  = help: keep one document, and put the other into a file of its own
"#,
    );
}
