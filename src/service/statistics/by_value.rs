//! Counts under names that requests chose: a bounded number of them, read without a lock.
//!
//! The first names that come get a place of their own and keep it as long as their rule is there; hits of all later ones are
//! counted together. Whoever sends ever new values can so fill the places, but neither memory nor the pages that show them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ahash::RandomState;
use arc_swap::ArcSwap;
use parking_lot::Mutex;

use super::{Folded, HitCounts};
use crate::decision::hit_shares::HitShares;
use crate::decision::rules::statistic_name::{NameBuffer, TooLong};

/// A name that comes for the first time has its part copied, so the parts are small.
const PARTS: usize = 64;

/// Counts by name.
#[derive(Debug)]
pub(super) struct CountsByValue {
    parts: Box<[Part]>,
    hasher: RandomState,
    most: usize,
    taken: AtomicUsize,
    folded: AtomicU64,
}

#[derive(Debug, Default)]
struct Part {
    names: ArcSwap<Names>,
    /// Held by whoever replaces the names.
    writing: Mutex<()>,
}

type Names = HashMap<Arc<[u8]>, Place, RandomState>;

#[derive(Debug, Clone)]
struct Place {
    counts: Arc<HitCounts>,
    /// The name under which it would be counted without a place.
    folded_as: Arc<str>,
}

impl CountsByValue {
    pub(super) fn new(most: usize) -> Self {
        Self {
            parts: (0..PARTS).map(|_| Part::default()).collect(),
            hasher: RandomState::new(),
            most,
            taken: AtomicUsize::new(0),
            folded: AtomicU64::new(0),
        }
    }

    /// Counts under a name, or under the folded one where it has no place and there is none left.
    pub(super) fn add(&self, name: Result<NameBuffer, TooLong>, folded: &Folded, shares: HitShares) {
        if name.is_ok_and(|name| self.find(&name, shares) || self.make(&name, folded, shares)) {
            return;
        }
        self.folded.fetch_add(1, Ordering::Relaxed);
        folded.counts.add(shares);
    }

    /// How often there was no place.
    pub(super) fn folded(&self) -> u64 {
        self.folded.load(Ordering::Relaxed)
    }

    /// Gives up the places of names whose folded name is not wanted any more.
    pub(super) fn retain(&self, is_wanted: impl Fn(&str) -> bool) {
        for part in &self.parts {
            let writing = part.writing.lock();
            let names = part.names.load();
            let wanted = names.iter().filter(|(_, place)| is_wanted(&place.folded_as));
            let wanted: Names = wanted.map(|(name, place)| (Arc::clone(name), place.clone())).collect();
            let left = names.len() - wanted.len();
            if left > 0 {
                part.names.store(Arc::new(wanted));
                self.taken.fetch_sub(left, Ordering::Relaxed);
            }
            drop(writing);
        }
    }

    /// Shows every name.
    pub(super) fn each(&self, mut show: impl FnMut(&[u8], &HitCounts)) {
        for part in &self.parts {
            part.names.load().iter().for_each(|(name, place)| show(name, &place.counts));
        }
    }

    /// Counts under a name that has a place.
    fn find(&self, name: &[u8], shares: HitShares) -> bool {
        match self.part(name).names.load().get(name) {
            Some(place) => {
                place.counts.add(shares);
                true
            }
            None => false,
        }
    }

    /// Counts under a name that takes a place, where there is one left.
    fn make(&self, name: &[u8], folded: &Folded, shares: HitShares) -> bool {
        // Looked at first, so that a flood of new names takes no lock.
        if self.taken.load(Ordering::Relaxed) >= self.most {
            return false;
        }
        let part = self.part(name);
        let _writing = part.writing.lock();
        if self.find(name, shares) {
            return true;
        }
        let more = |taken: usize| (taken < self.most).then(|| taken + 1);
        if self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_err() {
            return false;
        }
        let place = Place { counts: Arc::default(), folded_as: Arc::clone(&folded.name) };
        place.counts.add(shares);
        let mut names = Names::clone(&part.names.load());
        names.insert(name.into(), place);
        part.names.store(Arc::new(names));
        true
    }

    fn part(&self, name: &[u8]) -> &Part {
        // The lowest bits choose the part; a map within looks at others by a hasher of its own.
        let index = self.hasher.hash_one(name) % PARTS as u64;
        &self.parts[usize::try_from(index).unwrap_or_default()]
    }
}
