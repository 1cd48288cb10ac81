//! Values out of their bounds, and names that do not exist.

use super::check;

#[test]
fn unknown_settings() {
    check(
        r#"
lisen: {}
listen: {grcp: "a:1", tls: true}
response: {headers: {limits: X}}
unit: day
"#,
        &[],
        &[],
        r#"
error: unknown field `lisen`
 --> s.yaml:2:1
  |
2 | lisen: {}
  | ^^^^^
  = field: lisen
  = help: did you mean `listen`?

error: unknown field `grcp`
 --> s.yaml:3:10
  |
3 | listen: {grcp: "a:1", tls: true}
  |          ^^^^
  = field: listen.grcp
  = help: did you mean `grpc`?

error: unknown field `tls`
 --> s.yaml:3:23
  |
3 | listen: {grcp: "a:1", tls: true}
  |                       ^^^
  = field: listen.tls
  = help: known here: grpc, http, metrics, admin, unix_mode

error: unknown field `limits`
 --> s.yaml:4:22
  |
4 | response: {headers: {limits: X}}
  |                      ^^^^^^
  = field: response.headers.limits
  = help: did you mean `limit`?

error: unknown field `unit`
 --> s.yaml:5:1
  |
5 | unit: day
  | ^^^^
  = field: unit
  = help: known here: rules, listen, grpc, request, counting, response, shadow_mode, quota_mode, store, local, redis, redis_per_second, breaker, fallback, over_limit_memory, drain, decision_log, metrics, log, tracing, threads
"#,
    );
}

#[test]
fn permissions() {
    check(
        "listen: {unix_mode: rw-rw----}\n",
        &[],
        &[],
        r#"
error: `unix_mode` must be permissions, not `rw-rw----`
 --> s.yaml:1:21
  |
1 | listen: {unix_mode: rw-rw----}
  |                     ^^^^^^^^^
  = field: listen.unix_mode
  = help: write them as chmod takes them, such as `0660` or `0666`
"#,
    );
}

#[test]
fn durations() {
    check(
        r#"
drain: {pause: 30, deadline: 2h}
grpc:
  max_connection_age: 0s
  keepalive_interval: soon
  keepalive_timeout: [1s]
"#,
        &[],
        &[],
        r#"
error: `pause` must be a duration, not `30`
 --> s.yaml:2:16
  |
2 | drain: {pause: 30, deadline: 2h}
  |                ^^
  = field: drain.pause
  = help: write a number with ms, s, m or h, from `0s` to `1h`

error: `deadline` is out of bounds: `2h`
 --> s.yaml:2:30
  |
2 | drain: {pause: 30, deadline: 2h}
  |                              ^^
  = field: drain.deadline
  = help: write a number with ms, s, m or h, from `0s` to `1h`

error: `max_connection_age` is out of bounds: `0s`
 --> s.yaml:4:23
  |
4 |   max_connection_age: 0s
  |                       ^^
  = field: grpc.max_connection_age
  = help: write a number with ms, s, m or h, from `10ms` to `7d`

error: `keepalive_interval` must be a duration, not `soon`
 --> s.yaml:5:23
  |
5 |   keepalive_interval: soon
  |                       ^^^^
  = field: grpc.keepalive_interval
  = help: write a number with ms, s, m or h, from `10ms` to `7d`

error: `keepalive_timeout` must be text, not a list
 --> s.yaml:6:22
  |
6 |   keepalive_timeout: [1s]
  |                      ^
  = field: grpc.keepalive_timeout
  = help: put text that begins with a bracket in quotes
"#,
    );
}

#[test]
fn sizes() {
    check(
        "grpc: {max_request_bytes: 4MB}\n",
        &[],
        &[],
        r#"
error: `max_request_bytes` must be a size, not `4MB`
 --> s.yaml:1:27
  |
1 | grpc: {max_request_bytes: 4MB}
  |                           ^^^
  = field: grpc.max_request_bytes
  = help: write a number with KiB or MiB, from `1KiB` to `64MiB`
"#,
    );
}

#[test]
fn sizes_out_of_bounds() {
    check(
        "grpc: {max_request_bytes: 1GiB}\n",
        &[],
        &[],
        r#"
error: `max_request_bytes` is out of bounds: `1GiB`
 --> s.yaml:1:27
  |
1 | grpc: {max_request_bytes: 1GiB}
  |                           ^^^^
  = field: grpc.max_request_bytes
  = help: write a number with KiB or MiB, from `1KiB` to `64MiB`
"#,
    );
}

#[test]
fn addresses() {
    check(
        "listen: {grpc: 8081, http: \"0.0.0.0\", metrics: \":9090\", admin: \"unix:\"}\n",
        &[],
        &[],
        r#"
error: `grpc` must be an address, not `8081`
 --> s.yaml:1:16
  |
1 | listen: {grpc: 8081, http: "0.0.0.0", metrics: ":9090", admin: "unix:"}
  |                ^^^^
  = field: listen.grpc
  = help: write `host:port` such as `0.0.0.0:8081` or `[::]:8081`, or `unix:/path`

error: `http` must be an address, not `0.0.0.0`
 --> s.yaml:1:28
  |
1 | listen: {grpc: 8081, http: "0.0.0.0", metrics: ":9090", admin: "unix:"}
  |                            ^^^^^^^^^
  = field: listen.http
  = help: write `host:port` such as `0.0.0.0:8081` or `[::]:8081`, or `unix:/path`

error: `metrics` must be an address, not `:9090`
 --> s.yaml:1:48
  |
1 | listen: {grpc: 8081, http: "0.0.0.0", metrics: ":9090", admin: "unix:"}
  |                                                ^^^^^^^
  = field: listen.metrics
  = help: write `host:port` such as `0.0.0.0:8081` or `[::]:8081`, or `unix:/path`

error: `admin` must be an address, not `unix:`
 --> s.yaml:1:64
  |
1 | listen: {grpc: 8081, http: "0.0.0.0", metrics: ":9090", admin: "unix:"}
  |                                                                ^^^^^^^
  = field: listen.admin
  = help: write `host:port` such as `0.0.0.0:8081` or `[::]:8081`, or `unix:/path`
"#,
    );
}

#[test]
fn numbers() {
    check(
        r#"
request: {max_entries: 65, max_hits: 0, max_descriptors: 1.5}
local: {max_entries: "10"}
threads: 2000
"#,
        &[],
        &[],
        r#"
error: `max_entries` is too large: `65`
 --> s.yaml:2:24
  |
2 | request: {max_entries: 65, max_hits: 0, max_descriptors: 1.5}
  |                        ^^
  = field: request.max_entries
  = help: write a number from 1 to 64

error: `max_hits` is too small: `0`
 --> s.yaml:2:38
  |
2 | request: {max_entries: 65, max_hits: 0, max_descriptors: 1.5}
  |                                      ^
  = field: request.max_hits
  = help: write a number from 1 to 1000000000

error: `max_descriptors` must be a whole number, not `1.5`
 --> s.yaml:2:58
  |
2 | request: {max_entries: 65, max_hits: 0, max_descriptors: 1.5}
  |                                                          ^^^
  = field: request.max_descriptors
  = help: write it without a fraction

error: `max_entries` must be a whole number, not the text `10`
 --> s.yaml:3:22
  |
3 | local: {max_entries: "10"}
  |                      ^^^^
  = field: local.max_entries
  = help: write `10`, without quotes

error: `threads` is too large: `2000`
 --> s.yaml:4:10
  |
4 | threads: 2000
  |          ^^^^
  = field: threads
  = help: write a number from 0 to 1024
"#,
    );
}

#[test]
fn ratios() {
    check(
        "counting: {near_limit_ratio: 80%}\n",
        &[],
        &[],
        r#"
error: `near_limit_ratio` must be a number from 0 to 1, not `80%`
 --> s.yaml:1:30
  |
1 | counting: {near_limit_ratio: 80%}
  |                              ^^^
  = field: counting.near_limit_ratio
  = help: write it such as `0.8`
"#,
    );
}

#[test]
fn ratios_out_of_bounds() {
    check(
        "counting: {near_limit_ratio: 1.1}\n",
        &[],
        &[],
        r#"
error: `near_limit_ratio` must be a number from 0 to 1, not `1.1`
 --> s.yaml:1:30
  |
1 | counting: {near_limit_ratio: 1.1}
  |                              ^^^
  = field: counting.near_limit_ratio
  = help: write it such as `0.8`
"#,
    );
}

#[test]
fn shares_that_are_nothing_or_cannot_be_held() {
    check(
        "counting: {limit_share: 0}\n",
        &[],
        &[],
        r#"
error: `limit_share` must be above 0, and 1 at the most
 --> s.yaml:1:25
  |
1 | counting: {limit_share: 0}
  |                         ^
  = field: counting.limit_share
  = help: write it such as `0.7`; to let nothing pass, write `requests_per_unit: 0`
"#,
    );
    check(
        "counting: {limit_share: 0.3333333}\n",
        &[],
        &[],
        r#"
error: `limit_share` has more than six digits after the point
 --> s.yaml:1:25
  |
1 | counting: {limit_share: 0.3333333}
  |                         ^^^^^^^^^
  = field: counting.limit_share
  = help: write up to six digits after the point, so that the shares of all add up to 1 at the most
"#,
    );
}

#[test]
fn words() {
    check(
        r#"
counting: {denied_requests: ingore}
log: {level: verbose, format: xml}
shadow_mode: on
"#,
        &[],
        &[],
        r#"
error: `denied_requests` cannot be `ingore`
 --> s.yaml:2:29
  |
2 | counting: {denied_requests: ingore}
  |                             ^^^^^^
  = field: counting.denied_requests
  = help: did you mean `ignore`? it can be: count, ignore

error: `level` cannot be `verbose`
 --> s.yaml:3:14
  |
3 | log: {level: verbose, format: xml}
  |              ^^^^^^^
  = field: log.level
  = help: it can be: off, error, warn, info, debug, trace; by module: `info,ratekeeper::server=debug`

error: `format` cannot be `xml`
 --> s.yaml:3:31
  |
3 | log: {level: verbose, format: xml}
  |                               ^^^
  = field: log.format
  = help: it can be: text, json

error: `shadow_mode` must be true or false, not `on`
 --> s.yaml:4:14
  |
4 | shadow_mode: on
  |              ^^
  = field: shadow_mode
  = help: write `true`, without quotes
"#,
    );
}

#[test]
fn log_levels_by_module() {
    check(
        "log: {level: \"info,my crate=debug\"}\n",
        &[],
        &[],
        r#"
error: `level` cannot be `my crate=debug`
 --> s.yaml:1:14
  |
1 | log: {level: "info,my crate=debug"}
  |              ^^^^^^^^^^^^^^^^^^^^^
  = field: log.level
  = help: it can be: off, error, warn, info, debug, trace; by module: `info,ratekeeper::server=debug`
"#,
    );
}

#[test]
fn header_names() {
    check(
        "response: {headers: {limit: \"X Limit\", reset: \"Größe\"}}\n",
        &[],
        &[],
        r#"
error: `limit` must be the name of a header, not `X Limit`
 --> s.yaml:1:29
  |
1 | response: {headers: {limit: "X Limit", reset: "Größe"}}
  |                             ^^^^^^^^^
  = field: response.headers.limit
  = help: write letters, digits and dashes, such as `RateLimit-Limit`

error: `reset` must be the name of a header, not `Größe`
 --> s.yaml:1:47
  |
1 | response: {headers: {limit: "X Limit", reset: "Größe"}}
  |                                               ^^^^^^^
  = field: response.headers.reset
  = help: write letters, digits and dashes, such as `RateLimit-Limit`
"#,
    );
}

#[test]
fn no_paths() {
    check(
        "rules: {paths: []}\n",
        &[],
        &[],
        r#"
error: `paths` needs at least one path, and none that is empty
 --> s.yaml:1:16
  |
1 | rules: {paths: []}
  |                ^
  = field: rules.paths
  = help: write `paths: [config/rules]`
"#,
    );
}

#[test]
fn a_path_that_is_no_list() {
    check(
        "rules: {paths: config/rules}\n",
        &[],
        &[],
        r#"
error: `paths` must be a list, not text
 --> s.yaml:1:16
  |
1 | rules: {paths: config/rules}
  |                ^^^^^^^^^^^^
  = field: rules.paths
  = help: put `- ` before each item
"#,
    );
}

#[test]
fn sections_that_are_none() {
    check(
        r#"
listen: 8081
drain: [1s]
"#,
        &[],
        &[],
        r#"
error: `listen` must be a mapping, not a number
 --> s.yaml:2:9
  |
2 | listen: 8081
  |         ^^^^
  = field: listen
  = help: write lines of `name: value`

error: `drain` must be a mapping, not a list
 --> s.yaml:3:8
  |
3 | drain: [1s]
  |        ^
  = field: drain
  = help: write lines of `name: value`
"#,
    );
}

#[test]
fn a_repeated_setting() {
    check(
        r#"
threads: 1
threads: 2
"#,
        &[],
        &[],
        r#"
error: `threads` stands twice in one mapping
 --> s.yaml:3:1
  |
3 | threads: 2
  | ^^^^^^^
  = field: threads
  = help: keep one of the two; the first is in line 2, column 1
"#,
    );
}

#[test]
fn a_file_that_is_no_mapping() {
    check(
        "- threads: 1\n",
        &[],
        &[],
        r#"
error: the file must be a mapping, not a list
 --> s.yaml:1:1
  |
1 | - threads: 1
  | ^^^^^^^^^^^^
  = help: write lines of `name: value`
"#,
    );
}

#[test]
fn broken_yaml() {
    check(
        "listen: {grpc: \"a:1\"\n",
        &[],
        &[],
        r#"
error: not valid YAML: a bracket that stays open
 --> s.yaml:1:9
  |
1 | listen: {grpc: "a:1"
  |         ^
  = help: close it behind its last item, and put commas between items
"#,
    );
}

#[test]
fn a_second_document_beside_other_faults() {
    check(
        "threads: many\n---\nthreads: 1\n",
        &[],
        &[],
        r#"
error: `threads` must be a whole number, not `many`
 --> s.yaml:1:10
  |
1 | threads: many
  |          ^^^^
  = field: threads
  = help: write digits

error: a second document in one file
 --> s.yaml:2:1
  |
2 | ---
  | ^^^
  = help: keep one document, and put the other into a file of its own
"#,
    );
}

#[test]
fn decision_logs() {
    check(
        r#"
decision_log:
  outcomes: [over, denied]
  sample_ratio: 2
  max_per_second: 0
  output: stdout
  hash: [""]
"#,
        &[],
        &[],
        r#"
error: `outcomes` cannot have `denied`
 --> s.yaml:3:13
  |
3 |   outcomes: [over, denied]
  |             ^
  = field: decision_log.outcomes
  = help: there are no_rule, allowed, unlimited, replaced, ok, near, over, shadow

error: `sample_ratio` must be a number from 0 to 1, not `2`
 --> s.yaml:4:17
  |
4 |   sample_ratio: 2
  |                 ^
  = field: decision_log.sample_ratio
  = help: write it such as `0.8`

error: `max_per_second` is too small: `0`
 --> s.yaml:5:19
  |
5 |   max_per_second: 0
  |                   ^
  = field: decision_log.max_per_second
  = help: write a number from 1 to 10000

error: `hash` takes up to 100 keys of entries, none of them empty
 --> s.yaml:7:9
  |
7 |   hash: [""]
  |         ^
  = field: decision_log.hash
  = help: write such as `[remote_address]`, or `[]` for none
"#,
    );
    check(
        "decision_log: {outcomes: [near]}",
        &[],
        &[],
        r"
error: there are settings of a decision log, but it has no `output`
 --> decision_log.output
  = help: write `output: stdout`, or the path of a file
",
    );
}

#[test]
fn metrics() {
    check(
        r#"
metrics:
  max_label_values: 100001
  statsd: {address: "unix:/run/statsd", format: graphite, flush_interval: 0s, tags: [a]}
"#,
        &[
            ("RATEKEEPER_METRICS__STATSD__TAGS", "env:prod,team"),
            ("RATEKEEPER_METRICS__STATSD__ADDRESS", "host:0"),
        ],
        &[],
        r#"
error: `max_label_values` is too large: `100001`
 --> s.yaml:3:21
  |
3 |   max_label_values: 100001
  |                     ^^^^^^
  = field: metrics.max_label_values
  = help: write a number from 0 to 100000

error: StatsD is sent over UDP, to a host and port
 --> s.yaml:4:21
  |
4 |   statsd: {address: "unix:/run/statsd", format: graphite, flush_interval: 0s, tags: [a]}
  |                     ^^^^^^^^^^^^^^^^^^
  = field: metrics.statsd.address
  = help: write `host:port`, such as `127.0.0.1:8125`

error: `format` cannot be `graphite`
 --> s.yaml:4:49
  |
4 |   statsd: {address: "unix:/run/statsd", format: graphite, flush_interval: 0s, tags: [a]}
  |                                                 ^^^^^^^^
  = field: metrics.statsd.format
  = help: it can be: statsd, dogstatsd

error: `flush_interval` is out of bounds: `0s`
 --> s.yaml:4:75
  |
4 |   statsd: {address: "unix:/run/statsd", format: graphite, flush_interval: 0s, tags: [a]}
  |                                                                           ^^
  = field: metrics.statsd.flush_interval
  = help: write a number with ms, s, m or h, from `100ms` to `10m`

error: `tags` must be a mapping, not a list
 --> s.yaml:4:85
  |
4 | …atsd: {address: "unix:/run/statsd", format: graphite, flush_interval: 0s, tags: [a]}
  |                                                                                  ^
  = field: metrics.statsd.tags
  = help: write lines of `name: value`

error: StatsD is sent over UDP, to a host and port
 --> environment variable RATEKEEPER_METRICS__STATSD__ADDRESS
  = field: metrics.statsd.address
  = help: write `host:port`, such as `127.0.0.1:8125`

error: a tag cannot have the value ``
 --> environment variable RATEKEEPER_METRICS__STATSD__TAGS
  = field: metrics.statsd.tags
  = help: write 1 to 64 letters, digits, `.`, `-`, `_` and `/`
"#,
    );
}
