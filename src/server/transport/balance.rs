//! Which core gets the next connection.
//!
//! Envoy keeps few, long connections, so chance (SO_REUSEPORT, or the first thread to wake) could put
//! all of them on one core. The fewest open connections win; among equals the fewest calls lately, because connections differ
//! in what they carry; among equals still, the next in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::stats::CoreLoad;

/// Ranks cores by what they carry.
#[derive(Debug)]
pub struct Balance {
    cores: Vec<Arc<CoreLoad>>,
    turn: AtomicUsize,
}

impl Balance {
    /// A balance of these cores.
    #[must_use]
    pub fn new(cores: Vec<Arc<CoreLoad>>) -> Self {
        Self { cores, turn: AtomicUsize::new(0) }
    }

    /// The cores by their index, in the order in which they should be offered the next connection.
    pub(crate) fn ranking(&self) -> Vec<usize> {
        let turn = self.turn.load(Ordering::Relaxed);
        let count = self.cores.len();
        let mut order: Vec<usize> = (0..count).map(|offset| (turn + offset) % count).collect();
        // Stable: equals stay in turn.
        order.sort_by_cached_key(|core| (self.cores[*core].open(), self.cores[*core].recent_requests()));
        order
    }

    /// Notes that this core got it.
    pub(crate) fn chosen(&self, core: usize) {
        self.turn.store((core + 1) % self.cores.len(), Ordering::Relaxed);
        self.cores.iter().for_each(|core| core.mark_handover());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a core carries: open connections and calls since the last hand-over.
    struct Load(usize, usize);

    #[track_caller]
    fn check(loads: &[Load], last_chosen: usize, expected: &[usize]) {
        let cores: Vec<Arc<CoreLoad>> = loads.iter().map(|_| Arc::default()).collect();
        let balance = Balance::new(cores.clone());
        balance.chosen(last_chosen);
        let mut shares = Vec::new();
        for (core, Load(open, requests)) in cores.iter().zip(loads) {
            shares.extend((0..*open).map(|_| core.share()));
            (0..*requests).for_each(|_| core.requests.increment());
        }
        assert_eq!(balance.ranking(), expected);
    }

    #[test]
    fn fewest_connections_win() {
        check(&[Load(3, 0), Load(1, 900), Load(2, 0)], 0, &[1, 2, 0]);
    }

    #[test]
    fn among_equals_the_fewest_calls_lately() {
        check(&[Load(2, 70), Load(2, 5), Load(2, 30)], 0, &[1, 2, 0]);
    }

    #[test]
    fn among_equals_still_the_next_in_turn() {
        check(&[Load(1, 0), Load(1, 0), Load(1, 0)], 1, &[2, 0, 1]);
        check(&[Load(1, 0), Load(1, 0), Load(1, 0)], 2, &[0, 1, 2]);
    }

    #[test]
    fn calls_before_the_last_hand_over_do_not_count() {
        let cores: Vec<Arc<CoreLoad>> = vec![Arc::default(), Arc::default()];
        let balance = Balance::new(cores.clone());
        cores[1].requests.increment();
        balance.chosen(0);
        assert_eq!(balance.ranking(), [1, 0]);
    }
}
