//! From text to a URL, or to what is wrong with it in words that repeat nothing of it.

use super::{RedisEndpoint, RedisUrl, Secret};

/// More than any URL needs; faults hide no password beyond some 4,000 bytes.
const MAX_LENGTH: usize = 2048;

/// The longest path that a Unix-domain socket can have on Linux, in bytes.
const MAX_UNIX_PATH: usize = 107;

/// Redis can be configured to have more, but nobody does.
const MAX_DATABASE: u32 = 65_535;

/// The port of a URL that names none.
const DEFAULT_PORT: &str = "6379";

const ESCAPE: &str = "write `%40` for `@`, `%3A` for `:`, `%2F` for `/`, `%25` for `%` in user and password";
const FORM: &str =
    "write `redis://host:6379`, `redis://user:password@host:6379/0` or `unix:///path/redis.sock`";

/// What is wrong with a URL, and what to write instead; neither repeats any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config::settings) struct BadUrl {
    pub(in crate::config::settings) message: &'static str,
    pub(in crate::config::settings) help: &'static str,
}

impl RedisUrl {
    /// Reads a URL.
    pub(in crate::config::settings) fn parse(text: &str) -> Result<Self, BadUrl> {
        if text.len() > MAX_LENGTH {
            return Err(bad("longer than 2048 bytes", FORM));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(bad("with a space in it", "write `%20` for a space"));
        }
        let (scheme, rest) = text.split_once("://").ok_or_else(|| bad("without `redis://`", FORM))?;
        match scheme {
            "redis" => tcp(rest),
            "unix" => unix(rest),
            "rediss" => tcp(rest).map(|url| RedisUrl { tls: true, ..url }),
            _ => Err(bad("that begins with neither `redis://`, `rediss://` nor `unix://`", FORM)),
        }
    }
}

fn bad(message: &'static str, help: &'static str) -> BadUrl {
    BadUrl { message, help }
}

fn tcp(text: &str) -> Result<RedisUrl, BadUrl> {
    let (authority, path) = text.split_once('/').unwrap_or((text, ""));
    let (credentials, place) = split_credentials(authority, path)?;
    let (username, password) = credentials.map_or(Ok((None, None)), read_credentials)?;
    let (host, port) = host_and_port(place)?;
    let database = if path.is_empty() { 0 } else { database(path)? };
    let endpoint = RedisEndpoint::Tcp { host: host.to_ascii_lowercase(), port };
    Ok(RedisUrl { endpoint, tls: false, username, password, database })
}

fn unix(text: &str) -> Result<RedisUrl, BadUrl> {
    let (authority, rest) = text.split_once('/').unwrap_or((text, ""));
    let (path, query) = rest.split_once('?').map_or((rest, None), |(path, query)| (path, Some(query)));
    let (credentials, place) = split_credentials(authority, path)?;
    let (username, password) = credentials.map_or(Ok((None, None)), read_credentials)?;
    let number = query.map(|query| query.strip_prefix("db=").map_or_else(|| database(query), database));
    let database = number.transpose()?.unwrap_or(0);
    if path.is_empty() || !place.is_empty() {
        return Err(bad("whose path does not begin with `/`", "write `unix:///run/redis.sock`"));
    }
    let path = format!("/{path}");
    if path.len() > MAX_UNIX_PATH {
        return Err(bad(
            "with a path that is longer than a socket's can be",
            "put the socket into a shorter path",
        ));
    }
    Ok(RedisUrl { endpoint: RedisEndpoint::Unix(path.into()), tls: false, username, password, database })
}

/// What stands before the `@`, where there is one, and what stands behind it.
fn split_credentials<'t>(authority: &'t str, path: &str) -> Result<(Option<&'t str>, &'t str), BadUrl> {
    let (credentials, place) = match authority.split_once('@') {
        Some((credentials, place)) => (Some(credentials), place),
        None => (None, authority),
    };
    if place.contains('@') || path.contains('@') {
        return Err(bad("whose password has signs that must be escaped", ESCAPE));
    }
    Ok((credentials, place))
}

fn read_credentials(text: &str) -> Result<(Option<String>, Option<Secret>), BadUrl> {
    let Some((user, password)) = text.split_once(':') else {
        let help = "write `user:password@`, or `:password@` for the default user";
        return Err(bad("with a user but no password", help));
    };
    if password.is_empty() {
        return Err(bad("with an empty password", "leave `:@` out where Redis asks for no password"));
    }
    let decode =
        |text| decode(text).ok_or_else(|| bad("whose password has signs that must be escaped", ESCAPE));
    let user = if user.is_empty() { None } else { Some(decode(user)?) };
    Ok((user, Some(Secret(decode(password)?))))
}

/// Takes percent-encoding off.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn host_and_port(text: &str) -> Result<(&str, u16), BadUrl> {
    let no_host = || bad("without a host", FORM);
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or_else(no_host)?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| bad("whose host is no address", FORM))?;
            (host, if port.is_empty() { Some(DEFAULT_PORT) } else { port.strip_prefix(':') })
        }
        None => text.split_once(':').map_or((text, Some(DEFAULT_PORT)), |(host, port)| (host, Some(port))),
    };
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
    if host.is_empty() {
        return Err(no_host());
    }
    if !host.bytes().all(name) {
        return Err(bad("whose host is no name", FORM));
    }
    let port = port.filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let port = port.and_then(|port| port.parse().ok()).filter(|port| *port > 0);
    Ok((host, port.ok_or_else(|| bad("whose port is no number from 1 to 65535", FORM))?))
}

fn database(text: &str) -> Result<u32, BadUrl> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten().filter(|number| *number <= MAX_DATABASE);
    number.ok_or_else(|| {
        bad("whose database is no number", "write `redis://host:6379/0`, or `unix:///path/redis.sock?db=0`")
    })
}
