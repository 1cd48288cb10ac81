//! What a store is asked to count: the hits of one request, and what makes them a denied request.

use crate::decision::key::CounterKey;
use crate::decision::limit::Limit;
use crate::decision::reading::Reading;
use crate::decision::request::Hits;

/// One counter's share of a request.
#[derive(Debug, Clone)]
pub struct Hit {
    /// Which counter.
    pub key: CounterKey,
    /// What it is held against.
    pub limit: Limit,
    /// What is added or given back.
    pub hits: Hits,
    /// What it means for the request when this one is over.
    pub role: Role,
    /// What decides where the counter's store does not answer.
    pub on_store_failure: OnStoreFailure,
}

/// How a descriptor takes part in the verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Role {
    /// Counted and judged, but never denies.
    pub shadow: bool,
    /// Denies only when every quota-mode descriptor of the request is over.
    pub quota: bool,
}

/// What becomes of the counters when the request is denied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeniedRequests {
    /// Denied hits count like any other.
    #[default]
    Count,
    /// A denied request leaves no counter changed.
    Ignore,
}

/// What becomes of a hit that the shared store cannot count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum OnStoreFailure {
    /// This replica counts it itself, against its share of the limit.
    #[default]
    Local,
    /// It passes.
    Allow,
    /// It is over the limit.
    Deny,
}

impl OnStoreFailure {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Local, Self::Allow, Self::Deny];

    /// The word for it in files, metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Allow => "allow",
            Self::Deny => "deny",
        }
    }
}

/// What decided a hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// The store, which counted it.
    Store,
    /// This replica's memory of a counter that is over until its window ends; the store was not asked.
    Memory,
    /// This replica without its store, as [`OnStoreFailure`] says.
    Fallback,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Store, Self::Memory, Self::Fallback];

    /// The word for it in metrics and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Memory => "memory",
            Self::Fallback => "fallback",
        }
    }
}

/// What came of one hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HitAnswer {
    /// Its counter.
    pub reading: Reading,
    /// What read it.
    pub source: Source,
}

impl From<Reading> for HitAnswer {
    /// A store's reading.
    fn from(reading: Reading) -> Self {
        Self { reading, source: Source::Store }
    }
}

/// The hits of one request.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The hits, in the order of their descriptors; the same key may stand more than once.
    pub hits: &'a [Hit],
    /// What the rest of the request contributes.
    pub leniency: Leniency,
    /// Whether denied requests count.
    pub denied_requests: DeniedRequests,
}

/// What keeps a request from being denied whatever its hits say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leniency {
    /// Global shadow mode: nothing is ever denied.
    pub never_denies: bool,
    /// A quota-mode descriptor that is not over stands outside the hits (global quota mode and a descriptor without a rule).
    pub quota_left: bool,
}

impl Leniency {
    /// Whether a request with these roles and outcomes is denied: one outside quota mode is over, or there are
    /// quota-mode ones and all of them are over. What shadow mode turned into OK is not over.
    #[must_use]
    pub fn denies(self, outcomes: impl IntoIterator<Item = (Role, Reading)>) -> bool {
        let mut quota = QuotaSeen { any: false, left: self.quota_left };
        for (role, reading) in outcomes {
            let over = reading.over && !role.shadow;
            if role.quota {
                quota.any = true;
                quota.left |= !over;
            } else if over {
                return !self.never_denies;
            }
        }
        quota.any && !quota.left && !self.never_denies
    }
}

struct QuotaSeen {
    any: bool,
    left: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Role = Role { shadow: false, quota: false };
    const SHADOW: Role = Role { shadow: true, quota: false };
    const QUOTA: Role = Role { shadow: false, quota: true };
    const BOTH: Role = Role { shadow: true, quota: true };

    #[track_caller]
    fn check(leniency: Leniency, outcomes: &[(Role, bool)], expected: bool) {
        let readings = outcomes.iter().map(|&(role, over)| (role, Reading::of_window(1, over)));
        assert_eq!(leniency.denies(readings), expected, "{outcomes:?}");
    }

    #[test]
    fn folds_as_envoys_users_know_it() {
        let none = Leniency::default();
        check(none, &[], false);
        check(none, &[(PLAIN, false)], false);
        check(none, &[(PLAIN, false), (PLAIN, true)], true);
        check(none, &[(SHADOW, true)], false);
        check(none, &[(QUOTA, true)], true);
        check(none, &[(QUOTA, true), (QUOTA, false)], false);
        check(none, &[(QUOTA, true), (QUOTA, true)], true);
        check(none, &[(QUOTA, false), (PLAIN, true)], true);
        check(none, &[(QUOTA, true), (PLAIN, false)], true);
        check(none, &[(QUOTA, true), (BOTH, true)], false);
        check(none, &[(QUOTA, true), (SHADOW, true)], true);
        check(Leniency { quota_left: true, ..none }, &[(QUOTA, true)], false);
        check(Leniency { quota_left: true, ..none }, &[(PLAIN, true)], true);
        check(Leniency { never_denies: true, ..none }, &[(PLAIN, true), (QUOTA, true)], false);
    }
}
