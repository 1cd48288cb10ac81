//! What is refused of the shared store and what stands around it.

use super::{accept, check};

#[test]
fn words_of_the_shared_store() {
    check(
        r#"
store: reids
redis: {topology: singlee, timeout: 1s, connect_timeout: 0s, key_prefix: "{rk}"}
breaker: {failures: 0, backoff: 1, max_backoff: 1h}
fallback: {on_store_failure: open, replicas: all}
over_limit_memory: {max_entries: -1, max_age: 0s}
"#,
        &[],
        &[],
        r#"
error: `store` cannot be `reids`
 --> s.yaml:2:8
  |
2 | store: reids
  |        ^^^^^
  = field: store
  = help: did you mean `redis`? it can be: local, redis

error: `topology` cannot be `singlee`
 --> s.yaml:3:19
  |
3 | redis: {topology: singlee, timeout: 1s, connect_timeout: 0s, key_prefix: "{rk}"}
  |                   ^^^^^^^
  = field: redis.topology
  = help: did you mean `single`? it can be: single, sentinel, proxy, cluster, ring

error: `timeout` is out of bounds: `1s`
 --> s.yaml:3:37
  |
3 | redis: {topology: singlee, timeout: 1s, connect_timeout: 0s, key_prefix: "{rk}"}
  |                                     ^^
  = field: redis.timeout
  = help: write a number with ms, s, m or h, from `1ms` to `999ms`

error: `connect_timeout` is out of bounds: `0s`
 --> s.yaml:3:58
  |
3 | redis: {topology: singlee, timeout: 1s, connect_timeout: 0s, key_prefix: "{rk}"}
  |                                                          ^^
  = field: redis.connect_timeout
  = help: write a number with ms, s, m or h, from `10ms` to `1m`

error: `key_prefix` cannot stand before keys
 --> s.yaml:3:74
  |
3 | redis: {topology: singlee, timeout: 1s, connect_timeout: 0s, key_prefix: "{rk}"}
  |                                                                          ^^^^^^
  = field: redis.key_prefix
  = help: write up to 64 letters, digits and signs, without spaces and braces, such as `rk:`

error: `failures` is too small: `0`
 --> s.yaml:4:21
  |
4 | breaker: {failures: 0, backoff: 1, max_backoff: 1h}
  |                     ^
  = field: breaker.failures
  = help: write a number from 1 to 1000

error: `backoff` must be a duration, not `1`
 --> s.yaml:4:33
  |
4 | breaker: {failures: 0, backoff: 1, max_backoff: 1h}
  |                                 ^
  = field: breaker.backoff
  = help: write a number with ms, s, m or h, from `10ms` to `5m`

error: `max_backoff` is out of bounds: `1h`
 --> s.yaml:4:49
  |
4 | breaker: {failures: 0, backoff: 1, max_backoff: 1h}
  |                                                 ^^
  = field: breaker.max_backoff
  = help: write a number with ms, s, m or h, from `10ms` to `5m`

error: `on_store_failure` cannot be `open`
 --> s.yaml:5:30
  |
5 | fallback: {on_store_failure: open, replicas: all}
  |                              ^^^^
  = field: fallback.on_store_failure
  = help: it can be: local, allow, deny

error: `replicas` cannot be `all`
 --> s.yaml:5:46
  |
5 | fallback: {on_store_failure: open, replicas: all}
  |                                              ^^^
  = field: fallback.replicas
  = help: write `auto`, or a number from 1 to 10000

error: `max_entries` is too small: `-1`
 --> s.yaml:6:34
  |
6 | over_limit_memory: {max_entries: -1, max_age: 0s}
  |                                  ^^
  = field: over_limit_memory.max_entries
  = help: write a number from 0 to 100000000

error: `max_age` is out of bounds: `0s`
 --> s.yaml:6:47
  |
6 | over_limit_memory: {max_entries: -1, max_age: 0s}
  |                                               ^^
  = field: over_limit_memory.max_age
  = help: write a number with ms, s, m or h, from `10ms` to `1m`
"#,
    );
}

#[test]
fn urls() {
    check(
        r#"
redis:
  topology: ring
  urls:
    - redis://a
    - redis://:secret@b:port
    - redis://A:6379/0
"#,
        &[],
        &[],
        r#"
error: a Redis URL whose port is no number from 1 to 65535
 --> s.yaml:6:7
  |
6 |     - redis://****
  |       ^^^^^^^^^^^^
  = field: redis.urls[1]
  = help: write `redis://host:6379`, `redis://user:password@host:6379/0` or `unix:///path/redis.sock`

error: a Redis URL that stands twice, first as `urls[0]`
 --> s.yaml:7:7
  |
7 |     - redis://A:6379/0
  |       ^^^^^^^^^^^^^^^^
  = field: redis.urls[2]
  = help: name every server and database once
"#,
    );
}

#[test]
fn no_urls() {
    check(
        "redis: {urls: []}\n",
        &[("RATEKEEPER_REDIS__URLS", "redis://a,")],
        &[],
        r#"
error: `urls` needs from 1 to 1000 URLs
 --> s.yaml:1:15
  |
1 | redis: {urls: []}
  |               ^
  = field: redis.urls
  = help: write `urls: ["redis://127.0.0.1:6379"]`

error: a Redis URL without `redis://`
 --> environment variable RATEKEEPER_REDIS__URLS
  = field: redis.urls[1]
  = help: write `redis://host:6379`, `redis://user:password@host:6379/0` or `unix:///path/redis.sock`
"#,
    );
}

/// That the settings are refused at the place of the URLs.
#[track_caller]
fn check_urls(yaml: &str, message: &str, help: &str) {
    let column = yaml.find("[").unwrap() + 1;
    let mark = " ".repeat(column - 1) + "^";
    let section = yaml.split(':').next().unwrap();
    let expected = format!(
        "\nerror: {message}\n --> s.yaml:1:{column}\n  |\n1 | {yaml}  | {mark}\n  = field: {section}.urls\n  = help: {help}\n"
    );
    check(yaml, &[], &[], &expected);
}

#[test]
fn sentinels() {
    check_urls(
        "redis: {topology: sentinel, urls: [redis://a]}\n",
        "`topology: sentinel` needs the name of the master",
        "write `sentinel_master: NAME`, as the Sentinels' `sentinel monitor NAME …` has it",
    );
    check_urls(
        "redis: {sentinel_master: mesh, urls: [redis://a]}\n",
        "there is a `sentinel_master`, but no Sentinels",
        "write `topology: sentinel`, and the Sentinels' URLs",
    );
    accept("redis: {topology: sentinel, sentinel_master: mesh, urls: [redis://a, redis://b]}\n", &[], &[]);
}

#[test]
fn a_store_for_limits_per_second() {
    assert!(accept("redis_per_second: {urls: []}\n", &[], &[]).redis_per_second.store().is_none());
    let settings = accept("{}\n", &[("RATEKEEPER_REDIS_PER_SECOND__URLS", "redis://a")], &[]);
    assert_eq!(settings.redis_per_second.store().unwrap().urls[0].to_string(), "redis://a:6379");
    check_urls(
        "redis_per_second: {urls: [redis://a, redis://b]}\n",
        "`topology: single` is one server, but there are 2 URLs",
        "keep one URL, or write another `topology`: sentinel, cluster or ring",
    );
}

#[test]
fn nodes_of_a_cluster() {
    check_urls(
        "redis: {topology: cluster, urls: [redis://a, redis://b/1]}\n",
        "a Redis Cluster has only the database 0",
        "leave the database out of `urls`",
    );
    check_urls(
        "redis: {topology: cluster, urls: [redis://a, unix:///run/redis.sock]}\n",
        "a Redis Cluster cannot be reached by a socket in the file system",
        "write `redis://host:6379` for each node that is named",
    );
    accept("redis: {topology: cluster, urls: [redis://a, redis://b]}\n", &[], &[]);
}

#[test]
fn settings_that_contradict_each_other_in_the_file() {
    check(
        "redis: {urls: [redis://a, redis://b]}\nbreaker: {backoff: 2s, max_backoff: 1s}\n",
        &[],
        &[],
        r#"
error: `topology: single` is one server, but there are 2 URLs
 --> s.yaml:1:15
  |
1 | redis: {urls: [redis://a, redis://b]}
  |               ^
  = field: redis.urls
  = help: keep one URL, or write another `topology`: sentinel, cluster or ring

error: `max_backoff` is shorter than `backoff`
 --> s.yaml:2:37
  |
2 | breaker: {backoff: 2s, max_backoff: 1s}
  |                                     ^^
  = field: breaker.max_backoff
  = help: make `breaker.max_backoff` at least as long as `breaker.backoff`
"#,
    );
}

#[test]
fn settings_of_several_layers_that_contradict_each_other() {
    check(
        "redis: {topology: single}\n",
        &[("RATEKEEPER_REDIS__URLS", "redis://a,redis://b"), ("RATEKEEPER_BREAKER__BACKOFF", "1m")],
        &[],
        r#"
error: `topology: single` is one server, but there are 2 URLs
 --> redis.urls
  = help: keep one URL, or write another `topology`: sentinel, cluster or ring

error: `max_backoff` is shorter than `backoff`
 --> breaker.max_backoff
  = help: make `breaker.max_backoff` at least as long as `breaker.backoff`
"#,
    );
}

#[test]
fn a_later_layer_resolves_a_contradiction() {
    let yaml = "redis: {urls: [redis://a, redis://b]}\n";
    let settings = accept(yaml, &[("RATEKEEPER_REDIS__TOPOLOGY", "ring")], &[]);
    assert_eq!(settings.redis.urls.len(), 2);
    let settings = accept(yaml, &[("RATEKEEPER_REDIS__URLS", "redis://c")], &[]);
    assert_eq!(settings.redis.urls[0].to_string(), "redis://c:6379");
}
