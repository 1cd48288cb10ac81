//! Why a server did not count, in one line for the log, and whether it may have counted all the same.

use std::sync::Arc;

use redis::{ErrorKind, RedisError, ServerError};

/// What servers say when a command inside a script is not the user's to run, as it has no code of its own: Redis 6 and 7.0,
/// then Valkey.
const NOT_ALLOWED_IN_SCRIPT: [&str; 2] = ["The user executing the script can't", "ACL failure in script"];

/// Why there is no count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No answer within the time that the caller had.
    #[error("no answer within the time allowed")]
    Timeout,
    /// The connection could not be made, or broke.
    #[error("the connection failed: {0}")]
    Io(Arc<str>),
    /// The server is reading its data from disk.
    #[error("LOADING: the server is still loading its data")]
    Loading,
    /// The server has no memory left and evicts nothing.
    #[error(
        "OOM: the server is at its maxmemory and its maxmemory-policy evicts nothing that would make room"
    )]
    Oom,
    /// A replica whose master is away.
    #[error("MASTERDOWN: the server is a replica that has lost its master")]
    MasterDown,
    /// A replica, as after a failover.
    #[error("READONLY: the server is a replica and takes no writes")]
    ReadOnly,
    /// Credentials are missing or wrong.
    #[error("NOAUTH: the server does not accept the credentials: {0}")]
    NoAuth(Arc<str>),
    /// The user may not do what counting needs.
    #[error("NOPERM: the user lacks a permission: {0}")]
    NoPerm(Arc<str>),
    /// The server does not have the script; sent again with its text.
    #[error("NOSCRIPT: the server does not have the script")]
    NoScript,
    /// A Cluster node that no longer has the slot.
    #[error("MOVED: this is a node of a Redis Cluster (redis.topology: cluster), and slot {} is at {}", .0.slot, .0.address)]
    Moved(Redirect),
    /// A Cluster node that is giving the slot away and no longer has the key.
    #[error("ASK: slot {} is being moved to {}", .0.slot, .0.address)]
    Ask(Redirect),
    /// A slot is being moved and its keys are in two places.
    #[error("TRYAGAIN: a slot is being moved")]
    TryAgain,
    /// The Cluster does not serve.
    #[error("CLUSTERDOWN: {0}")]
    ClusterDown(Arc<str>),
    /// The server refused for another reason of its own, before it did anything.
    #[error("the server refused: {0}")]
    Refused(Arc<str>),
    /// More orders wait than may.
    #[error("too many requests wait for this server")]
    Overloaded,
    /// The link is being taken down.
    #[error("the link to the server is closed")]
    Closed,
    /// Anything else that the server said.
    #[error("unexpected answer: {0}")]
    Other(Arc<str>),
}

/// Where a Cluster node sends its callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// The slot.
    pub slot: u16,
    /// `host:port` of the other node; without a host it is another port of the node that said so.
    pub address: Arc<str>,
}

/// A key holds what is no counter of ours; only that key is concerned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ForeignValue {
    /// What the server said.
    pub reason: Arc<str>,
}

impl Failure {
    /// Whether an answer like this means that nothing was counted.
    pub(super) fn is_refusal(&self) -> bool {
        !matches!(self, Failure::Timeout | Failure::Io(_) | Failure::Closed | Failure::Other(_))
    }

    /// Whether it says where to go instead, or to come again.
    #[must_use]
    pub fn is_redirect(&self) -> bool {
        matches!(self, Failure::Moved(_) | Failure::Ask(_) | Failure::TryAgain)
    }

    /// The same, said of what was sent on a connection that ended for this reason and was never answered.
    pub(super) fn as_unknown(&self) -> Self {
        if self.is_refusal() { Failure::Io(self.to_string().into()) } else { self.clone() }
    }

    /// Whether another connection may lead to a server that does better.
    pub(super) fn wants_another_connection(&self) -> bool {
        matches!(self, Failure::ReadOnly | Failure::NoAuth(_))
    }

    /// What an error reply says.
    pub(super) fn of_reply(error: &ServerError) -> Self {
        Self::of_code(error.code(), error.details().unwrap_or_default())
    }

    /// What the client library says of the connection.
    pub(super) fn of_connection(error: &RedisError) -> Self {
        match (error.kind(), error.code()) {
            (ErrorKind::AuthenticationFailed, _) => Failure::NoAuth(error.to_string().into()),
            (_, Some(code)) => Self::of_code(code, error.detail().unwrap_or_default()),
            _ => Failure::Io(error.to_string().into()),
        }
    }

    fn of_code(code: &str, detail: &str) -> Self {
        // Redis 6 wraps what a command in a script could not do into an error of the script; once, whatever else a text says.
        let wrapped = || {
            let (_, inner) = detail.split_once(" -")?;
            inner.split_once(' ').filter(|(code, _)| code.bytes().all(|byte| byte.is_ascii_uppercase()))
        };
        let (code, detail) = match Self::known(code, detail) {
            Some(failure) => return failure,
            None => wrapped().unwrap_or((code, detail)),
        };
        Self::known(code, detail).unwrap_or_else(|| Failure::Other(format!("{code} {detail}").into()))
    }

    fn known(code: &str, detail: &str) -> Option<Self> {
        Some(match code {
            "LOADING" => Failure::Loading,
            "OOM" => Failure::Oom,
            "MASTERDOWN" => Failure::MasterDown,
            "READONLY" => Failure::ReadOnly,
            "NOAUTH" | "WRONGPASS" => Failure::NoAuth(detail.into()),
            "NOPERM" => Failure::NoPerm(detail.into()),
            "NOSCRIPT" => Failure::NoScript,
            "MOVED" | "ASK" => redirect(code, detail),
            "TRYAGAIN" => Failure::TryAgain,
            "CLUSTERDOWN" => Failure::ClusterDown(detail.into()),
            "BUSY" | "MISCONF" | "NOREPLICAS" => Failure::Refused(format!("{code} {detail}").into()),
            "CROSSSLOT" => Failure::Refused(
                "CROSSSLOT: behind this address are several servers (redis.topology: proxy)".into(),
            ),
            // What Envoy's redis_proxy says where it has nobody to ask.
            "no" if detail.trim_end() == "upstream host" => Failure::Refused("no upstream host".into()),
            "ERR" | "@user_script:" if NOT_ALLOWED_IN_SCRIPT.iter().any(|text| detail.contains(text)) => {
                Failure::NoPerm(detail.into())
            }
            _ => return None,
        })
    }
}

fn redirect(code: &str, detail: &str) -> Failure {
    let to = detail.split_once(' ').and_then(|(slot, address)| {
        Some(Redirect { slot: slot.parse().ok()?, address: address.trim_end().into() })
    });
    match to {
        Some(to) if code == "ASK" => Failure::Ask(to),
        Some(to) => Failure::Moved(to),
        None => Failure::Other(format!("{code} {detail}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &str, detail: &str, expected: &Failure) {
        assert_eq!(Failure::of_code(code, detail), *expected);
    }

    #[test]
    fn replies_are_told_apart() {
        let to = Redirect { slot: 3999, address: "127.0.0.1:6381".into() };
        check("MOVED", "3999 127.0.0.1:6381", &Failure::Moved(to.clone()));
        check("ASK", "3999 127.0.0.1:6381", &Failure::Ask(to));
        check("MOVED", "nonsense", &Failure::Other("MOVED nonsense".into()));
        check("OOM", "command not allowed", &Failure::Oom);
        check(
            "ERR",
            "Error running script (call to f_1): @user_script: 7: -READONLY You can't write against a replica",
            &Failure::ReadOnly,
        );
        for (code, detail) in [
            ("ERR", "The user executing the script can't run this command or subcommand"),
            ("@user_script:", "59: The user executing the script can't run this command or subcommand"),
            ("ERR", "ACL failure in script: User default has no permissions to run the 'set' command"),
        ] {
            check(code, detail, &Failure::NoPerm(detail.into()));
        }
        check("ERR", "unknown command", &Failure::Other("ERR unknown command".into()));
        let nested = format!("x{}", " -ERR x".repeat(1 << 20));
        check("ERR", &nested, &Failure::Other(nested.split_once(" -").unwrap().1.into()));
        check("no", "upstream host", &Failure::Refused("no upstream host".into()));
        check("MISCONF", "no disk", &Failure::Refused("MISCONF no disk".into()));
    }

    #[test]
    fn only_a_refusal_says_that_nothing_was_counted() {
        assert!(Failure::Oom.is_refusal() && Failure::NoScript.is_refusal());
        assert!(!Failure::Timeout.is_refusal() && !Failure::Other("?".into()).is_refusal());
    }
}
