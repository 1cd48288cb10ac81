//! `unit`, `unit_multiplier` and `per`: how long a limit's window is.

use super::check_descriptors;

#[test]
fn a_length_that_cannot_be_read() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {per: 5 minutes, requests_per_unit: 1}
  - key: l
    rate_limit: {per: 300, requests_per_unit: 1}
  - key: m
    rate_limit: {per: [5m], requests_per_unit: 1}
"#,
        r#"
error: `per` is no length of time: `5 minutes`
 --> a.yaml:4:23
  |
4 |     rate_limit: {per: 5 minutes, requests_per_unit: 1}
  |                       ^^^^^^^^^
  = field: descriptors[0].rate_limit.per
  = help: write numbers with s, m, h, d or w, as in `per: 30s`, `per: 5m`, `per: 1h30m`; one of these alone; or a unit's name

error: `per` is no length of time: `300`
 --> a.yaml:6:23
  |
6 |     rate_limit: {per: 300, requests_per_unit: 1}
  |                       ^^^
  = field: descriptors[1].rate_limit.per
  = help: write numbers with s, m, h, d or w, as in `per: 30s`, `per: 5m`, `per: 1h30m`; one of these alone; or a unit's name

error: `per` must be text, not a list
 --> a.yaml:8:23
  |
8 |     rate_limit: {per: [5m], requests_per_unit: 1}
  |                       ^
  = field: descriptors[2].rate_limit.per
  = help: put text that begins with a bracket in quotes
"#,
    );
}

#[test]
fn a_length_out_of_bounds() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {per: 0s, requests_per_unit: 1}
  - key: l
    rate_limit: {per: 4000d, requests_per_unit: 1}
  - key: m
    rate_limit: {unit: year, unit_multiplier: 11, requests_per_unit: 1}
  - key: n
    rate_limit: {unit: year, unit_multiplier: 0, requests_per_unit: 1}
"#,
        r#"
error: `per` must be from 1s to 3650d long, not `0s`
 --> a.yaml:4:23
  |
4 |     rate_limit: {per: 0s, requests_per_unit: 1}
  |                       ^^
  = field: descriptors[0].rate_limit.per
  = help: a window is from 1 second to 10 years long, as in `per: 5m`, `per: 36h`, `per: 3650d`

error: `per` must be from 1s to 3650d long, not `4000d`
 --> a.yaml:6:23
  |
6 |     rate_limit: {per: 4000d, requests_per_unit: 1}
  |                       ^^^^^
  = field: descriptors[1].rate_limit.per
  = help: a window is from 1 second to 10 years long, as in `per: 5m`, `per: 36h`, `per: 3650d`

error: 11 times `year` is too long
 --> a.yaml:8:47
  |
8 |     rate_limit: {unit: year, unit_multiplier: 11, requests_per_unit: 1}
  |                                               ^^
  = field: descriptors[2].rate_limit.unit_multiplier
  = help: a window is 10 years long at the most (3650d)

error: `unit_multiplier` is too small: `0`
  --> a.yaml:10:47
   |
10 |     rate_limit: {unit: year, unit_multiplier: 0, requests_per_unit: 1}
   |                                               ^
   = field: descriptors[3].rate_limit.unit_multiplier
   = help: write a number from 1 to 4294967295
"#,
    );
}

#[test]
fn lengths_that_contradict_each_other() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unit: hour, per: 5m, requests_per_unit: 1}
  - key: l
    rate_limit: {per: 5m, unit_multiplier: 5, requests_per_unit: 1}
  - key: m
    rate_limit: {unit_multiplier: 5, requests_per_unit: 1}
  - key: n
    rate_limit: {unlimited: true, per: 5m}
"#,
        r#"
error: `per` beside `unit: hour`
 --> a.yaml:4:35
  |
4 |     rate_limit: {unit: hour, per: 5m, requests_per_unit: 1}
  |                                   ^^
  = field: descriptors[0].rate_limit.per
  = help: both say how long the window is; leave one of the two out

error: `unit_multiplier` beside `per`
 --> a.yaml:6:44
  |
6 |     rate_limit: {per: 5m, unit_multiplier: 5, requests_per_unit: 1}
  |                                            ^
  = field: descriptors[1].rate_limit.unit_multiplier
  = help: `per` says the whole length; leave one of the two out

error: `unit_multiplier` without `unit`
 --> a.yaml:8:5
  |
8 |     rate_limit: {unit_multiplier: 5, requests_per_unit: 1}
  |     ^^^^^^^^^^
  = field: descriptors[2].rate_limit
  = help: write what there are so many of, as in `unit: minute`; or `per: 5m` alone

error: `per` beside `unlimited: true`
  --> a.yaml:10:35
   |
10 |     rate_limit: {unlimited: true, per: 5m}
   |                                   ^^^
   = field: descriptors[3].rate_limit.per
   = help: an unlimited rule counts nothing; leave one of the two out
"#,
    );
}

#[test]
fn a_length_in_the_place_of_a_unit() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unit: 5m, requests_per_unit: 1}
"#,
        r#"
error: unknown unit `5m`
 --> a.yaml:4:24
  |
4 |     rate_limit: {unit: 5m, requests_per_unit: 1}
  |                        ^^
  = field: descriptors[0].rate_limit.unit
  = help: for any length write `per: 5m`; the units are second, minute, hour, day, week, month, year
"#,
    );
}
