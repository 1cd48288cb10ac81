//! Names: unknown, astray, repeated or missing.

use super::{check, check_descriptors};

#[test]
fn an_unknown_field_and_what_was_meant() {
    check_descriptors(
        r#"  - key: k
    rate_limit:
      unit: minute
      request_per_unit: 10
"#,
        r#"
error: unknown field `request_per_unit`
 --> a.yaml:6:7
  |
6 |       request_per_unit: 10
  |       ^^^^^^^^^^^^^^^^
  = field: descriptors[0].rate_limit.request_per_unit
  = help: did you mean `requests_per_unit`?
"#,
    );
}

#[test]
fn a_field_that_resembles_nothing() {
    check_descriptors(
        r#"  - key: k
    colour: 3
"#,
        r#"
error: unknown field `colour`
 --> a.yaml:4:5
  |
4 |     colour: 3
  |     ^^^^^^
  = field: descriptors[0].colour
  = help: known here: key, value, rate_limit, rate_limits, limits, descriptors, shadow_mode, quota_mode, detailed_metric, value_to_metric, share_threshold, on_store_failure, metadata
"#,
    );
}

#[test]
fn fields_of_the_limit_beside_it() {
    check_descriptors(
        r#"  - key: k
    unit: minute
    request_per_unit: 1
"#,
        r#"
error: unknown field `unit`
 --> a.yaml:4:5
  |
4 |     unit: minute
  |     ^^^^
  = field: descriptors[0].unit
  = help: `unit` belongs under `rate_limit`

error: unknown field `request_per_unit`
 --> a.yaml:5:5
  |
5 |     request_per_unit: 1
  |     ^^^^^^^^^^^^^^^^
  = field: descriptors[0].request_per_unit
  = help: did you mean `requests_per_unit`? it belongs under `rate_limit`
"#,
    );
}

#[test]
fn fields_of_the_file_in_a_descriptor() {
    check_descriptors(
        r#"  - key: k
    domain: x
"#,
        r#"
error: unknown field `domain`
 --> a.yaml:4:5
  |
4 |     domain: x
  |     ^^^^^^
  = field: descriptors[0].domain
  = help: `domain` belongs at the top of the file
"#,
    );
}

#[test]
fn fields_of_the_descriptor_in_the_limit() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unit: minute, requests_per_unit: 1, shadow_mode: true}
"#,
        r#"
error: unknown field `shadow_mode`
 --> a.yaml:4:54
  |
4 |     rate_limit: {unit: minute, requests_per_unit: 1, shadow_mode: true}
  |                                                      ^^^^^^^^^^^
  = field: descriptors[0].rate_limit.shadow_mode
  = help: `shadow_mode` belongs in an item of `descriptors`
"#,
    );
}

#[test]
fn fields_of_the_descriptor_in_the_file() {
    check(
        r#"domain: d
key: x
rate_limit: {}
"#,
        r#"
error: unknown field `key`
 --> a.yaml:2:1
  |
2 | key: x
  | ^^^
  = field: key
  = help: `key` belongs in an item of `descriptors`

error: unknown field `rate_limit`
 --> a.yaml:3:1
  |
3 | rate_limit: {}
  | ^^^^^^^^^^
  = field: rate_limit
  = help: `rate_limit` belongs in an item of `descriptors`
"#,
    );
}

#[test]
fn a_descriptor_without_a_key() {
    check_descriptors(
        "  - value: v\n",
        r#"
error: a descriptor without a key
 --> a.yaml:3:5
  |
3 |   - value: v
  |     ^^^^^^^^
  = field: descriptors[0]
  = help: write `key: name`, with the key of Envoy's descriptor entry
"#,
    );
}

#[test]
fn an_empty_key() {
    check_descriptors(
        r#"  - key:
  - key: ""
"#,
        r#"
error: a descriptor without a key
 --> a.yaml:3:5
  |
3 |   - key:
  |     ^^^
  = field: descriptors[0]
  = help: write `key: name`, with the key of Envoy's descriptor entry

error: a descriptor without a key
 --> a.yaml:4:5
  |
4 |   - key: ""
  |     ^^^
  = field: descriptors[1]
  = help: write `key: name`, with the key of Envoy's descriptor entry
"#,
    );
}

#[test]
fn a_misspelled_key_is_not_missing_as_well() {
    check_descriptors(
        "  - kye: k\n",
        r#"
error: unknown field `kye`
 --> a.yaml:3:5
  |
3 |   - kye: k
  |     ^^^
  = field: descriptors[0].kye
  = help: did you mean `key`?
"#,
    );
}

#[test]
fn a_repeated_name() {
    check_descriptors(
        r#"  - key: k
    key: l
    metadata: {a: {b: 1, b: 2}}
"#,
        r#"
error: `key` stands twice in one mapping
 --> a.yaml:4:5
  |
4 |     key: l
  |     ^^^
  = field: descriptors[0].key
  = help: keep one of the two; the first is in line 3, column 5

error: `b` stands twice in one mapping
 --> a.yaml:5:26
  |
5 |     metadata: {a: {b: 1, b: 2}}
  |                          ^
  = field: descriptors[0].metadata.a.b
  = help: keep one of the two; the first is in line 5, column 20
"#,
    );
}

#[test]
fn the_same_descriptor_twice() {
    check_descriptors(
        r#"  - key: k
    value: a
  - key: k
  - key: k
    value: a
  - key: k
    value: ""
  - key: k
    value:
"#,
        r#"
error: the descriptor `k` = `a` stands twice at this level
 --> a.yaml:6:5
  |
6 |   - key: k
  |     ^^^
  = field: descriptors[2]
  = help: keep one of the two; the first is in line 3, column 5

error: the descriptor `k` without a value stands twice at this level
 --> a.yaml:8:5
  |
8 |   - key: k
  |     ^^^
  = field: descriptors[3]
  = help: keep one of the two; the first is in line 5, column 5

error: the descriptor `k` without a value stands twice at this level
  --> a.yaml:10:5
   |
10 |   - key: k
   |     ^^^
   = field: descriptors[4]
   = help: keep one of the two; the first is in line 5, column 5
"#,
    );
}

#[test]
fn the_same_descriptor_twice_below() {
    check_descriptors(
        r#"  - key: k
    descriptors:
      - key: l
      - broken: true
      - key: l
"#,
        r#"
error: unknown field `broken`
 --> a.yaml:6:9
  |
6 |       - broken: true
  |         ^^^^^^
  = field: descriptors[0].descriptors[1].broken
  = help: known here: key, value, rate_limit, rate_limits, limits, descriptors, shadow_mode, quota_mode, detailed_metric, value_to_metric, share_threshold, on_store_failure, metadata

error: a descriptor without a key
 --> a.yaml:6:9
  |
6 |       - broken: true
  |         ^^^^^^^^^^^^
  = field: descriptors[0].descriptors[1]
  = help: write `key: name`, with the key of Envoy's descriptor entry

error: the descriptor `l` without a value stands twice at this level
 --> a.yaml:7:9
  |
7 |       - key: l
  |         ^^^
  = field: descriptors[0].descriptors[2]
  = help: keep one of the two; the first is in line 5, column 9
"#,
    );
}

#[test]
fn share_threshold_without_a_pattern() {
    check_descriptors(
        r#"  - key: k
    value: a
    share_threshold: true
  - key: l
    share_threshold: true
"#,
        r#"
error: `share_threshold` needs a pattern, a value with `*` in it
 --> a.yaml:5:22
  |
5 |     share_threshold: true
  |                      ^^^^
  = field: descriptors[0].share_threshold
  = help: write a pattern such as `value: "/api/*"`, or leave `share_threshold` out

error: `share_threshold` needs a pattern, a value with `*` in it
 --> a.yaml:7:22
  |
7 |     share_threshold: true
  |                      ^^^^
  = field: descriptors[1].share_threshold
  = help: write a pattern such as `value: "/api/*"`, or leave `share_threshold` out
"#,
    );
}

#[test]
fn a_misspelt_answer_to_a_lost_store() {
    check_descriptors(
        r#"  - key: k
    on_store_failure: alow
    on_store_falure: deny
  - key: l
    on_store_failure: [deny]
    rate_limit: {unit: day, requests_per_unit: 1, on_store_failure: open}
"#,
        r#"
error: `on_store_failure` cannot be `alow`
 --> a.yaml:4:23
  |
4 |     on_store_failure: alow
  |                       ^^^^
  = field: descriptors[0].on_store_failure
  = help: did you mean `allow`? it can be: local, allow, deny

error: unknown field `on_store_falure`
 --> a.yaml:5:5
  |
5 |     on_store_falure: deny
  |     ^^^^^^^^^^^^^^^
  = field: descriptors[0].on_store_falure
  = help: did you mean `on_store_failure`?

error: `on_store_failure` must be text, not a list
 --> a.yaml:7:23
  |
7 |     on_store_failure: [deny]
  |                       ^
  = field: descriptors[1].on_store_failure
  = help: put text that begins with a bracket in quotes

error: unknown field `on_store_failure`
 --> a.yaml:8:51
  |
8 |     rate_limit: {unit: day, requests_per_unit: 1, on_store_failure: open}
  |                                                   ^^^^^^^^^^^^^^^^
  = field: descriptors[1].rate_limit.on_store_failure
  = help: `on_store_failure` belongs in an item of `descriptors`
"#,
    );
}
