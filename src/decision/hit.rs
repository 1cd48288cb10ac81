//! What a store is asked to count: the hits of one request, and what makes them a denied request.

use std::iter;

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

impl Hit {
    /// Whether it is taken even where its request is denied and denied requests are to leave no trace.
    #[must_use]
    pub fn takes_anyway(&self) -> bool {
        self.limit.overdraft && matches!(self.hits, Hits::Take(amount) if amount > 0)
    }
}

/// How a descriptor takes part in the verdict, and whether a hit is its first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Role {
    /// Counted and judged, but never denies.
    pub shadow: bool,
    /// Denies only when every quota-mode descriptor of the request is over.
    pub quota: bool,
    /// The hit is of the same descriptor as the one before it: another limit of the same rule.
    pub continues: bool,
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

impl Batch<'_> {
    /// Some of its hits, by their places in ascending order. What is there of a descriptor stays together, be it only a part.
    pub fn part<'p>(&'p self, places: &'p [usize]) -> impl Iterator<Item = Hit> + 'p {
        let befores = iter::once(None).chain(places.iter().copied().map(Some));
        places.iter().zip(befores).map(|(&place, before)| {
            let hit = self.hits[place].clone();
            let of_one = |before: usize| self.hits[before + 1..=place].iter().all(|hit| hit.role.continues);
            Hit { role: Role { continues: before.is_some_and(of_one), ..hit.role }, ..hit }
        })
    }
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
        let mut quota = QuotaSeen { any: false, left: self.quota_left, room: false };
        for (role, reading) in outcomes {
            let over = reading.over && !role.shadow;
            if role.quota {
                quota.note(role, over);
            } else if over {
                return !self.never_denies;
            }
        }
        quota.any && !quota.left && !quota.room && !self.never_denies
    }
}

/// What is known of quota-mode descriptors. Each is over where any of its limits is.
struct QuotaSeen {
    any: bool,
    /// One that was seen to the end is not over.
    left: bool,
    /// The latest one is not over so far.
    room: bool,
}

impl QuotaSeen {
    fn note(&mut self, role: Role, over: bool) {
        if !role.continues {
            self.any = true;
            self.left |= self.room;
            self.room = true;
        }
        self.room &= !over;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::period::Period;

    const PLAIN: Role = Role { shadow: false, quota: false, continues: false };
    const SHADOW: Role = Role { shadow: true, ..PLAIN };
    const QUOTA: Role = Role { quota: true, ..PLAIN };
    const BOTH: Role = Role { shadow: true, ..QUOTA };
    const MORE: Role = Role { continues: true, ..PLAIN };
    const MORE_QUOTA: Role = Role { continues: true, ..QUOTA };

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

    #[test]
    fn a_descriptor_is_over_where_any_of_its_limits_is() {
        let none = Leniency::default();
        check(none, &[(PLAIN, false), (MORE, true)], true);
        check(none, &[(PLAIN, false), (MORE, false)], false);
        check(none, &[(QUOTA, false), (MORE_QUOTA, true)], true);
        check(none, &[(QUOTA, true), (MORE_QUOTA, false)], true);
        check(none, &[(QUOTA, false), (MORE_QUOTA, false)], false);
        check(none, &[(QUOTA, true), (MORE_QUOTA, false), (QUOTA, false)], false);
        check(none, &[(QUOTA, false), (MORE_QUOTA, false), (QUOTA, true)], false);
        check(none, &[(QUOTA, false), (MORE_QUOTA, true), (QUOTA, false), (MORE_QUOTA, true)], true);
        check(none, &[(QUOTA, false), (MORE_QUOTA, true), (QUOTA, true), (MORE_QUOTA, false)], true);
        check(none, &[(QUOTA, false), (PLAIN, false), (QUOTA, true), (MORE_QUOTA, false)], false);
        check(Leniency { quota_left: true, ..none }, &[(QUOTA, true), (MORE_QUOTA, true)], false);
    }

    /// Whose hits are whose: the first of a descriptor is a letter, and each further one a dot.
    #[track_caller]
    fn check_part(whole: &str, places: &[usize], expected: &str) {
        let key = CounterKey::new("d", Period::SECOND, iter::empty());
        let hit = |c: char| Hit {
            key: key.clone(),
            limit: Limit::new(1, Period::SECOND),
            hits: Hits::Take(1),
            role: Role { continues: c == '.', ..QUOTA },
            on_store_failure: OnStoreFailure::Local,
        };
        let hits: Vec<Hit> = whole.chars().map(hit).collect();
        let batch =
            Batch { hits: &hits, leniency: Leniency::default(), denied_requests: DeniedRequests::Count };
        let part = batch.part(places).map(|hit| if hit.role.continues { '.' } else { 'd' });
        assert_eq!(part.collect::<String>(), expected, "{places:?} of {whole}");
    }

    #[test]
    fn part_of_a_descriptor_is_one_descriptor() {
        check_part("d..d.", &[0, 1, 2, 3, 4], "d..d.");
        check_part("d..d.", &[1, 2], "d.");
        check_part("d..d.", &[0, 2], "d.");
        check_part("d..d.", &[2, 4], "dd");
        check_part("d..d.", &[0, 4], "dd");
        check_part("d..d.", &[2, 3], "dd");
        check_part("ddd", &[0, 2], "dd");
        check_part("d", &[], "");
    }
}
