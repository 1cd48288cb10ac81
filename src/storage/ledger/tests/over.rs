//! The memory of being over.

use super::*;

#[track_caller]
fn check(counted: u64, asked: &Hit, expected: Option<u64>) {
    let ledger = ledger();
    read(&ledger, &take("a", 10, 1), counted);
    assert_eq!(ledger.known_over(asked, NOW), expected.map(|count| Reading::of_window(count, true)));
}

#[test]
fn a_hit_is_judged_by_its_own_amount_and_limit() {
    check(9, &take("a", 10, 1), None);
    check(9, &take("a", 10, 2), None);
    check(10, &take("a", 10, 1), Some(10));
    check(11, &take("a", 10, 1), Some(11));
    check(11, &take("b", 10, 1), None);
    // A look passes at a limit that is just used up.
    check(10, &take("a", 10, 0), None);
    check(11, &take("a", 10, 0), Some(11));
    // A raised limit takes effect at once.
    check(11, &take("a", 20, 1), None);
    check(11, &take("a", 20, 10), Some(11));
    check(99, &refund("a", 10, 1), None);
    check(99, &Hit { role: SHADOW, ..take("a", 10, 1) }, None);
    check(99, &Hit { role: QUOTA, ..take("a", 10, 1) }, Some(99));
}

#[test]
fn it_is_believed_for_a_moment_and_for_its_window() {
    let ledger = ledger();
    let hit = take("a", 10, 1);
    let late = NOW.after(Duration::from_millis(59_500));
    ledger.note_reading(&hit, &window(NOW.secs(), 10), late);
    let known = |millis| ledger.known_over(&hit, NOW.after(Duration::from_millis(millis))).is_some();
    assert!(known(59_500) && known(59_999));
    assert!(!known(60_000), "the next window has begun");
    assert!(known(58_501), "a clock that was set back a little");
    assert!(!known(58_500), "a clock that was set back a lot");
    read(&ledger, &take("b", 10, 1), 10);
    let old = |millis| ledger.known_over(&take("b", 10, 1), NOW.after(Duration::from_millis(millis)));
    assert!(old(999).is_some() && old(1_000).is_none());
}

#[test]
fn a_store_that_is_a_window_ahead_is_believed() {
    let ledger = ledger();
    let hit = take("a", 10, 1);
    let before = Timestamp::from_millis(NOW.millis() - 1);
    ledger.note_reading(&hit, &window(NOW.secs(), 10), before);
    assert!(ledger.known_over(&hit, before).is_some());
    ledger.note_reading(&hit, &window(NOW.secs() - 60, 3), before);
    assert!(ledger.known_over(&hit, before).is_some(), "an older window says nothing");
}

#[test]
fn whatever_gives_back_clears_it() {
    let over = || {
        let ledger = ledger();
        read(&ledger, &take("a", 10, 1), 12);
        assert!(ledger.known_over(&take("a", 10, 1), NOW).is_some());
        ledger
    };
    let cleared = |ledger: &Ledger| ledger.known_over(&take("a", 10, 1), NOW).is_none();
    let ledger = over();
    read(&ledger, &refund("a", 10, 5), 7);
    assert!(cleared(&ledger));
    let ledger = over();
    decide(&ledger, &[refund("a", 10, 5)]);
    assert!(cleared(&ledger));
    // Another replica gave back, and the store was asked again.
    let ledger = over();
    read(&ledger, &take("a", 10, 1), 8);
    assert!(cleared(&ledger));
}

#[test]
fn it_is_bounded_by_itself_and_can_be_turned_off() {
    for (max_entries, expected) in [(0, 0), (1, 1), (40, 40)] {
        let over = OverMemorySettings { max_entries, max_age: Duration::from_secs(1) };
        let ledger = Ledger::new(LedgerSettings { max_entries: 1_000, over });
        for index in 0..100 {
            read(&ledger, &take(&index.to_string(), 1, 1), 1);
        }
        assert_eq!((ledger.figures().over, ledger.figures().readings), (expected, 100));
        ledger.sweep(later(2));
        assert_eq!(ledger.figures().over, 0);
    }
}

#[test]
fn a_counter_that_was_reset_is_forgotten_with_what_it_has_to_settle() {
    let (ledger, used_up, other) = (ledger(), take("reset", 3, 1), take("other", 3, 1));
    for hit in [&used_up, &other] {
        decide(&ledger, std::slice::from_ref(hit));
        read(&ledger, hit, 3);
        assert!(ledger.known_over(hit, NOW).is_some());
    }
    assert_eq!(owed(&ledger).len(), 2);
    ledger.forget(&used_up.key);
    assert_eq!(ledger.known_over(&used_up, NOW), None);
    assert!(ledger.known_over(&other, NOW).is_some());
    assert_eq!(
        round(&ledger, NOW).iter().map(|settlement| &*settlement.key).collect::<Vec<_>>(),
        [other.key.as_bytes()]
    );
    // One share of three of a counter that nothing is known of.
    assert_eq!(decide(&ledger, &[used_up.clone(), used_up]), [(3, false), (4, true)]);
}
