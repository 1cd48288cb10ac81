//! `algorithm`, `burst` and `overdraft` where they cannot be meant: each with its line and what to do.

use super::{check_all, check_descriptors};
use crate::config::rules::RuleOptions;

#[test]
fn unknown_algorithms() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unit: day, requests_per_unit: 1, algorithm: token-bucket}
  - key: l
    rate_limits:
      - {unit: day, requests_per_unit: 1, algorithm: slidingwindow}
      - {unit: hour, requests_per_unit: 1, algorithm: gcra}
  - key: m
    rate_limit: {unit: day, requests_per_unit: 1, algoritm: token_bucket}
"#,
        r#"
error: `algorithm` cannot be `token-bucket`
 --> a.yaml:4:62
  |
4 |     rate_limit: {unit: day, requests_per_unit: 1, algorithm: token-bucket}
  |                                                              ^^^^^^^^^^^^
  = field: descriptors[0].rate_limit.algorithm
  = help: did you mean `token_bucket`? it can be: fixed_window, sliding_window, token_bucket, leaky_bucket, sliding_log

error: `algorithm` cannot be `slidingwindow`
 --> a.yaml:7:54
  |
7 |       - {unit: day, requests_per_unit: 1, algorithm: slidingwindow}
  |                                                      ^^^^^^^^^^^^^
  = field: descriptors[1].rate_limits[0].algorithm
  = help: did you mean `sliding_window`? it can be: fixed_window, sliding_window, token_bucket, leaky_bucket, sliding_log

error: `algorithm` cannot be `gcra`
 --> a.yaml:8:55
  |
8 |       - {unit: hour, requests_per_unit: 1, algorithm: gcra}
  |                                                       ^^^^
  = field: descriptors[1].rate_limits[1].algorithm
  = help: it can be: fixed_window, sliding_window, token_bucket, leaky_bucket, sliding_log

error: unknown field `algoritm`
  --> a.yaml:10:51
   |
10 |     rate_limit: {unit: day, requests_per_unit: 1, algoritm: token_bucket}
   |                                                   ^^^^^^^^
   = field: descriptors[2].rate_limit.algoritm
   = help: did you mean `algorithm`?
"#,
    );
}

#[test]
fn a_burst_without_a_token_bucket() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unit: day, requests_per_unit: 1, burst: 5}
  - key: l
    rate_limit:
      unit: day
      requests_per_unit: 1
      algorithm: fixed_window
      burst: 5
  - key: m
    rate_limits:
      - {unit: day, requests_per_unit: 1, algorithm: sliding_window, burst: 5}
      - {unit: hour, requests_per_unit: 1, burst: 5, algorithm: sliding_log}
      - {unit: hour, requests_per_unit: 1, algorithm: leaky_bucket, burst: 5}
"#,
        r#"
error: `burst` without `algorithm: token_bucket`
 --> a.yaml:4:51
  |
4 |     rate_limit: {unit: day, requests_per_unit: 1, burst: 5}
  |                                                   ^^^^^
  = field: descriptors[0].rate_limit.burst
  = help: only a token bucket has a burst, and the default is a fixed window; write the algorithm, too, or leave `burst` out

error: `burst` beside `algorithm: fixed_window`
  --> a.yaml:10:7
   |
10 |       burst: 5
   |       ^^^^^
   = field: descriptors[1].rate_limit.burst
   = help: only a token bucket has a burst; write `algorithm: token_bucket`, or leave `burst` out

error: `burst` beside `algorithm: sliding_window`
  --> a.yaml:13:70
   |
13 |       - {unit: day, requests_per_unit: 1, algorithm: sliding_window, burst: 5}
   |                                                                      ^^^^^
   = field: descriptors[2].rate_limits[0].burst
   = help: only a token bucket has a burst; write `algorithm: token_bucket`, or leave `burst` out

error: `burst` beside `algorithm: sliding_log`
  --> a.yaml:14:44
   |
14 |       - {unit: hour, requests_per_unit: 1, burst: 5, algorithm: sliding_log}
   |                                            ^^^^^
   = field: descriptors[2].rate_limits[1].burst
   = help: only a token bucket has a burst; write `algorithm: token_bucket`, or leave `burst` out

error: `burst` beside `algorithm: leaky_bucket`
  --> a.yaml:15:69
   |
15 |       - {unit: hour, requests_per_unit: 1, algorithm: leaky_bucket, burst: 5}
   |                                                                     ^^^^^
   = field: descriptors[2].rate_limits[2].burst
   = help: a leaky bucket holds one hit; one with a burst is `algorithm: token_bucket`
"#,
    );
}

#[test]
fn bursts_that_let_nothing_pass_or_something_once() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unit: day, requests_per_unit: 1, algorithm: token_bucket, burst: 0}
  - key: l
    rate_limit: {unit: day, requests_per_unit: 0, algorithm: token_bucket, burst: 5}
  - key: m
    rate_limits: [{unit: day, requests_per_unit: 0, algorithm: token_bucket, burst: 5}]
"#,
        r#"
error: `burst` is too small: `0`
 --> a.yaml:4:83
  |
4 | …  rate_limit: {unit: day, requests_per_unit: 1, algorithm: token_bucket, burst: 0}
  |                                                                                  ^
  = field: descriptors[0].rate_limit.burst
  = help: write a number from 1 to 4294967295

error: `burst` beside `requests_per_unit: 0`
 --> a.yaml:6:76
  |
6 |     rate_limit: {unit: day, requests_per_unit: 0, algorithm: token_bucket, burst: 5}
  |                                                                            ^^^^^
  = field: descriptors[1].rate_limit.burst
  = help: a bucket that nothing drains from would let its burst pass once; leave `burst` out to let nothing pass

error: `burst` beside `requests_per_unit: 0`
 --> a.yaml:8:78
  |
8 |     rate_limits: [{unit: day, requests_per_unit: 0, algorithm: token_bucket, burst: 5}]
  |                                                                              ^^^^^
  = field: descriptors[2].rate_limits[0].burst
  = help: a bucket that nothing drains from would let its burst pass once; leave `burst` out to let nothing pass
"#,
    );
}

#[test]
fn an_overdraft_of_a_fixed_window() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unit: day, requests_per_unit: 1, overdraft: true}
  - key: l
    rate_limits: [{unit: day, requests_per_unit: 1, algorithm: fixed_window, overdraft: true}]
  - key: m
    rate_limit: {unit: day, requests_per_unit: 1, overdraft: maybe}
"#,
        r#"
error: `overdraft` without `algorithm`
 --> a.yaml:4:51
  |
4 |     rate_limit: {unit: day, requests_per_unit: 1, overdraft: true}
  |                                                   ^^^^^^^^^
  = field: descriptors[0].rate_limit.overdraft
  = help: a fixed window, the default, counts denied hits anyway (`counting.denied_requests`); leave `overdraft` out, or write another algorithm, such as `algorithm: token_bucket`

error: `overdraft` beside `algorithm: fixed_window`
 --> a.yaml:6:78
  |
6 |     rate_limits: [{unit: day, requests_per_unit: 1, algorithm: fixed_window, overdraft: true}]
  |                                                                              ^^^^^^^^^
  = field: descriptors[1].rate_limits[0].overdraft
  = help: a fixed window, the default, counts denied hits anyway (`counting.denied_requests`); leave `overdraft` out, or write another algorithm, such as `algorithm: token_bucket`

error: `overdraft` must be true or false, not `maybe`
 --> a.yaml:8:62
  |
8 |     rate_limit: {unit: day, requests_per_unit: 1, overdraft: maybe}
  |                                                              ^^^^^
  = field: descriptors[2].rate_limit.overdraft
  = help: write `true` or `false`, without quotes
"#,
    );
}

#[test]
fn numbers_that_would_not_be_exact() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unit: year, requests_per_unit: 72000000, algorithm: token_bucket}
  - key: l
    rate_limit:
      unit: year
      requests_per_unit: 1
      algorithm: token_bucket
      burst: 72000000
  - key: m
    rate_limits:
      - {unit: month, requests_per_unit: 4294967295, algorithm: token_bucket, burst: 1000000}
      - {unit: month, requests_per_unit: 4294967295, algorithm: sliding_window}
"#,
        r#"
error: too large for a `token_bucket` of `year`, whose counters would not be exact
 --> a.yaml:4:49
  |
4 |     rate_limit: {unit: year, requests_per_unit: 72000000, algorithm: token_bucket}
  |                                                 ^^^^^^^^
  = field: descriptors[0].rate_limit.requests_per_unit
  = help: write 71404103 at the most, or a `burst` that is no larger, or take a shorter window or `algorithm: fixed_window`

error: too large for a `token_bucket` of `year`, whose counters would not be exact
  --> a.yaml:10:14
   |
10 |       burst: 72000000
   |              ^^^^^^^^
   = field: descriptors[1].rate_limit.burst
   = help: write 71404103 at the most, or take a shorter window or `algorithm: fixed_window`

error: too large for a `sliding_window` of `month`, whose counters would not be exact
  --> a.yaml:14:42
   |
14 |       - {unit: month, requests_per_unit: 4294967295, algorithm: sliding_window}
   |                                          ^^^^^^^^^^
   = field: descriptors[2].rate_limits[1].requests_per_unit
   = help: write 868749928 at the most, or take a shorter window or `algorithm: fixed_window`
"#,
    );
}

#[test]
fn rates_that_a_bucket_is_too_small_for() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unit: second, requests_per_unit: 1000, algorithm: leaky_bucket}
    descriptors:
      - key: l
        rate_limit: {unit: second, requests_per_unit: 36000, algorithm: leaky_bucket}
  - key: m
    rate_limits:
      - {unit: minute, requests_per_unit: 6000000, algorithm: token_bucket, burst: 99}
      - {unit: hour, requests_per_unit: 6000000, algorithm: token_bucket, burst: 2}
"#,
        r#"
error: a `leaky_bucket` that holds 1 hit lets no more pass in a millisecond, and 36000 per `second` are up to 36
 --> a.yaml:7:55
  |
7 |         rate_limit: {unit: second, requests_per_unit: 36000, algorithm: leaky_bucket}
  |                                                       ^^^^^
  = field: descriptors[0].descriptors[0].rate_limit.requests_per_unit
  = help: write `algorithm: token_bucket` with a `burst` of 36 at least

error: a `token_bucket` that holds 99 hits lets no more pass in a millisecond, and 6000000 per `minute` are up to 100
  --> a.yaml:10:84
   |
10 | …   - {unit: minute, requests_per_unit: 6000000, algorithm: token_bucket, burst: 99}
   |                                                                                  ^^
   = field: descriptors[1].rate_limits[0].burst
   = help: write 100 at least
"#,
    );
}

#[test]
fn costs_that_never_pass() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unit: minute, requests_per_unit: 10, hits_multiplier: 50}
  - key: l
    rate_limits:
      - {unit: minute, requests_per_unit: 10, algorithm: leaky_bucket, hits_multiplier: 5}
      - {unit: minute, requests_per_unit: 10, algorithm: token_bucket, burst: 2, hits_multiplier: 5, max_hits: 3}
      - {unit: hour, requests_per_unit: 10, algorithm: token_bucket, burst: 2, hits_multiplier: 5, max_hits: 2}
  - key: none
    rate_limit: {unit: minute, requests_per_unit: 0, hits_multiplier: 50}
  - key: after
    rate_limit: {unit: minute, requests_per_unit: 10, hits_multiplier: 50, algorithm: token_bucket, overdraft: true}
"#,
        r#"
error: a request of one hit counts as 50, and a `fixed_window` of 10 never lets that pass
 --> a.yaml:4:72
  |
4 |     rate_limit: {unit: minute, requests_per_unit: 10, hits_multiplier: 50}
  |                                                                        ^^
  = field: descriptors[0].rate_limit.hits_multiplier
  = help: write `requests_per_unit: 50` at least, or `max_hits: 10` at the most

error: a request of one hit counts as 5, and a `leaky_bucket` of 1 never lets that pass
 --> a.yaml:7:89
  |
7 | …{unit: minute, requests_per_unit: 10, algorithm: leaky_bucket, hits_multiplier: 5}
  |                                                                                  ^
  = field: descriptors[1].rate_limits[0].hits_multiplier
  = help: take `algorithm: token_bucket` with a `burst` of 5 at least, or `max_hits: 1` at the most

error: a request of one hit counts as 3, and a `token_bucket` of 2 never lets that pass
 --> a.yaml:8:99
  |
8 | …ute, requests_per_unit: 10, algorithm: token_bucket, burst: 2, hits_multiplier: 5, max_hits: 3}
  |                                                                                  ^
  = field: descriptors[1].rate_limits[1].hits_multiplier
  = help: write a `burst` of 3 at least, or `max_hits: 2` at the most
"#,
    );
}

#[test]
fn logs_that_are_too_long() {
    let rules = r#"domain: d
descriptors:
  - key: k
    rate_limit: {unit: day, requests_per_unit: 1000, algorithm: sliding_log}
    descriptors:
      - key: l
        rate_limit:
          unit: day
          algorithm: sliding_log
          requests_per_unit: 1001
  - key: m
    rate_limits: [{unit: hour, requests_per_unit: 1}, {unit: hour, requests_per_unit: 5000, algorithm: sliding_log}]
"#;
    check_all(
        &[("a.yaml", rules)],
        RuleOptions::default(),
        r#"
error: a `sliding_log` of 1001 hits, each of which would have a place of its own in each counter
  --> a.yaml:10:30
   |
10 |           requests_per_unit: 1001
   |                              ^^^^
   = field: descriptors[0].descriptors[0].rate_limit.requests_per_unit
   = help: write 1000 at the most (the setting `rules.max_sliding_log`), or take `sliding_window` or `token_bucket`, which hold numbers

error: a `sliding_log` of 5000 hits, each of which would have a place of its own in each counter
  --> a.yaml:12:87
   |
12 | …te_limits: [{unit: hour, requests_per_unit: 1}, {unit: hour, requests_per_unit: 5000, algorithm: sliding_log}]
   |                                                                                  ^^^^
   = field: descriptors[1].rate_limits[1].requests_per_unit
   = help: write 1000 at the most (the setting `rules.max_sliding_log`), or take `sliding_window` or `token_bucket`, which hold numbers
"#,
    );
    let few = RuleOptions { max_sliding_log: 20, ..RuleOptions::default() };
    let rules = "domain: d\ndescriptors: [{key: k, rate_limit: {unit: day, requests_per_unit: 21, algorithm: sliding_log}}]\n";
    check_all(
        &[("a.yaml", rules)],
        few,
        r#"
error: a `sliding_log` of 21 hits, each of which would have a place of its own in each counter
 --> a.yaml:2:67
  |
2 | descriptors: [{key: k, rate_limit: {unit: day, requests_per_unit: 21, algorithm: sliding_log}}]
  |                                                                   ^^
  = field: descriptors[0].rate_limit.requests_per_unit
  = help: write 20 at the most (the setting `rules.max_sliding_log`), or take `sliding_window` or `token_bucket`, which hold numbers
"#,
    );
}

#[test]
fn an_unlimited_rule_is_not_held() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unlimited: true, algorithm: token_bucket, burst: 5, overdraft: true}
"#,
        r#"
error: `algorithm` beside `unlimited: true`
 --> a.yaml:4:35
  |
4 |     rate_limit: {unlimited: true, algorithm: token_bucket, burst: 5, overdraft: true}
  |                                   ^^^^^^^^^
  = field: descriptors[0].rate_limit.algorithm
  = help: an unlimited rule counts nothing; leave one of the two out

error: `burst` beside `unlimited: true`
 --> a.yaml:4:60
  |
4 |     rate_limit: {unlimited: true, algorithm: token_bucket, burst: 5, overdraft: true}
  |                                                            ^^^^^
  = field: descriptors[0].rate_limit.burst
  = help: an unlimited rule counts nothing; leave one of the two out

error: `overdraft` beside `unlimited: true`
 --> a.yaml:4:70
  |
4 |     rate_limit: {unlimited: true, algorithm: token_bucket, burst: 5, overdraft: true}
  |                                                                      ^^^^^^^^^
  = field: descriptors[0].rate_limit.overdraft
  = help: an unlimited rule counts nothing; leave one of the two out
"#,
    );
}

/// Of two limits with one counter, a bucket is the case where the smaller one does not always decide.
#[test]
fn two_limits_with_one_counter() {
    check_descriptors(
        r#"  - key: k
    rate_limits:
      - {unit: minute, requests_per_unit: 6, algorithm: token_bucket, burst: 20}
      - {per: 60s, requests_per_unit: 9, algorithm: token_bucket}
  - key: l
    rate_limits:
      - {unit: minute, requests_per_unit: 6, algorithm: sliding_log}
      - {unit: minute, requests_per_unit: 9, algorithm: sliding_log}
"#,
        r#"
error: two limits for windows of the same length, `minute`, both held by `token_bucket`
 --> a.yaml:6:9
  |
6 |       - {per: 60s, requests_per_unit: 9, algorithm: token_bucket}
  |         ^
  = field: descriptors[0].rate_limits[1]
  = help: they would have one counter; keep one of them, or give them windows of different lengths (6 per minute are as fast as 1 per 10s); the first is in line 5, column 9

error: two limits for windows of the same length, `minute`, both held by `sliding_log`
  --> a.yaml:10:9
   |
10 |       - {unit: minute, requests_per_unit: 9, algorithm: sliding_log}
   |         ^
   = field: descriptors[1].rate_limits[1]
   = help: keep the smaller one, which decides; the first is in line 9, column 9
"#,
    );
}

#[test]
fn two_ways_to_say_the_window() {
    check_descriptors(
        r#"  - key: k
    rate_limit: {unit: minute, per: 60s, requests_per_unit: 6, algorithm: token_bucket}
  - key: l
    rate_limits: [{unit: minute, per: 1h, requests_per_unit: 6, algorithm: sliding_log}]
"#,
        r#"
error: `per` beside `unit: minute`
 --> a.yaml:4:37
  |
4 |     rate_limit: {unit: minute, per: 60s, requests_per_unit: 6, algorithm: token_bucket}
  |                                     ^^^
  = field: descriptors[0].rate_limit.per
  = help: both say how long the window is; leave one of the two out

error: `per` beside `unit: minute`
 --> a.yaml:6:39
  |
6 |     rate_limits: [{unit: minute, per: 1h, requests_per_unit: 6, algorithm: sliding_log}]
  |                                       ^^
  = field: descriptors[1].rate_limits[0].per
  = help: both say how long the window is; leave one of the two out
"#,
    );
}

#[test]
fn an_item_without_a_number() {
    check_descriptors(
        r#"  - key: k
    rate_limits: [{unit: minute, algorithm: token_bucket}]
"#,
        r#"
error: an item of `rate_limits` without `requests_per_unit`
 --> a.yaml:4:19
  |
4 |     rate_limits: [{unit: minute, algorithm: token_bucket}]
  |                   ^
  = field: descriptors[0].rate_limits[0]
  = help: write `requests_per_unit: 10`; 0 denies everything
"#,
    );
}
