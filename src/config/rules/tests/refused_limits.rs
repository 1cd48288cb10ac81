//! `rate_limit` and its fields.

use super::check_descriptors;

#[test]
fn an_unknown_unit() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unit: minutes, requests_per_unit: 1}
  - key: l
    rate_limit: {unit: h, requests_per_unit: 1}
  - key: m
    rate_limit: {unit: fortnight, requests_per_unit: 1}
"#,
        r#"
error: unknown unit `minutes`
 --> a.yaml:4:24
  |
4 |     rate_limit: {unit: minutes, requests_per_unit: 1}
  |                        ^^^^^^^
  = field: descriptors[0].rate_limit.unit
  = help: did you mean `minute`? the units are second, minute, hour, day, week, month, year

error: unknown unit `h`
 --> a.yaml:6:24
  |
6 |     rate_limit: {unit: h, requests_per_unit: 1}
  |                        ^
  = field: descriptors[1].rate_limit.unit
  = help: did you mean `hour`? the units are second, minute, hour, day, week, month, year

error: unknown unit `fortnight`
 --> a.yaml:8:24
  |
8 |     rate_limit: {unit: fortnight, requests_per_unit: 1}
  |                        ^^^^^^^^^
  = field: descriptors[2].rate_limit.unit
  = help: the units are second, minute, hour, day, week, month, year
"#,
    );
}

#[test]
fn numbers_out_of_bounds() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unit: day, requests_per_unit: -1}
  - key: l
    rate_limit: {unit: day, requests_per_unit: 4294967296}
  - key: m
    rate_limit: {unit: day, requests_per_unit: 1e300}
"#,
        r#"
error: `requests_per_unit` is too small: `-1`
 --> a.yaml:4:48
  |
4 |     rate_limit: {unit: day, requests_per_unit: -1}
  |                                                ^^
  = field: descriptors[0].rate_limit.requests_per_unit
  = help: write a number from 0 to 4294967295

error: `requests_per_unit` is too large: `4294967296`
 --> a.yaml:6:48
  |
6 |     rate_limit: {unit: day, requests_per_unit: 4294967296}
  |                                                ^^^^^^^^^^
  = field: descriptors[1].rate_limit.requests_per_unit
  = help: write a number from 0 to 4294967295

error: `requests_per_unit` is too large: `1e300`
 --> a.yaml:8:48
  |
8 |     rate_limit: {unit: day, requests_per_unit: 1e300}
  |                                                ^^^^^
  = field: descriptors[2].rate_limit.requests_per_unit
  = help: write a number from 0 to 4294967295
"#,
    );
}

#[test]
fn fractions() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unit: day, requests_per_unit: 1.5}
  - key: l
    rate_limit: {unit: day, requests_per_unit: 1e3}
"#,
        r#"
error: `requests_per_unit` must be a whole number, not `1.5`
 --> a.yaml:4:48
  |
4 |     rate_limit: {unit: day, requests_per_unit: 1.5}
  |                                                ^^^
  = field: descriptors[0].rate_limit.requests_per_unit
  = help: write it without a fraction

error: `requests_per_unit` must be a whole number, not `1e3`
 --> a.yaml:6:48
  |
6 |     rate_limit: {unit: day, requests_per_unit: 1e3}
  |                                                ^^^
  = field: descriptors[1].rate_limit.requests_per_unit
  = help: write `1000`
"#,
    );
}

#[test]
fn a_number_in_quotes() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unit: day, requests_per_unit: "10"}
"#,
        r#"
error: `requests_per_unit` must be a whole number, not the text `10`
 --> a.yaml:4:48
  |
4 |     rate_limit: {unit: day, requests_per_unit: "10"}
  |                                                ^^^^
  = field: descriptors[0].rate_limit.requests_per_unit
  = help: write `10`, without quotes
"#,
    );
}

#[test]
fn a_number_with_a_leading_zero() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unit: day, requests_per_unit: 010}
"#,
        r#"
error: `requests_per_unit` must be a whole number, not `010`
 --> a.yaml:4:48
  |
4 |     rate_limit: {unit: day, requests_per_unit: 010}
  |                                                ^^^
  = field: descriptors[0].rate_limit.requests_per_unit
  = help: a leading zero means octal to some readers; write `10`
"#,
    );
}

#[test]
fn no_number_at_all() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unit: day, requests_per_unit: ten}
  - key: l
    rate_limit: {unit: day, requests_per_unit: [1]}
"#,
        r#"
error: `requests_per_unit` must be a whole number, not `ten`
 --> a.yaml:4:48
  |
4 |     rate_limit: {unit: day, requests_per_unit: ten}
  |                                                ^^^
  = field: descriptors[0].rate_limit.requests_per_unit
  = help: write digits

error: `requests_per_unit` must be a whole number, not a list
 --> a.yaml:6:48
  |
6 |     rate_limit: {unit: day, requests_per_unit: [1]}
  |                                                ^
  = field: descriptors[1].rate_limit.requests_per_unit
  = help: write digits
"#,
    );
}

#[test]
fn a_limit_without_a_number() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unit: day}
"#,
        r#"
error: `rate_limit` without `requests_per_unit`
 --> a.yaml:4:5
  |
4 |     rate_limit: {unit: day}
  |     ^^^^^^^^^^
  = field: descriptors[0].rate_limit
  = help: write `requests_per_unit: 10`; 0 denies everything, `unlimited: true` nothing
"#,
    );
}

#[test]
fn a_limit_that_says_nothing_at_all() {
    for text in ["rate_limit:", "rate_limit: ~", "rate_limit: null", "rate_limit: *nothing"] {
        check_descriptors(
            &format!("  - {{key: a, value: &nothing }}\n  - key: k\n    {text}\n"),
            &format!(
                "
error: `rate_limit` is empty
 --> a.yaml:5:5
  |
5 |     {text}
  |     ^^^^^^^^^^
  = field: descriptors[1].rate_limit
  = help: write `unit` and `requests_per_unit` or `unlimited: true` under it, or leave the field out
"
            ),
        );
    }
}

#[test]
fn an_empty_limit() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {}
"#,
        r#"
error: `rate_limit` without `unit`
 --> a.yaml:4:5
  |
4 |     rate_limit: {}
  |     ^^^^^^^^^^
  = field: descriptors[0].rate_limit
  = help: write `unit: minute`, or another of second, hour, day, week, month, year; or `per: 5m`

error: `rate_limit` without `requests_per_unit`
 --> a.yaml:4:5
  |
4 |     rate_limit: {}
  |     ^^^^^^^^^^
  = field: descriptors[0].rate_limit
  = help: write `requests_per_unit: 10`; 0 denies everything, `unlimited: true` nothing
"#,
    );
}

#[test]
fn a_limit_that_is_a_number() {
    check_descriptors(
        r#"  - key: k
    rate_limit: 10
"#,
        r#"
error: `rate_limit` must be a mapping, not a number
 --> a.yaml:4:17
  |
4 |     rate_limit: 10
  |                 ^^
  = field: descriptors[0].rate_limit
  = help: write lines of `name: value`
"#,
    );
}

#[test]
fn fields_that_contradict_unlimited() {
    check_descriptors(
        r#"  - key: k
    rate_limit:
      unlimited: true
      unit: day
      requests_per_unit: 1
"#,
        r#"
error: `unit` beside `unlimited: true`
 --> a.yaml:6:7
  |
6 |       unit: day
  |       ^^^^
  = field: descriptors[0].rate_limit.unit
  = help: an unlimited rule counts nothing; leave one of the two out

error: `requests_per_unit` beside `unlimited: true`
 --> a.yaml:7:7
  |
7 |       requests_per_unit: 1
  |       ^^^^^^^^^^^^^^^^^
  = field: descriptors[0].rate_limit.requests_per_unit
  = help: an unlimited rule counts nothing; leave one of the two out
"#,
    );
}

#[test]
fn a_known_and_an_unknown_unit_beside_unlimited() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unlimited: true, unit: fortnight}
"#,
        r#"
error: `unit` beside `unlimited: true`
 --> a.yaml:4:35
  |
4 |     rate_limit: {unlimited: true, unit: fortnight}
  |                                   ^^^^
  = field: descriptors[0].rate_limit.unit
  = help: an unlimited rule counts nothing; leave one of the two out

error: unknown unit `fortnight`
 --> a.yaml:4:41
  |
4 |     rate_limit: {unlimited: true, unit: fortnight}
  |                                         ^^^^^^^^^
  = field: descriptors[0].rate_limit.unit
  = help: the units are second, minute, hour, day, week, month, year
"#,
    );
}

#[test]
fn replacing_nothing_or_itself() {
    check_descriptors(
        r#"  - key: k
    rate_limit:
      unit: day
      requests_per_unit: 1
      name: n
      replaces:
        - name: n
        - name: ""
        - {}
        - nmae: x
        - y
"#,
        r#"
error: a rule cannot replace itself, `n`
 --> a.yaml:9:17
  |
9 |         - name: n
  |                 ^
  = field: descriptors[0].rate_limit.replaces[0]
  = help: name another rule, or leave it out

error: `replaces` without a name
  --> a.yaml:10:17
   |
10 |         - name: ""
   |                 ^^
   = field: descriptors[0].rate_limit.replaces[1]
   = help: write `- name: x`, the `rate_limit.name` of another rule

error: `replaces` without a name
  --> a.yaml:11:11
   |
11 |         - {}
   |           ^
   = field: descriptors[0].rate_limit.replaces[2]
   = help: write `- name: x`, the `rate_limit.name` of another rule

error: unknown field `nmae`
  --> a.yaml:12:11
   |
12 |         - nmae: x
   |           ^^^^
   = field: descriptors[0].rate_limit.replaces[3].nmae
   = help: did you mean `name`?

error: `y` names no rule
  --> a.yaml:13:11
   |
13 |         - y
   |           ^
   = field: descriptors[0].rate_limit.replaces[4]
   = help: write `- name: x`, the `rate_limit.name` of another rule
"#,
    );
}

#[test]
fn costs_that_cost_nothing() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unit: day, requests_per_unit: 1, hits_multiplier: 0}
  - key: l
    rate_limit: {unit: day, requests_per_unit: 1, max_hits: 0}
  - key: m
    rate_limit: {unlimited: true, max_hits: 5}
"#,
        r#"
error: `hits_multiplier` is too small: `0`
 --> a.yaml:4:68
  |
4 |     rate_limit: {unit: day, requests_per_unit: 1, hits_multiplier: 0}
  |                                                                    ^
  = field: descriptors[0].rate_limit.hits_multiplier
  = help: write a number from 1 to 4294967295

error: `max_hits` is too small: `0`
 --> a.yaml:6:61
  |
6 |     rate_limit: {unit: day, requests_per_unit: 1, max_hits: 0}
  |                                                             ^
  = field: descriptors[1].rate_limit.max_hits
  = help: write a number from 1 to 4294967295

error: `max_hits` beside `unlimited: true`
 --> a.yaml:8:35
  |
8 |     rate_limit: {unlimited: true, max_hits: 5}
  |                                   ^^^^^^^^
  = field: descriptors[2].rate_limit.max_hits
  = help: an unlimited rule counts nothing; leave one of the two out
"#,
    );
}
