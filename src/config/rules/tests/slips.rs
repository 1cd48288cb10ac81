//! Slips of the pen: the fault names the mistake, where it was made, and not what it led to.

use super::check_descriptors;

#[test]
fn a_tab_behind_a_line_that_is_right() {
    check_descriptors(
        "  - key: a
\t  value: b
",
        "
error: not valid YAML: a tab
 --> a.yaml:4:1
  |
4 |       value: b
  | ^^^^
  = help: indent with spaces
",
    );
}

#[test]
fn a_tab_behind_empty_lines() {
    check_descriptors(
        "  - key: a
\x20
\x20\x20
  \tvalue: b
",
        "
error: not valid YAML: a tab
 --> a.yaml:6:3
  |
6 |       value: b
  |   ^^^^
  = help: indent with spaces
",
    );
}

#[test]
fn a_name_without_a_space() {
    check_descriptors(
        "  - key:client
    rate_limit: {unit: day, requests_per_unit: 1}
",
        "
error: not valid YAML: no space after `key:`
 --> a.yaml:3:5
  |
3 |   - key:client
  |     ^^^^
  = help: write `name: value`; without a space this is text
",
    );
}

#[test]
fn several_names_without_a_space() {
    check_descriptors(
        "  - key: k
    rate_limit:
      unit:day
      requests_per_unit:1
    shadow_mode: true
",
        "
error: `rate_limit` must be a mapping, not text
 --> a.yaml:5:7
  |
5 |       unit:day
  |       ^^^^^^^^
  = field: descriptors[0].rate_limit
  = help: write a space after `unit:`
",
    );
}

#[test]
fn the_last_name_without_a_space() {
    check_descriptors(
        "  - key: k
    rate_limit:
      unit: day
      # many
      requests_per_unit:1
",
        "
error: not valid YAML: no space after `requests_per_unit:`
 --> a.yaml:7:7
  |
7 |       requests_per_unit:1
  |       ^^^^^^^^^^^^^^^^^^
  = help: write `name: value`; without a space this is text
",
    );
}

#[test]
fn a_name_without_a_space_alone() {
    check_descriptors(
        "  - key:client
  - key: k
    rate_limit: unit:day
",
        "
error: each item of `descriptors` must be a mapping, not text
 --> a.yaml:3:5
  |
3 |   - key:client
  |     ^^^^^^^^^^
  = field: descriptors[0]
  = help: write a space after `key:`

error: `rate_limit` must be a mapping, not text
 --> a.yaml:5:17
  |
5 |     rate_limit: unit:day
  |                 ^^^^^^^^
  = field: descriptors[1].rate_limit
  = help: write a space after `unit:`
",
    );
}

#[test]
fn a_name_without_a_space_in_brackets() {
    check_descriptors(
        "  - key: k
    rate_limit: {unit:day, requests_per_unit: 1}
",
        "
error: unknown field `unit:day`
 --> a.yaml:4:18
  |
4 |     rate_limit: {unit:day, requests_per_unit: 1}
  |                  ^^^^^^^^
  = field: descriptors[0].rate_limit.unit:day
  = help: write a space after `unit:`
",
    );
}

#[test]
fn an_item_without_a_space() {
    check_descriptors(
        "  - key: k
    limits:
      - 10/s
      -500/h
",
        "
error: not valid YAML: no space after `-`
 --> a.yaml:6:7
  |
6 |       -500/h
  |       ^
  = help: write `- item`; without a space this is text
",
    );
}

#[test]
fn a_descriptor_without_a_space() {
    check_descriptors(
        "  - key: k
  -key: l
",
        "
error: not valid YAML: no space after `-`
 --> a.yaml:4:3
  |
4 |   -key: l
  |   ^
  = help: write `- item`; without a space this is text
",
    );
}

#[test]
fn every_item_without_a_space() {
    check_descriptors(
        "  - key: k
    limits:
      -10/s
      -500/h
",
        "
error: `-10/s -500/h`: `-10` is no whole number
 --> a.yaml:5:7
  |
5 |       -10/s
  |       ^^^^^
  = field: descriptors[0].limits
  = help: write a number and a window, as in `10/s`, `500/h`, `100/5m` or `10/minute`; before an item of a list write `- `, with a space
",
    );
}

#[test]
fn a_bracket_that_stays_open() {
    check_descriptors(
        "  - key: k
    rate_limit: {unit: day, requests_per_unit: 10
    shadow_mode: true
  - key: l
    limits: [10/s]
",
        "
error: not valid YAML: a bracket that stays open
 --> a.yaml:4:17
  |
4 |     rate_limit: {unit: day, requests_per_unit: 10
  |                 ^
  = help: add the closing `}`; line 5 is read as if it stood inside
",
    );
}

#[test]
fn a_bracket_of_a_list_that_stays_open() {
    check_descriptors(
        "  - key: k
    limits: [10/s, 500/h
  - key: l
    limits: [10/s]
",
        "
error: not valid YAML: a bracket that stays open
 --> a.yaml:4:13
  |
4 |     limits: [10/s, 500/h
  |             ^
  = help: add the closing `]`; line 5 is read as if it stood inside
",
    );
}

#[test]
fn the_inner_bracket_that_stays_open() {
    check_descriptors(
        "  - key: k
    rate_limits: [{unit: day, requests_per_unit: 10}, {unit: hour, requests_per_unit: 10
  - key: l
",
        "
error: not valid YAML: a bracket that stays open
 --> a.yaml:4:55
  |
4 |     rate_limits: [{unit: day, requests_per_unit: 10}, {unit: hour, requests_per_unit: 10
  |                                                       ^
  = help: close it behind its last item, and put commas between items
",
    );
}

#[test]
fn a_bracket_that_stays_open_to_the_end() {
    check_descriptors(
        "  - key: k
    limits: [10/s, 500/h
",
        "
error: not valid YAML: a bracket that stays open
 --> a.yaml:4:13
  |
4 |     limits: [10/s, 500/h
  |             ^
  = help: close it behind its last item, and put commas between items
",
    );
}

#[test]
fn a_comma_that_is_missing() {
    check_descriptors(
        "  - key: k
    rate_limit: {
      unit: day
      requests_per_unit: 10,
    }
",
        "
error: not valid YAML: items in brackets without a comma between them
 --> a.yaml:6:24
  |
6 |       requests_per_unit: 10,
  |                        ^
  = help: put a comma between two items, close the bracket behind the last, and put text with `: ` in it in quotes
",
    );
}

#[test]
fn a_colon_in_brackets() {
    check_descriptors(
        "  - key: k
    limits: [
      a: b: c,
    ]
",
        "
error: not valid YAML: items in brackets without a comma between them
 --> a.yaml:5:11
  |
5 |       a: b: c,
  |           ^
  = help: put a comma between two items, close the bracket behind the last, and put text with `: ` in it in quotes
",
    );
}

#[test]
fn quotes_that_stay_open() {
    check_descriptors(
        "  - key: \"k
    value: v
",
        "
error: not valid YAML: quotes that stay open
 --> a.yaml:3:10
  |
3 |   - key: \"k
  |          ^
  = help: add the closing `\"`; all that follows is read as if it stood inside
",
    );
}

#[test]
fn fields_by_other_names() {
    check_descriptors(
        "  - key: k
    shadow: true
    rate_limit: {type: token_bucket, requests: 10, window: 5m, capacity: 20, shadow: true}
  - key: l
    rate_limit: {strategy: token_bucket, Limit: 10, period: 5m}
    requests: 5
  - key: m
    rate_limit: {kind: token_bucket, unit: day}
",
        "
error: unknown field `shadow`
 --> a.yaml:4:5
  |
4 |     shadow: true
  |     ^^^^^^
  = field: descriptors[0].shadow
  = help: did you mean `shadow_mode`?

error: unknown field `type`
 --> a.yaml:5:18
  |
5 |     rate_limit: {type: token_bucket, requests: 10, window: 5m, capacity: 20, shadow: true}
  |                  ^^^^
  = field: descriptors[0].rate_limit.type
  = help: did you mean `algorithm`?

error: unknown field `requests`
 --> a.yaml:5:38
  |
5 |     rate_limit: {type: token_bucket, requests: 10, window: 5m, capacity: 20, shadow: true}
  |                                      ^^^^^^^^
  = field: descriptors[0].rate_limit.requests
  = help: did you mean `requests_per_unit`?

error: unknown field `window`
 --> a.yaml:5:52
  |
5 |     rate_limit: {type: token_bucket, requests: 10, window: 5m, capacity: 20, shadow: true}
  |                                                    ^^^^^^
  = field: descriptors[0].rate_limit.window
  = help: did you mean `per`?

error: unknown field `capacity`
 --> a.yaml:5:64
  |
5 |     rate_limit: {type: token_bucket, requests: 10, window: 5m, capacity: 20, shadow: true}
  |                                                                ^^^^^^^^
  = field: descriptors[0].rate_limit.capacity
  = help: did you mean `burst`?

error: unknown field `shadow`
 --> a.yaml:5:78
  |
5 |     rate_limit: {type: token_bucket, requests: 10, window: 5m, capacity: 20, shadow: true}
  |                                                                              ^^^^^^
  = field: descriptors[0].rate_limit.shadow
  = help: did you mean `shadow_mode`? it belongs in an item of `descriptors`

error: unknown field `strategy`
 --> a.yaml:7:18
  |
7 |     rate_limit: {strategy: token_bucket, Limit: 10, period: 5m}
  |                  ^^^^^^^^
  = field: descriptors[1].rate_limit.strategy
  = help: did you mean `algorithm`?

error: unknown field `Limit`
 --> a.yaml:7:42
  |
7 |     rate_limit: {strategy: token_bucket, Limit: 10, period: 5m}
  |                                          ^^^^^
  = field: descriptors[1].rate_limit.Limit
  = help: did you mean `requests_per_unit`?

error: unknown field `period`
 --> a.yaml:7:53
  |
7 |     rate_limit: {strategy: token_bucket, Limit: 10, period: 5m}
  |                                                     ^^^^^^
  = field: descriptors[1].rate_limit.period
  = help: did you mean `per`?

error: unknown field `requests`
 --> a.yaml:8:5
  |
8 |     requests: 5
  |     ^^^^^^^^
  = field: descriptors[1].requests
  = help: did you mean `requests_per_unit`? it belongs under `rate_limit`

error: `rate_limit` without `requests_per_unit`
  --> a.yaml:10:5
   |
10 |     rate_limit: {kind: token_bucket, unit: day}
   |     ^^^^^^^^^^
   = field: descriptors[2].rate_limit
   = help: write `requests_per_unit: 10`; 0 denies everything, `unlimited: true` nothing

error: unknown field `kind`
  --> a.yaml:10:18
   |
10 |     rate_limit: {kind: token_bucket, unit: day}
   |                  ^^^^
   = field: descriptors[2].rate_limit.kind
   = help: did you mean `algorithm`?
",
    );
}

#[test]
fn an_algorithm_that_is_not_named() {
    check_descriptors(
        "  - key: k
    rate_limit: {unit: day, requests_per_unit: 1, algorithm: }
",
        "
error: `algorithm` is empty
 --> a.yaml:4:51
  |
4 |     rate_limit: {unit: day, requests_per_unit: 1, algorithm: }
  |                                                   ^^^^^^^^^
  = field: descriptors[0].rate_limit.algorithm
  = help: name one of fixed_window, sliding_window, token_bucket, leaky_bucket, sliding_log, or leave the field out
",
    );
}

#[test]
fn a_list_under_rate_limit() {
    check_descriptors(
        "  - key: k
    rate_limit:
      - {unit: day, requests_per_unit: 1}
  - key: l
    rate_limit: 10/s
  - key: m
    rate_limit: 10
",
        "
error: `rate_limit` must be a mapping, not a list
 --> a.yaml:5:7
  |
5 |       - {unit: day, requests_per_unit: 1}
  |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  = field: descriptors[0].rate_limit
  = help: did you mean `rate_limits`? a list of limits stands there

error: `rate_limit` must be a mapping, not text
 --> a.yaml:7:17
  |
7 |     rate_limit: 10/s
  |                 ^^^^
  = field: descriptors[1].rate_limit
  = help: did you mean `limits`? text such as `10/s` stands there

error: `rate_limit` must be a mapping, not a number
 --> a.yaml:9:17
  |
9 |     rate_limit: 10
  |                 ^^
  = field: descriptors[2].rate_limit
  = help: write lines of `name: value`
",
    );
}

#[test]
fn items_of_rate_limits_too_far_left() {
    check_descriptors(
        "  - key: k
    rate_limits:
  - unit: second
    requests_per_unit: 10
  - unit: hour
    requests_per_unit: 500
    name: long
  - key: l
    descriptors:
      - key: m
        limits:
      - 10/s
      - key: n
        rate_limits:
  - per: 5m
    requests_per_unit: 3
  - key: o
",
        "
error: an item of `rate_limits` stands too far left
 --> a.yaml:5:5
  |
5 |   - unit: second
  |     ^^^^^^^^^^^^
  = field: descriptors[1]
  = help: indent lines 5 to 9, at least as far as `rate_limits` in line 4

error: an item of `limits` stands too far left
  --> a.yaml:14:9
   |
14 |       - 10/s
   |         ^^^^
   = field: descriptors[1].descriptors[1]
   = help: indent line 14, at least as far as `limits` in line 13

error: an item of `rate_limits` stands too far left
  --> a.yaml:17:5
   |
17 |   - per: 5m
   |     ^^^^^^^
   = field: descriptors[4]
   = help: indent lines 17 to 18, at least as far as `rate_limits` in line 16
",
    );
}

#[test]
fn faults_of_items_too_far_left() {
    check_descriptors(
        "  - key: k
    rate_limits:
  - unit: seconds
    requests_per_unit: 10
  - kye: n
",
        "
error: an item of `rate_limits` stands too far left
 --> a.yaml:5:5
  |
5 |   - unit: seconds
  |     ^^^^^^^^^^^^^
  = field: descriptors[1]
  = help: indent lines 5 to 6, at least as far as `rate_limits` in line 4

error: unknown unit `seconds`
 --> a.yaml:5:11
  |
5 |   - unit: seconds
  |           ^^^^^^^
  = field: descriptors[0].rate_limits[0].unit
  = help: did you mean `second`? the units are second, minute, hour, day, week, month, year

error: unknown field `kye`
 --> a.yaml:7:5
  |
7 |   - kye: n
  |     ^^^
  = field: descriptors[1].kye
  = help: did you mean `key`?
",
    );
}

#[test]
fn what_is_no_limit_does_not_belong_to_an_empty_list() {
    check_descriptors(
        "  - key: k
    rate_limits:
  - key: l
    unit: day
",
        "
error: `rate_limits` is empty
 --> a.yaml:4:5
  |
4 |     rate_limits:
  |     ^^^^^^^^^^^
  = field: descriptors[0].rate_limits
  = help: write the limits in it, or leave the field out

error: unknown field `unit`
 --> a.yaml:6:5
  |
6 |     unit: day
  |     ^^^^
  = field: descriptors[1].unit
  = help: `unit` belongs under `rate_limit`
",
    );
}

#[test]
fn a_sign_in_the_place_of_a_unit() {
    check_descriptors(
        "  - key: k
    rate_limit: {unit: h, requests_per_unit: 1}
  - key: l
    rate_limit: {unit: 1w, requests_per_unit: 1}
",
        "
error: unknown unit `h`
 --> a.yaml:4:24
  |
4 |     rate_limit: {unit: h, requests_per_unit: 1}
  |                        ^
  = field: descriptors[0].rate_limit.unit
  = help: did you mean `hour`? the units are second, minute, hour, day, week, month, year

error: unknown unit `1w`
 --> a.yaml:6:24
  |
6 |     rate_limit: {unit: 1w, requests_per_unit: 1}
  |                        ^^
  = field: descriptors[1].rate_limit.unit
  = help: for any length write `per: 1w`; the units are second, minute, hour, day, week, month, year
",
    );
}
