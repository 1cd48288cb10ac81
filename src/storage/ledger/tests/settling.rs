//! Settlement: once, however often, and never too little.

use super::*;

#[test]
fn what_was_admitted_is_settled_once() {
    let ledger = ledger();
    read(&ledger, &take("a", 100, 1), 40);
    decide(&ledger, &[take("a", 100, 2), take("a", 100, 3)]);
    let settlements = round(&ledger, NOW);
    let [settlement] = settlements.as_slice() else { panic!("{settlements:?}") };
    assert_eq!((read_in(settlement), settlement.admitted), (Window { start: NOW.secs(), count: 40 }, 5));
    assert_eq!((&*settlement.key, settlement.limit.period), (take("a", 1, 1).key.as_bytes(), Period::MINUTE));
    settled(&ledger, settlement, 52, NOW);
    settled(&ledger, settlement, 52, NOW);
    assert_eq!(owed(&ledger), []);
    let figures = ledger.figures();
    assert_eq!((figures.unsettled, figures.admitted, figures.settled), (0, 5, 5));
}

#[test]
fn what_failed_is_sent_again_as_it_was() {
    let ledger = ledger();
    decide(&ledger, &[take("a", 100, 2)]);
    let first = round(&ledger, NOW);
    assert_eq!(first, round(&ledger, NOW));
    decide(&ledger, &[take("a", 100, 3)]);
    assert_eq!(first, round(&ledger, NOW), "what came meanwhile waits for the next one");
    decide(&ledger, &[refund("a", 100, 9)]);
    assert_eq!(first, round(&ledger, NOW), "what is under way cannot be given back");
    decide(&ledger, &[take("a", 100, 4)]);
    settled(&ledger, &first[0], 2, NOW);
    let second = round(&ledger, NOW);
    assert_eq!((second[0].admitted, read_in(&second[0]).count), (4, 2));
    assert!(second[0].id > first[0].id);
    settled(&ledger, &first[0], 2, NOW);
    assert_eq!(second, round(&ledger, NOW), "a late report about the first says nothing about the second");
}

#[test]
fn a_settled_share_is_not_handed_out_again() {
    let ledger = ledger();
    read(&ledger, &take("a", 100, 1), 70);
    assert_eq!(decide(&ledger, &[take("a", 100, 10)]), [(100, false)]);
    settled(&ledger, &round(&ledger, NOW)[0], 100, NOW);
    assert_eq!(decide(&ledger, &[take("a", 100, 1)]), [(101, true)]);
}

#[test]
fn a_share_stays_used_while_its_settlement_is_under_way() {
    let ledger = ledger();
    read(&ledger, &take("a", 100, 1), 70);
    decide(&ledger, &[take("a", 100, 10)]);
    let settlements = round(&ledger, NOW);
    assert_eq!(decide(&ledger, &[take("a", 100, 1)]), [(101, true)]);
    // Others go on meanwhile, and the shard goes again.
    read(&ledger, &take("a", 100, 1), 82);
    assert_eq!(decide(&ledger, &[take("a", 100, 1)]), [(105, true)]);
    settled(&ledger, &settlements[0], 92, NOW);
    assert_eq!(decide(&ledger, &[take("a", 100, 3)]), [(100, false)]);
}

#[test]
fn a_store_that_comes_back_empty_is_told_what_had_passed() {
    let ledger = ledger();
    read(&ledger, &take("a", 100, 1), 40);
    decide(&ledger, &[take("a", 100, 5)]);
    read(&ledger, &take("a", 100, 1), 1);
    assert_eq!(owed(&ledger), [(40, 5)]);
    read(&ledger, &take("a", 100, 1), 60);
    read(&ledger, &refund("a", 100, 15), 45);
    assert_eq!(owed(&ledger), [(45, 5)], "what was given back here had not passed");
}

#[test]
fn windows_that_are_over_and_other_shards_are_left_out() {
    let ledger = ledger();
    let hits = [take("a", 100, 1), take("b", 100, 1)];
    let batch = Batch { hits: &hits, leniency: Leniency::default(), denied_requests: DeniedRequests::Count };
    let _ = ledger.decide(batch, &[SLOT, Slot(9)], share(3), NOW);
    assert_eq!(round(&ledger, NOW).len(), 1);
    assert_eq!(ledger.unsettled(&mut SettlementRound::new(), |slot| slot == Slot(9), later(59), 9).len(), 1);
    assert_eq!(ledger.unsettled_by_slot().collect::<Vec<_>>(), [(SLOT, 1), (Slot(9), 1)]);
    assert_eq!(round(&ledger, later(60)), []);
    assert_eq!(ledger.figures().unsettled, 2);
    ledger.sweep(later(62));
    assert_eq!(ledger.figures().unsettled, 0);
    assert_eq!(ledger.unsettled_by_slot().count(), 0);
}

#[test]
fn a_new_window_has_a_debt_of_its_own() {
    let ledger = ledger();
    read(&ledger, &take("a", 9, 1), 3);
    decide(&ledger, &[take("a", 9, 1)]);
    let old = round(&ledger, NOW);
    decide_at(&ledger, &[take("a", 9, 2)], later(60));
    let new = round(&ledger, later(60));
    assert_eq!((&new[0].read, new[0].admitted), (&window(later(60).secs(), 0), 2));
    settled(&ledger, &old[0], 4, later(60));
    assert_eq!(round(&ledger, later(60)), new);
}

/// What is owed to others is not gone through, nor what was owed once: nobody's lock is taken.
#[test]
fn who_is_owed_nothing_holds_nobody_up() {
    let ledger = ledger();
    let hits = [take("a", 100, 1)];
    let batch = Batch { hits: &hits, leniency: Leniency::default(), denied_requests: DeniedRequests::Count };
    let _ = ledger.decide(batch, &[Slot(9)], share(3), NOW);
    let held: Vec<_> = ledger.parts.all().iter().map(|part| part.lock()).collect();
    let (found, finding) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| found.send(round(&ledger, NOW)));
        let found = finding.recv_timeout(Duration::from_secs(5));
        drop(held);
        assert_eq!(found, Ok(Vec::new()));
    });
}

#[test]
fn a_round_meets_everything_in_pieces() {
    let ledger = ledger_of(10_000);
    for index in 0..5_000 {
        decide(&ledger, &[take(&index.to_string(), 9, 1)]);
    }
    let mut walk = SettlementRound::new();
    let mut ids = std::collections::BTreeSet::new();
    loop {
        let piece = ledger.unsettled(&mut walk, |slot| slot == SLOT, NOW, 64);
        assert!(piece.len() <= 64);
        if piece.is_empty() {
            break;
        }
        for settlement in piece {
            ids.insert(settlement.id);
            settled(&ledger, &settlement, 1, NOW);
        }
    }
    assert_eq!((ids.len(), ledger.figures().unsettled, ledger.figures().settled), (5_000, 0, 5_000));
}

#[test]
fn debts_are_bounded_and_giving_one_up_is_counted() {
    let ledger = ledger_of(10);
    for index in 0..15 {
        decide(&ledger, &[take(&index.to_string(), 9, 1)]);
    }
    for index in 0..12 {
        read(&ledger, &take(&index.to_string(), 9, 1), 1);
    }
    let figures = ledger.figures();
    assert_eq!((figures.unsettled, figures.evicted_unsettled), (10, 5));
    assert_eq!(ledger.unsettled_by_slot().collect::<Vec<_>>(), [(SLOT, 10)]);
    assert_eq!((figures.readings, figures.evicted_readings), (10, 2));
}

#[test]
fn what_the_store_did_not_settle_is_learned_in_no_other_window() {
    let ledger = ledger();
    // This replica's clock was wrong when it decided, and the store keeps its own window.
    decide_at(&ledger, &[take("a", 100, 5)], later(600));
    let ahead = round(&ledger, later(600));
    ledger.settled(&ahead[0], &window(NOW.secs(), 90), NOW);
    assert_eq!((ledger.figures().unsettled, ledger.figures().readings), (0, 0));
    read(&ledger, &take("a", 100, 1), 90);
    assert_eq!(decide(&ledger, &[take("a", 100, 4)]), [(100, false)]);
}
