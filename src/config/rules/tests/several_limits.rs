//! `rate_limits` and `limits`: several limits on one rule, accepted and refused.

use super::{accept_descriptor, check_descriptors};
use crate::decision::rules::spec::{LimitSpec, QuotaSpec};

/// The limits in the order of the file, as `10/minute`.
#[track_caller]
fn check_accepted(field: &str, expected: &[&str]) {
    let spec = accept_descriptor(&format!("  - key: k\n    {field}\n"));
    let written = |one: &LimitSpec| match one.quota {
        QuotaSpec::Counted(limit) => format!("{}/{}", limit.requests_per_unit, limit.period),
        QuotaSpec::Unlimited => "unlimited".to_owned(),
    };
    assert_eq!(spec.limits().map(written).collect::<Vec<_>>(), expected, "{field}");
    assert_eq!(spec.limit.is_some(), !expected.is_empty());
}

#[test]
fn short_text() {
    check_accepted("limits: [10/s, 500/h, 5000/d]", &["10/second", "500/hour", "5000/day"]);
    check_accepted("limits: \"10/s\"", &["10/second"]);
    check_accepted("limits: 10/m", &["10/minute"]);
    check_accepted("limits: [7/w]", &["7/week"]);
    check_accepted("limits: [10/minute, 20/Month, 30 / year]", &["10/minute", "20/month", "30/year"]);
    check_accepted(
        "limits: ['100/5m', 100 /1h30m, \" 4294967295/ 36h \"]",
        &["100/5m", "100/90m", "4294967295/36h"],
    );
    check_accepted("limits: [0/s]", &["0/second"]);
    check_accepted(
        "limits: [1/1s, 1/2s, 1/3s, 1/4s, 1/5s, 1/6s, 1/7s, 1/8s]",
        &["1/second", "1/2s", "1/3s", "1/4s", "1/5s", "1/6s", "1/7s", "1/8s"],
    );
    check_accepted("limits:\n      - 10/s\n      - 500/h", &["10/second", "500/hour"]);
}

#[test]
fn a_list_of_what_rate_limit_takes() {
    check_accepted(
        "rate_limits: [{requests_per_unit: 10, unit: second}, {requests_per_unit: 500, per: 1h, unlimited: false}]",
        &["10/second", "500/hour"],
    );
    check_accepted("rate_limits: [{unit: day, unit_multiplier: 2, requests_per_unit: 1}]", &["1/2d"]);
    let spec = accept_descriptor(
        "  - key: k
    rate_limits:
      - {name: a, unit: second, requests_per_unit: 10, replaces: [{name: x}]}
      - {name: b, unit: hour, requests_per_unit: 500, hits_multiplier: 2, max_hits: 9, replaces: [{name: y}]}
",
    );
    let told: Vec<_> = spec.limits().map(|one| (one.name.as_deref(), &*one.replaces[0])).collect();
    assert_eq!(told, [(Some("a"), "x"), (Some("b"), "y")]);
    assert_eq!(spec.further_limits[0].cost.multiplier.get(), 2);
    assert_eq!(spec.limit.unwrap().cost.multiplier.get(), 1);
}

#[test]
fn one_field_says_all_limits() {
    check_descriptors(
        "  - key: k
    rate_limit: {unit: day, requests_per_unit: 1}
    limits: 10/s
  - key: l
    limits: [10/s]
    rate_limits: [{unit: day, requests_per_unit: 1}]
",
        "
error: `limits` beside `rate_limit`
 --> a.yaml:5:5
  |
5 |     limits: 10/s
  |     ^^^^^^
  = field: descriptors[0].limits
  = help: a rule has one of the two; write all its limits there

error: `rate_limits` beside `limits`
 --> a.yaml:8:5
  |
8 |     rate_limits: [{unit: day, requests_per_unit: 1}]
  |     ^^^^^^^^^^^
  = field: descriptors[1].rate_limits
  = help: a rule has one of the two; write all its limits there
",
    );
}

#[test]
fn nothing_or_too_much() {
    check_descriptors(
        "  - key: k
    limits: []
  - key: l
    rate_limits:
  - key: m
    limits: [1/1s, 1/2s, 1/3s, 1/4s, 1/5s, 1/6s, 1/7s, 1/8s, 1/9s]
  - key: n
    limits: {unit: day}
  - key: o
    rate_limits: {unit: day, requests_per_unit: 1}
",
        "
error: `limits` is empty
 --> a.yaml:4:13
  |
4 |     limits: []
  |             ^
  = field: descriptors[0].limits
  = help: write the limits in it, or leave the field out

error: `rate_limits` is empty
 --> a.yaml:6:5
  |
6 |     rate_limits:
  |     ^^^^^^^^^^^
  = field: descriptors[1].rate_limits
  = help: write the limits in it, or leave the field out

error: 9 limits on one rule
 --> a.yaml:8:13
  |
8 |     limits: [1/1s, 1/2s, 1/3s, 1/4s, 1/5s, 1/6s, 1/7s, 1/8s, 1/9s]
  |             ^
  = field: descriptors[2].limits
  = help: each is one more counter for every request; a rule has 8 at the most

error: `limits` must be text or a list of texts, not a mapping
  --> a.yaml:10:13
   |
10 |     limits: {unit: day}
   |             ^
   = field: descriptors[3].limits
   = help: write `limits: [10/s, 500/h]`; what has fields belongs under `rate_limits`

error: `rate_limits` must be a list, not a mapping
  --> a.yaml:12:18
   |
12 |     rate_limits: {unit: day, requests_per_unit: 1}
   |                  ^
   = field: descriptors[4].rate_limits
   = help: put `- ` before each limit; or did you mean `rate_limit`, which has one?
",
    );
}

#[test]
fn windows_of_the_same_length() {
    check_descriptors(
        "  - key: k
    limits: [10/s, 500/h, 400/60m]
  - key: l
    rate_limits:
      - {unit: minute, requests_per_unit: 1}
      - {per: 60s, requests_per_unit: 2}
",
        "
error: two limits for windows of the same length, `hour`
 --> a.yaml:4:27
  |
4 |     limits: [10/s, 500/h, 400/60m]
  |                           ^^^^^^^
  = field: descriptors[0].limits[2]
  = help: keep the smaller one, which decides; the first is in line 4, column 20

error: two limits for windows of the same length, `minute`
 --> a.yaml:8:9
  |
8 |       - {per: 60s, requests_per_unit: 2}
  |         ^
  = field: descriptors[1].rate_limits[1]
  = help: keep the smaller one, which decides; the first is in line 7, column 9
",
    );
}

#[test]
fn windows_of_the_same_length_where_a_request_does_not_cost_the_same() {
    check_descriptors(
        "  - key: k
    rate_limits:
      - {unit: minute, requests_per_unit: 10, hits_multiplier: 5}
      - {per: 60s, requests_per_unit: 20}
",
        "
error: two limits for windows of the same length, `minute`
 --> a.yaml:6:9
  |
6 |       - {per: 60s, requests_per_unit: 20}
  |         ^
  = field: descriptors[0].rate_limits[1]
  = help: they would have one counter, and a request does not cost the same in both; keep one of them, or give them windows of different lengths; the first is in line 5, column 9
",
    );
}

#[test]
fn several_limits_in_one_text() {
    check_descriptors(
        "  - key: k
    limits: 10/s, 500/h
  - key: l
    limits: [\"10/s;500/h  5000/d\", '1,000/h']
",
        "
error: `10/s, 500/h` is not one limit
 --> a.yaml:4:13
  |
4 |     limits: 10/s, 500/h
  |             ^^^^^^^^^^^
  = field: descriptors[0].limits
  = help: write a list: `[10/s, 500/h]`

error: the text `10/s;500/h  5000/d` is not one limit
 --> a.yaml:6:14
  |
6 |     limits: [\"10/s;500/h  5000/d\", '1,000/h']
  |              ^^^^^^^^^^^^^^^^^^^^
  = field: descriptors[1].limits[0]
  = help: write a list: `[10/s, 500/h, 5000/d]`

error: the text `1,000/h`: `1,000` is no whole number
 --> a.yaml:6:36
  |
6 |     limits: [\"10/s;500/h  5000/d\", '1,000/h']
  |                                    ^^^^^^^^^
  = field: descriptors[1].limits[1]
  = help: write a number and a window, as in `10/s`, `500/h`, `100/5m` or `10/minute`
",
    );
}

#[test]
fn unlimited_is_no_limit_beside_others() {
    check_descriptors(
        "  - key: k
    rate_limits: [{unit: day, requests_per_unit: 1}, {unlimited: true}]
  - key: l
    limits: [10/s, unlimited]
",
        "
error: `unlimited` in a list of limits
 --> a.yaml:4:54
  |
4 |     rate_limits: [{unit: day, requests_per_unit: 1}, {unlimited: true}]
  |                                                      ^
  = field: descriptors[0].rate_limits[1]
  = help: an unlimited rule counts nothing; write `rate_limit: {unlimited: true}` alone, or leave it out

error: `unlimited` in a list of limits
 --> a.yaml:6:20
  |
6 |     limits: [10/s, unlimited]
  |                    ^^^^^^^^^
  = field: descriptors[1].limits[1]
  = help: an unlimited rule counts nothing; write `rate_limit: {unlimited: true}` alone, or leave it out
",
    );
}

#[test]
fn short_text_without_a_number() {
    check_descriptors(
        "  - key: k
    limits: [/s, ten/s, 010/s, 4294967296/s, -1/s, 1.5/s]
",
        "
error: `/s`: the number is missing
 --> a.yaml:4:14
  |
4 |     limits: [/s, ten/s, 010/s, 4294967296/s, -1/s, 1.5/s]
  |              ^^
  = field: descriptors[0].limits[0]
  = help: write a number and a window, as in `10/s`, `500/h`, `100/5m` or `10/minute`

error: `ten/s`: `ten` is no whole number
 --> a.yaml:4:18
  |
4 |     limits: [/s, ten/s, 010/s, 4294967296/s, -1/s, 1.5/s]
  |                  ^^^^^
  = field: descriptors[0].limits[1]
  = help: write a number and a window, as in `10/s`, `500/h`, `100/5m` or `10/minute`

error: `010/s`: `010` begins with a zero, which means octal to some readers
 --> a.yaml:4:25
  |
4 |     limits: [/s, ten/s, 010/s, 4294967296/s, -1/s, 1.5/s]
  |                         ^^^^^
  = field: descriptors[0].limits[2]
  = help: write a number and a window, as in `10/s`, `500/h`, `100/5m` or `10/minute`

error: `4294967296/s`: `4294967296` is too large
 --> a.yaml:4:32
  |
4 |     limits: [/s, ten/s, 010/s, 4294967296/s, -1/s, 1.5/s]
  |                                ^^^^^^^^^^^^
  = field: descriptors[0].limits[3]
  = help: write a number from 0 to 4294967295

error: `-1/s`: `-1` is no whole number
 --> a.yaml:4:46
  |
4 |     limits: [/s, ten/s, 010/s, 4294967296/s, -1/s, 1.5/s]
  |                                              ^^^^
  = field: descriptors[0].limits[4]
  = help: write a number and a window, as in `10/s`, `500/h`, `100/5m` or `10/minute`; before an item of a list write `- `, with a space

error: `1.5/s`: `1.5` is no whole number
 --> a.yaml:4:52
  |
4 |     limits: [/s, ten/s, 010/s, 4294967296/s, -1/s, 1.5/s]
  |                                                    ^^^^^
  = field: descriptors[0].limits[5]
  = help: write a number and a window, as in `10/s`, `500/h`, `100/5m` or `10/minute`
",
    );
}

#[test]
fn short_text_without_a_window() {
    check_descriptors(
        "  - key: k
    limits: [10/, 10/min, 10/4000d, 10/5 m, 10/s/h]
",
        "
error: `10/`: the window is missing
 --> a.yaml:4:14
  |
4 |     limits: [10/, 10/min, 10/4000d, 10/5 m, 10/s/h]
  |              ^^^
  = field: descriptors[0].limits[0]
  = help: a window is one of s, m, h, d, w, or as in 30s, 5m, 36h, 1h30m, or a unit's name

error: `10/min`: `min` is no window
 --> a.yaml:4:19
  |
4 |     limits: [10/, 10/min, 10/4000d, 10/5 m, 10/s/h]
  |                   ^^^^^^
  = field: descriptors[0].limits[1]
  = help: did you mean `minute`? a window is one of s, m, h, d, w, or as in 30s, 5m, 36h, 1h30m, or a unit's name

error: `10/4000d`: a window must be from 1s to 3650d long
 --> a.yaml:4:27
  |
4 |     limits: [10/, 10/min, 10/4000d, 10/5 m, 10/s/h]
  |                           ^^^^^^^^
  = field: descriptors[0].limits[2]
  = help: write one of any length in between, as in `10/s`, `10/36h`, `10/3650d`

error: `10/5 m`: `5 m` is no window
 --> a.yaml:4:37
  |
4 |     limits: [10/, 10/min, 10/4000d, 10/5 m, 10/s/h]
  |                                     ^^^^^^
  = field: descriptors[0].limits[3]
  = help: a window is one of s, m, h, d, w, or as in 30s, 5m, 36h, 1h30m, or a unit's name

error: `10/s/h`: `s/h` is no window
 --> a.yaml:4:45
  |
4 |     limits: [10/, 10/min, 10/4000d, 10/5 m, 10/s/h]
  |                                             ^^^^^^
  = field: descriptors[0].limits[4]
  = help: a window is one of s, m, h, d, w, or as in 30s, 5m, 36h, 1h30m, or a unit's name
",
    );
}

#[test]
fn what_is_no_short_text() {
    check_descriptors(
        "  - key: k
    limits: [10, {unit: day}, ~]
",
        "
error: `10` is no limit
 --> a.yaml:4:14
  |
4 |     limits: [10, {unit: day}, ~]
  |              ^^
  = field: descriptors[0].limits[0]
  = help: write a number and a window, as in `10/s`, `500/h`, `100/5m` or `10/minute`

error: a limit in `limits` must be text, not a mapping
 --> a.yaml:4:18
  |
4 |     limits: [10, {unit: day}, ~]
  |                  ^
  = field: descriptors[0].limits[1]
  = help: write a number and a window, as in `10/s`, `500/h`, `100/5m` or `10/minute`; what has fields belongs under `rate_limits`

error: `~` is no limit
 --> a.yaml:4:31
  |
4 |     limits: [10, {unit: day}, ~]
  |                               ^
  = field: descriptors[0].limits[2]
  = help: write a number and a window, as in `10/s`, `500/h`, `100/5m` or `10/minute`
",
    );
}

#[test]
fn items_of_rate_limits_are_held_to_what_rate_limit_is() {
    check_descriptors(
        "  - key: k
    rate_limits:
      - {requests_per_unit: 1}
      - {unit: day}
      - 10/s
      - {unit: day, requests_per_unit: 1, unitt: day}
      -
",
        "
error: an item of `rate_limits` without `unit`
 --> a.yaml:5:9
  |
5 |       - {requests_per_unit: 1}
  |         ^
  = field: descriptors[0].rate_limits[0]
  = help: write `unit: minute`, or another of second, hour, day, week, month, year; or `per: 5m`

error: an item of `rate_limits` without `requests_per_unit`
 --> a.yaml:6:9
  |
6 |       - {unit: day}
  |         ^
  = field: descriptors[0].rate_limits[1]
  = help: write `requests_per_unit: 10`; 0 denies everything

error: each item of `rate_limits` must be a mapping, not `10/s`
 --> a.yaml:7:9
  |
7 |       - 10/s
  |         ^^^^
  = field: descriptors[0].rate_limits[2]
  = help: write `{requests_per_unit: 10, unit: second}`; text such as `10/s` belongs under `limits`

error: unknown field `unitt`
 --> a.yaml:8:43
  |
8 |       - {unit: day, requests_per_unit: 1, unitt: day}
  |                                           ^^^^^
  = field: descriptors[0].rate_limits[3].unitt
  = help: did you mean `unit`?

error: an item of `rate_limits` without `unit`
 --> a.yaml:9:8
  |
9 |       -
  |        ^
  = field: descriptors[0].rate_limits[4]
  = help: write `unit: minute`, or another of second, hour, day, week, month, year; or `per: 5m`

error: an item of `rate_limits` without `requests_per_unit`
 --> a.yaml:9:8
  |
9 |       -
  |        ^
  = field: descriptors[0].rate_limits[4]
  = help: write `requests_per_unit: 10`; 0 denies everything
",
    );
}

#[test]
fn no_limit_replaces_its_own_rule() {
    check_descriptors(
        "  - key: k
    rate_limits:
      - {name: a, unit: day, requests_per_unit: 1}
      - {name: b, unit: hour, requests_per_unit: 1, replaces: [{name: a}]}
",
        "
error: a rule cannot replace itself, `a`
 --> a.yaml:6:71
  |
6 |       - {name: b, unit: hour, requests_per_unit: 1, replaces: [{name: a}]}
  |                                                                       ^
  = field: descriptors[0].rate_limits[1].replaces[0]
  = help: name another rule, or leave it out
",
    );
}
