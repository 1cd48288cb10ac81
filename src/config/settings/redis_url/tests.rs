//! Which URLs are taken, and that none is printed with its password.

use super::{RedisUrl, Secret};

#[track_caller]
fn check(text: &str, shown: &str, user: Option<&str>, password: Option<&str>) {
    let url = RedisUrl::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
    assert_eq!(url.to_string(), shown);
    assert_eq!((url.username.as_deref(), url.password.as_ref().map(Secret::expose)), (user, password));
    assert_eq!(format!("{url:?} {}", serde_json::to_string(&url).unwrap()), format!("{shown} \"{shown}\""));
}

#[test]
fn urls_are_read_and_printed_without_their_password() {
    check("redis://127.0.0.1:6379", "redis://127.0.0.1:6379", None, None);
    check("redis://Redis-1.svc", "redis://redis-1.svc:6379", None, None);
    check("redis://[::1]:7/", "redis://[::1]:7", None, None);
    check("redis://[::1]/3", "redis://[::1]:6379/3", None, None);
    check("redis://:pw@h:1/2", "redis://:****@h:1/2", None, Some("pw"));
    check("redis://me:p:w@h", "redis://me:****@h:6379", Some("me"), Some("p:w"));
    check("redis://m%40e:%70%25%2f@h", "redis://m%40e:****@h:6379", Some("m@e"), Some("p%/"));
    check("rediss://me:pw@h/2", "rediss://me:****@h:6379/2", Some("me"), Some("pw"));
    check("unix:///run/redis.sock", "unix:///run/redis.sock", None, None);
    check("unix://me:pw@/run/redis.sock?db=4", "unix://me:****@/run/redis.sock?db=4", Some("me"), Some("pw"));
}

#[track_caller]
fn refuse(text: &str, message: &str) {
    assert_eq!(RedisUrl::parse(text).map_err(|fault| fault.message), Err(message), "{text}");
}

#[test]
fn anything_else_is_refused() {
    refuse("", "without `redis://`");
    refuse("host:6379", "without `redis://`");
    refuse("http://host", "that begins with neither `redis://`, `rediss://` nor `unix://`");
    refuse("rediss://", "without a host");
    refuse("redis://", "without a host");
    refuse("redis://:6379", "without a host");
    refuse("redis://host:0", "whose port is no number from 1 to 65535");
    refuse("redis://host:port", "whose port is no number from 1 to 65535");
    refuse("redis://host:65536", "whose port is no number from 1 to 65535");
    refuse("redis://[::1]x", "whose port is no number from 1 to 65535");
    refuse("redis://[host]:1", "whose host is no address");
    refuse("redis://ho,st", "whose host is no name");
    refuse("redis://host/zero", "whose database is no number");
    refuse("redis://host/0?x=1", "whose database is no number");
    refuse("redis://host#x", "whose host is no name");
    refuse("redis://pw@host", "with a user but no password");
    refuse("redis://me:@host", "with an empty password");
    refuse("redis://:p%4@host", "whose password has signs that must be escaped");
    refuse("redis://:p%ff@host", "whose password has signs that must be escaped");
    refuse("redis://:p@w@host", "whose password has signs that must be escaped");
    refuse("redis://:p/w@host", "whose password has signs that must be escaped");
    refuse("redis://:p w@host", "with a space in it");
    refuse("unix://run/redis.sock", "whose path does not begin with `/`");
    refuse("unix://", "whose path does not begin with `/`");
    refuse("unix:///s?pass=x", "whose database is no number");
    refuse(&format!("unix:///{}", "x".repeat(107)), "with a path that is longer than a socket's can be");
    refuse(&format!("redis://{}", "x".repeat(2048)), "longer than 2048 bytes");
}
