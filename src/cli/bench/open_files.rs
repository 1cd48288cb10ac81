//! Room for thousands of connections: each one is an open file, and systems allow a process fewer by default.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What else is open: standard streams, runtimes, files that are read now and then.
const OTHERS: u64 = 64;

/// Why there will be too few.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{needed} open files are needed but {allowed} allowed: raise the limit (ulimit -n {needed}) or make fewer connections"
)]
pub struct TooFewFiles {
    needed: u64,
    allowed: u64,
}

/// Lets this process open so many files beside the usual ones.
///
/// # Errors
///
/// When the hard limit is below that.
pub fn allow_open_files(count: u64) -> Result<(), TooFewFiles> {
    let needed = count.saturating_add(OTHERS);
    let limit = getrlimit(Resource::Nofile);
    let suffices = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if suffices(limit.current) {
        return Ok(());
    }
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if suffices(limit.maximum) && setrlimit(Resource::Nofile, raised).is_ok() {
        return Ok(());
    }
    Err(TooFewFiles { needed, allowed: limit.maximum.or(limit.current).unwrap_or(u64::MAX) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allowed_is_not_touched() {
        let before = getrlimit(Resource::Nofile);
        assert_eq!(allow_open_files(1), Ok(()));
        assert_eq!(getrlimit(Resource::Nofile), before);
    }

    #[test]
    fn more_than_the_system_allows_is_refused_with_the_way_out() {
        if getrlimit(Resource::Nofile).maximum.is_none() {
            return;
        }
        let error = allow_open_files(u64::MAX - 100).unwrap_err().to_string();
        assert!(error.contains(&format!("ulimit -n {}", u64::MAX - 36)), "{error}");
    }
}
