//! Telling a shard that may have lost its memory what was read.

use super::*;
use crate::storage::ledger::restoration::RestorationRound;

fn counts(ledger: &Ledger, now: Timestamp) -> Vec<(CounterKey, u64)> {
    let read = ledger.read_counts(&mut RestorationRound::new(), |_, _| true, now, usize::MAX);
    read.into_iter().map(|count| (count.key, count.read.window().unwrap().count)).collect()
}

#[test]
fn what_was_read_is_told_while_its_window_runs() {
    let ledger = ledger();
    let hit = take("a", 100, 1);
    read(&ledger, &hit, 100);
    // Used up: whatever is denied meanwhile leaves no debt.
    assert_eq!(decide(&ledger, &[take("a", 100, 1)]), [(101, true)]);
    assert_eq!(owed(&ledger), []);
    assert_eq!(counts(&ledger, NOW), [(hit.key.clone(), 100)]);
    assert_eq!(counts(&ledger, later(59)), [(hit.key.clone(), 100)]);
    assert_eq!(counts(&ledger, later(60)), []);
    let [before, long_before] = [2, 3].map(|secs| Timestamp::from_secs(NOW.secs() - secs));
    assert_eq!(counts(&ledger, before), [(hit.key, 100)], "clocks differ a little");
    assert_eq!(counts(&ledger, long_before), []);
}

#[test]
fn a_round_meets_everything_that_is_wanted_in_pieces() {
    let ledger = ledger_of(10_000);
    for index in 1..=3_000 {
        read(&ledger, &take(&index.to_string(), 9, 1), index);
    }
    let (mut round, mut met) = (RestorationRound::new(), std::collections::BTreeSet::new());
    loop {
        let (before, wanted) = (round, |_: &CounterKey, period| period == Period::MINUTE);
        let piece = ledger.read_counts(&mut round, wanted, NOW, 64);
        assert_eq!(piece, ledger.read_counts(&mut before.clone(), wanted, NOW, 64), "it can be told again");
        if piece.is_empty() {
            break;
        }
        assert!(piece.len() <= 64);
        met.extend(piece.iter().map(|count| count.read.window().unwrap().count));
    }
    assert_eq!(met.len(), 3_000);
    assert_eq!(ledger.read_counts(&mut RestorationRound::new(), |_, _| false, NOW, 64), []);
}
