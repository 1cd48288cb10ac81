//! What is refused of credentials and TLS to the shared store.

use super::{accept, check};
use crate::config::settings::Secret;

#[track_caller]
fn contradicts(redis: &str, path: &str, message: &str, help: &str) {
    let yaml = format!("redis: {{{redis}}}\n");
    check(&yaml, &[], &[], &format!("error: {message}\n --> {path}\n  = help: {help}"));
}

#[test]
fn what_goes_together() {
    let settings = accept(
        "redis: {username: me, password_file: /p, tls: {enabled: true, ca: /ca, certificate: /c, key: /k, server_name: n}}",
        &[],
        &[],
    );
    let (credentials, tls) = (&settings.redis.credentials, &settings.redis.tls);
    assert_eq!(credentials.username.as_deref(), Some("me"));
    assert_eq!(credentials.password_file.as_deref(), Some("/p".as_ref()));
    assert!(
        tls.enabled && tls.verify_host_name && tls.is_for(settings.redis.topology, &settings.redis.urls[0])
    );
    assert_eq!(tls.server_name.as_deref(), Some("n"));
    assert_eq!([&tls.ca, &tls.certificate, &tls.key].map(|path| path.is_some()), [true; 3]);
    let settings =
        accept("redis: {topology: ring, urls: ['rediss://a', 'redis://b', 'unix:///c']}", &[], &[]);
    let is_for =
        |index: usize| settings.redis.tls.is_for(settings.redis.topology, &settings.redis.urls[index]);
    assert_eq!([is_for(0), is_for(1), is_for(2)], [true, false, false]);
}

#[test]
fn a_password_may_come_by_a_variable() {
    let variables = [("RATEKEEPER_REDIS__PASSWORD", "12345678"), ("RATEKEEPER_REDIS__USERNAME", "me")];
    let credentials = accept("redis: {password: from the file}", &variables, &[]).redis.credentials;
    assert_eq!(credentials.password.as_ref().map(Secret::expose), Some("12345678"));
    assert_eq!(credentials.username.as_deref(), Some("me"));
}

#[test]
fn credentials_that_contradict_each_other() {
    let one = "keep one of the two; the file is read again when it changes";
    contradicts(
        "password: a, password_file: b",
        "redis.password_file",
        "both `password` and `password_file` are given",
        one,
    );
    contradicts(
        "username: a, username_file: b",
        "redis.username_file",
        "both `username` and `username_file` are given",
        one,
    );
    contradicts(
        "username: a",
        "redis.username",
        "there is a user but no password",
        "write `password` or `password_file`; an ACL user without a password takes any",
    );
    contradicts(
        "topology: ring, password: a, urls: ['redis://:b@h', 'redis://i']",
        "redis.urls",
        "there is a password in a URL and another one beside the URLs",
        "keep the user and password either in `urls` or in settings of their own",
    );
}

#[test]
fn sentinels_have_users_and_tls_of_their_own() {
    let yaml = "redis: {topology: sentinel, sentinel_master: m, urls: ['redis://:s@h'], password: p, tls: {enabled: true}}";
    let redis = accept(yaml, &[], &[]).redis;
    assert!(!redis.tls.is_for(redis.topology, &redis.urls[0]));
}

#[test]
fn the_store_for_limits_per_second_is_held_to_the_same() {
    check(
        "redis_per_second: {urls: ['redis://h'], password: a, password_file: b}",
        &[],
        &[],
        "
error: both `password` and `password_file` are given
 --> redis_per_second.password_file
  = help: keep one of the two; the file is read again when it changes
",
    );
    accept("redis_per_second: {urls: ['rediss://h'], password: a, tls: {ca: b}}", &[], &[]);
}

#[test]
fn tls_that_contradicts_itself() {
    contradicts(
        "tls: {enabled: true, certificate: a}",
        "redis.tls.certificate",
        "a certificate and its key go together, and one of them is missing",
        "write both `certificate` and `key`, or neither",
    );
    contradicts(
        "tls: {ca: a}",
        "redis.tls",
        "TLS is set up, but no server is asked by it",
        "write `redis.tls.enabled: true`, or `rediss://` URLs",
    );
    contradicts(
        "tls: {enabled: true}, urls: ['unix:///s']",
        "redis.tls.enabled",
        "a socket in the file system is not asked by TLS",
        "leave `redis.tls.enabled` out and write `rediss://` for the other servers",
    );
    contradicts(
        "topology: cluster, urls: ['rediss://a', 'redis://b']",
        "redis.urls",
        "some nodes of the Redis Cluster are named with TLS, and some without",
        "write `rediss://` for all of them, or `redis.tls.enabled: true`",
    );
}

#[test]
fn names_and_kinds() {
    check(
        "redis: {tls: {enabled: 1, ca: [a], keys: b}}\n",
        &[],
        &[],
        "
error: `enabled` must be true or false, not `1`
 --> s.yaml:1:24
  |
1 | redis: {tls: {enabled: 1, ca: [a], keys: b}}
  |                        ^
  = field: redis.tls.enabled
  = help: write `true`, without quotes

error: `ca` must be text, not a list
 --> s.yaml:1:31
  |
1 | redis: {tls: {enabled: 1, ca: [a], keys: b}}
  |                               ^
  = field: redis.tls.ca
  = help: put text that begins with a bracket in quotes

error: unknown field `keys`
 --> s.yaml:1:36
  |
1 | redis: {tls: {enabled: 1, ca: [a], keys: b}}
  |                                    ^^^^
  = field: redis.tls.keys
  = help: did you mean `key`?
",
    );
}
