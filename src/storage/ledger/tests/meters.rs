//! Meters in the ledger: shares of what is left, settlement of what time has not taken away, and the memory of being over.

mod model;
mod simulation;

use super::*;
use crate::decision::algorithm::Algorithm;
use crate::storage::ledger::restoration::RestorationRound;

/// The algorithms that are meters and hold more than one hit.
const WIDE: [Algorithm; 3] = [Algorithm::SlidingWindow, Algorithm::TokenBucket, Algorithm::SlidingLog];

fn per_minute(algorithm: Algorithm, number: u32) -> Limit {
    Limit::new(number, Period::MINUTE).held_by(algorithm)
}

fn hit_on(limit: Limit, name: &str, hits: Hits) -> Hit {
    let entries = [Entry { key: b"k", value: name.as_bytes() }];
    Hit { key: CounterKey::of_limit(limit, "d", entries.into_iter()), limit, hits, ..take("", 1, 1) }
}

fn take_on(limit: Limit, amount: u32) -> Hit {
    hit_on(limit, "a", Hits::Take(amount))
}

fn refund_on(limit: Limit, amount: u32) -> Hit {
    hit_on(limit, "a", Hits::Refund(amount))
}

/// A meter into which so many came at that time.
fn holding(limit: Limit, hits: u64, at: Timestamp) -> State {
    let mut state = State::begin(limit, at);
    state.take(limit, hits, at);
    state
}

fn read_on(ledger: &Ledger, limit: Limit, hits: u64) {
    ledger.note_reading(&take_on(limit, 1), &holding(limit, hits, NOW), NOW);
}

/// (held by what was read, admitted) of a whole round.
fn owed_at(ledger: &Ledger, now: Timestamp) -> Vec<(u64, u64)> {
    round(ledger, now).iter().map(|told| (used_at(&told.read, told.limit, now), told.admitted)).collect()
}

fn used_at(state: &State, limit: Limit, now: Timestamp) -> u64 {
    let mut state = state.clone();
    state.advance(limit, now);
    state.used(limit, now)
}

/// How many single hits pass now with three replicas.
fn passing(ledger: &Ledger, limit: Limit, now: Timestamp) -> usize {
    (0..200).filter(|_| !decide_at(ledger, &[take_on(limit, 1)], now)[0].1).count()
}

fn each(check: impl Fn(Limit)) {
    WIDE.into_iter().for_each(|algorithm| check(per_minute(algorithm, 100)));
}

#[test]
fn a_share_is_rounded_up_and_counts_tell_what_is_left_of_it() {
    each(|limit| {
        let ledger = ledger();
        read_on(&ledger, limit, 71);
        assert_eq!(decide(&ledger, &[take_on(limit, 0)]), [(90, false)]);
        assert_eq!(decide(&ledger, &[take_on(limit, 11)]), [(90, true)], "more than the share");
        assert_eq!(decide(&ledger, &[take_on(limit, 4)]), [(94, false)]);
        assert_eq!(passing(&ledger, limit, NOW), 6);
    });
    let leaky = per_minute(Algorithm::LeakyBucket, 1);
    assert_eq!(passing(&ledger(), leaky, NOW), 1);
    for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| algorithm.is_meter()) {
        assert_eq!(passing(&ledger(), per_minute(algorithm, 0), NOW), 0);
    }
}

/// With three replicas each hit weighs three, and the last one fits as soon as there is room for one.
#[test]
fn what_a_caller_waits_for_is_a_part_of_the_limit() {
    let limit = per_minute(Algorithm::TokenBucket, 9);
    let hit = 60_000_u64.div_ceil(9);
    for (amount, expected) in [
        // Until all is back; until one more fits, where nothing remains; until these two fit.
        (Hits::Take(0), 40_000),
        (Hits::Refund(1), 40_000),
        (Hits::Take(1), hit),
        (Hits::Take(2), hit),
        // What is larger than the part is told when the meter is empty, what is larger than the limit a whole period.
        (Hits::Take(4), 40_000),
        (Hits::Take(10), 60_000),
    ] {
        let ledger = ledger();
        read_on(&ledger, limit, 6);
        let (hits, denied_requests) = ([hit_on(limit, "a", amount)], DeniedRequests::Count);
        let batch = Batch { hits: &hits, leniency: Leniency::default(), denied_requests };
        let reset = ledger.decide(batch, &[SLOT], share(3), NOW)[0].reset;
        assert_eq!(reset, Some(Duration::from_millis(expected)), "{amount:?}");
    }
}

#[test]
fn hits_of_one_request_find_each_other() {
    each(|limit| {
        let hits = [take_on(limit, 30), take_on(limit, 30), take_on(limit, 4), refund_on(limit, 1)];
        for denied_requests in [DeniedRequests::Count, DeniedRequests::Ignore] {
            let ledger = ledger();
            let readings = decide_as(&ledger, denied_requests, &hits);
            assert_eq!(
                readings.iter().map(|reading| reading.1).collect::<Vec<_>>(),
                [false, true, false, false]
            );
            let expected = if denied_requests == DeniedRequests::Count { vec![(0, 33)] } else { vec![] };
            assert_eq!(owed_at(&ledger, NOW), expected, "{limit:?} {denied_requests:?}");
        }
    });
}

#[test]
fn what_was_admitted_is_settled_once_and_as_it_was() {
    each(|limit| {
        let ledger = ledger();
        read_on(&ledger, limit, 40);
        decide(&ledger, &[take_on(limit, 2), take_on(limit, 3)]);
        let first = round(&ledger, NOW);
        assert_eq!((first.len(), first[0].admitted, used_at(&first[0].read, limit, NOW)), (1, 5, 40));
        assert_eq!(first, round(&ledger, NOW));
        decide(&ledger, &[take_on(limit, 4)]);
        assert_eq!(first, round(&ledger, NOW), "what came meanwhile waits for the next one");
        decide(&ledger, &[refund_on(limit, 9)]);
        assert_eq!(first, round(&ledger, NOW), "what is under way cannot be given back");
        decide(&ledger, &[take_on(limit, 6)]);
        ledger.settled(&first[0], &holding(limit, 45, NOW), NOW);
        let second = round(&ledger, NOW);
        assert_eq!((second[0].admitted, used_at(&second[0].read, limit, NOW)), (6, 45));
        assert!(second[0].id > first[0].id);
        ledger.settled(&first[0], &holding(limit, 45, NOW), NOW);
        assert_eq!(
            second,
            round(&ledger, NOW),
            "a late report about the first says nothing about the second"
        );
        ledger.settled(&second[0], &holding(limit, 51, NOW), NOW);
        assert_eq!(round(&ledger, NOW), []);
        let figures = ledger.figures();
        assert_eq!((figures.unsettled, figures.admitted, figures.settled), (0, 15, 11));
        assert_eq!(ledger.unsettled_by_slot().count(), 0);
    });
}

#[test]
fn a_share_stays_used_while_its_settlement_is_under_way_and_after() {
    each(|limit| {
        let ledger = ledger();
        read_on(&ledger, limit, 70);
        assert_eq!(passing(&ledger, limit, NOW), 10);
        let settlements = round(&ledger, NOW);
        assert_eq!(passing(&ledger, limit, NOW), 0, "{limit:?}");
        // Others go on meanwhile, and the shard goes again.
        read_on(&ledger, limit, 82);
        assert_eq!(passing(&ledger, limit, NOW), 0);
        ledger.settled(&settlements[0], &holding(limit, 92, NOW), NOW);
        assert_eq!(passing(&ledger, limit, NOW), 3);
        ledger.settled(&round(&ledger, NOW)[0], &holding(limit, 100, NOW), NOW);
        assert_eq!(passing(&ledger, limit, NOW), 0);
    });
}

#[test]
fn what_is_pending_goes_on_top_of_what_is_read() {
    each(|limit| {
        let ledger = ledger();
        read_on(&ledger, limit, 40);
        decide(&ledger, &[take_on(limit, 5)]);
        read_on(&ledger, limit, 61);
        // 39 are left by what was read, 13 of them are this replica's, and 5 are used.
        assert_eq!(decide(&ledger, &[take_on(limit, 0)]), [(92, false)]);
        assert_eq!(owed_at(&ledger, NOW), [(61, 5)]);
    });
}

#[test]
fn a_store_that_comes_back_empty_is_told_what_had_passed() {
    each(|limit| {
        let ledger = ledger();
        read_on(&ledger, limit, 40);
        decide(&ledger, &[take_on(limit, 5)]);
        read_on(&ledger, limit, 1);
        assert_eq!(owed_at(&ledger, NOW), [(40, 5)], "{limit:?}");
        read_on(&ledger, limit, 60);
        ledger.note_reading(&refund_on(limit, 15), &holding(limit, 45, NOW), NOW);
        assert_eq!(owed_at(&ledger, NOW), [(45, 5)], "what was given back here had not passed");
    });
}

#[test]
fn what_was_read_is_told_without_what_is_being_settled() {
    each(|limit| {
        let ledger = ledger();
        let told = |now| {
            let read = ledger.read_counts(&mut RestorationRound::new(), |_, _| true, now, usize::MAX);
            read.iter().map(|count| used_at(&count.read, count.limit, now)).collect::<Vec<_>>()
        };
        read_on(&ledger, limit, 40);
        decide(&ledger, &[take_on(limit, 5)]);
        assert_eq!(told(NOW), [40]);
        let _ = round(&ledger, NOW);
        assert_eq!(told(NOW), [40], "a settlement adds to what was told");
        assert_eq!(told(later(120)), [0; 0]);
    });
}

#[test]
fn only_what_was_admitted_here_is_given_back() {
    each(|limit| {
        let ledger = ledger();
        read_on(&ledger, limit, 70);
        assert_eq!(decide(&ledger, &[refund_on(limit, 50)]), [(90, false)]);
        let hits = [take_on(limit, 4), refund_on(limit, 50), take_on(limit, 11)];
        assert!(decide(&ledger, &hits)[2].1, "{limit:?}");
        assert_eq!(decide(&ledger, &[take_on(limit, 4), refund_on(limit, 3)]), [(94, false), (91, false)]);
        assert_eq!(owed_at(&ledger, NOW), [(70, 1)], "{limit:?}");
        assert_eq!(passing(&ledger, limit, NOW), 9);
    });
}

/// A third of what drains from a bucket is this replica's; a window's and a log's hits are forgotten as their time comes.
#[test]
fn what_time_takes_away_is_handed_out_again_and_not_settled() {
    let after = |algorithm, secs| {
        let (ledger, limit) = (ledger(), per_minute(algorithm, 120));
        let at = |secs: u64| later(60 + secs);
        assert_eq!(passing(&ledger, limit, at(0)), 40);
        let again = passing(&ledger, limit, at(secs));
        (again, round(&ledger, at(secs)).iter().map(|settlement| settlement.admitted).sum::<u64>())
    };
    assert_eq!(after(Algorithm::TokenBucket, 15), (10, 40));
    assert_eq!(after(Algorithm::SlidingWindow, 59), (0, 40));
    assert_eq!(after(Algorithm::SlidingWindow, 75), (10, 40), "a quarter of the weight");
    assert_eq!(after(Algorithm::SlidingLog, 59), (0, 40));
    assert_eq!(after(Algorithm::SlidingLog, 60), (40, 40));
    let ledger = ledger();
    let limit = per_minute(Algorithm::TokenBucket, 120);
    decide(&ledger, &[take_on(limit, 40)]);
    assert_eq!(owed_at(&ledger, later(45)), [(0, 10)], "30 of its 40 have drained");
    // A tenth of 17 and a tenth of 20 are both two, rounded up, and yet something is left of what was admitted.
    let (ledger, window) = (ledger_of(1_000), per_minute(Algorithm::SlidingWindow, 120));
    read_on(&ledger, window, 17);
    decide(&ledger, &[take_on(window, 1)]);
    assert_eq!(owed_at(&ledger, later(114)), [(2, 1)]);
}

#[test]
fn what_has_drained_is_forgotten_with_its_debt() {
    each(|limit| {
        let ledger = ledger();
        decide(&ledger, &[take_on(limit, 10)]);
        assert_eq!((ledger.figures().unsettled, ledger.figures().readings), (1, 1));
        ledger.sweep(NOW);
        assert_eq!(ledger.figures().unsettled, 1);
        ledger.sweep(later(123));
        assert_eq!((ledger.figures().unsettled, ledger.figures().readings), (0, 0));
        assert_eq!(ledger.unsettled_by_slot().count(), 0);
        // Or it is found to be nothing when somebody asks.
        decide(&ledger, &[take_on(limit, 10)]);
        assert_eq!(round(&ledger, later(121)), []);
        assert_eq!((ledger.figures().unsettled, ledger.figures().settled), (0, 10));
    });
}

#[test]
fn debts_are_bounded_and_giving_one_up_is_counted() {
    for algorithm in [Algorithm::SlidingWindow, Algorithm::TokenBucket] {
        let limit = per_minute(algorithm, 100);
        let ledger = ledger_of(10);
        let of = |index: u32| hit_on(limit, &index.to_string(), Hits::Take(1));
        for index in 0..3 {
            ledger.note_reading(&of(index), &holding(limit, 5, NOW), NOW);
        }
        for index in 10..25 {
            decide(&ledger, &[of(index)]);
        }
        let figures = ledger.figures();
        assert_eq!((figures.unsettled, figures.readings), (10, 10));
        assert_eq!((figures.evicted_unsettled, figures.evicted_readings), (5, 3));
        assert_eq!(ledger.unsettled_by_slot().collect::<Vec<_>>(), [(SLOT, 10)]);
        ledger.forget(&of(24).key);
        assert_eq!(
            ledger.unsettled_by_slot().map(|(_, count)| count).sum::<u32>() as usize,
            ledger.figures().unsettled
        );
    }
}

#[test]
fn logs_are_bounded_by_what_they_hold() {
    let (ledger, limit) = (ledger_of(250), per_minute(Algorithm::SlidingLog, 100));
    let of = |index: u64| hit_on(limit, &index.to_string(), Hits::Take(1));
    let at = |millis| NOW.after(Duration::from_millis(millis));
    for index in 0..100 {
        ledger.note_reading(&of(index), &holding(limit, 5, NOW), NOW);
    }
    // Two entries' room each.
    assert_eq!((ledger.figures().readings, ledger.figures().evicted_readings), (100, 0));
    for millis in 0..30 {
        (0..20).for_each(|index| drop(decide_at(&ledger, &[of(index)], at(millis))));
    }
    // Those that are owed have what was read, what was there before and what was admitted: 30 hits of 16 bytes.
    let figures = ledger.figures();
    assert!(figures.readings < 80, "{figures:?}");
    assert!(figures.evicted_unsettled <= 2, "those of little worth go first: {figures:?}");
    assert_eq!(figures.unsettled, 20);
}

#[test]
fn a_meter_that_was_full_is_denied_from_memory_until_it_may_have_room() {
    let known = |limit: Limit, hits, asked, after| {
        let ledger = ledger();
        read_on(&ledger, limit, hits);
        ledger.known_over(&asked, NOW.after(Duration::from_millis(after))).is_some()
    };
    each(|limit| {
        assert!(known(limit, 100, take_on(limit, 1), 0));
        assert!(!known(limit, 99, take_on(limit, 2), 0), "one that is smaller may fit");
        assert!(!known(limit, 100, take_on(limit, 0), 0), "a look at what is just full passes");
        assert!(!known(limit, 100, refund_on(limit, 1), 0));
        let raised = Limit { requests_per_unit: 101, burst: 101, ..limit };
        assert!(!known(limit, 100, take_on(raised, 1), 0));
        assert!(known(limit, 100, take_on(raised, 2), 0));
        let overdraft = Limit { overdraft: true, ..limit };
        assert!(!known(overdraft, 100, take_on(overdraft, 1), 0), "what it takes has to be told");
        assert!(!known(limit, 100, take_on(limit, 1), 1_000), "it is old");
        assert!(!known(limit, 100, Hit { role: SHADOW, ..take_on(limit, 1) }, 0));
    });
    let bucket = per_minute(Algorithm::TokenBucket, 100);
    assert!(known(bucket, 100, take_on(bucket, 1), 599));
    assert!(!known(bucket, 100, take_on(bucket, 1), 600), "one has drained");
    assert!(known(bucket, 100, take_on(bucket, 2), 999));
}

/// Nobody here knows what came after the oldest.
#[test]
fn a_log_is_believed_until_its_oldest_is_forgotten() {
    let (ledger, limit) = (ledger(), per_minute(Algorithm::SlidingLog, 3));
    let mut log = holding(limit, 1, NOW);
    log.take(limit, 5, later(59));
    let read = NOW.after(Duration::from_millis(59_500));
    log.advance(limit, read);
    ledger.note_reading(&take_on(limit, 1), &log, read);
    let known =
        |millis| ledger.known_over(&take_on(limit, 1), NOW.after(Duration::from_millis(millis))).is_some();
    assert!(known(59_999) && !known(60_000));
}

/// What lies between two entries that are told is taken to have come with the later one, and only who asked knows exactly how long to wait.
#[test]
fn who_wants_another_part_of_a_log_asks_the_store() {
    let (ledger, limit) = (ledger(), per_minute(Algorithm::SlidingLog, 10));
    let mut log = holding(limit, 2, NOW);
    log.take(limit, 8, later(30));
    ledger.note_reading(&take_on(limit, 5), &log, later(31));
    let known = |amount| ledger.known_over(&take_on(limit, amount), later(31)).map(|reading| reading.reset);
    let seconds = |seconds| Some(Some(Duration::from_secs(seconds)));
    assert_eq!((known(1), known(2), known(5)), (seconds(29), seconds(29), seconds(59)));
    assert_eq!((known(3), known(4), known(6)), (None, None, None));
}

#[test]
fn whatever_gives_back_clears_the_memory() {
    each(|limit| {
        let over = || {
            let ledger = ledger();
            read_on(&ledger, limit, 100);
            assert!(ledger.known_over(&take_on(limit, 1), NOW).is_some());
            ledger
        };
        let cleared = |ledger: &Ledger| ledger.known_over(&take_on(limit, 1), NOW).is_none();
        let ledger = over();
        ledger.note_reading(&refund_on(limit, 1), &holding(limit, 100, NOW), NOW);
        assert!(cleared(&ledger));
        let ledger = over();
        decide(&ledger, &[refund_on(limit, 1)]);
        assert!(cleared(&ledger));
        let ledger = over();
        read_on(&ledger, limit, 99);
        assert!(cleared(&ledger));
        let ledger = over();
        ledger.forget(&take_on(limit, 1).key);
        assert!(cleared(&ledger));
    });
}
