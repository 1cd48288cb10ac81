//! Sliding logs: what is told of them is enough to say when a hit passes, to decide while the server is away, and to mend it afterwards.

use std::num::NonZeroU32;

use super::*;
use crate::decision::algorithm::Algorithm;
use crate::decision::hit::{Batch, DeniedRequests, Leniency};
use crate::decision::sliding_log::{LogEntry, SlidingLog};
use crate::decision::state::State;
use crate::storage::ledger::settlement::SettlementRound;
use crate::storage::ledger::{Ledger, LedgerSettings, OverMemorySettings, Share};
use crate::storage::redis::order::{GiveBack, Settlement, SettlementId, Way};
use crate::storage::slot::Slot;

const KEY: &str = "rk:1|x20|d|k=a";

/// So many in 20 seconds.
fn limit(number: u32) -> Limit {
    Limit::new(number, Period::from_seconds(20).unwrap()).held_by(Algorithm::SlidingLog)
}

fn log_hit(limit: Limit, hits: Hits) -> Hit {
    let entries = [Entry { key: b"k", value: b"a" }];
    Hit {
        key: CounterKey::of_limit(limit, "d", entries.into_iter()),
        limit,
        ..hit("", 1, limit.period, hits)
    }
}

fn at(millis: u64) -> Timestamp {
    NOW.after(Duration::from_millis(millis))
}

/// What came of a hit after so many milliseconds, and what was told of the log.
async fn ask(link: &Link, limit: Limit, hits: Hits, millis: u64) -> (Reading, State) {
    let order = Order { now: Now::There(at(millis)), ..one(log_hit(limit, hits)) };
    let Outcome::Done(mut counts) = link.count(order, soon()).await else { panic!("not counted") };
    let counted = counts.remove(0).unwrap();
    (counted.reading, counted.state)
}

async fn take_at(link: &Link, limit: Limit, hits: u32, millis: u64) -> Reading {
    ask(link, limit, Hits::Take(hits), millis).await.0
}

/// What the log holds after so many milliseconds.
async fn held(link: &Link, millis: u64) -> u64 {
    take_at(link, limit(1_000_000), 0, millis).await.count
}

fn log(entries: &[(u64, u64)]) -> State {
    let entries = entries.iter().map(|&(millis, hits)| LogEntry { at: at(millis).millis(), hits });
    State::SlidingLog(Box::new(SlidingLog::of(entries)))
}

/// Settles what was read, and hits that were admitted since; (what is held then, by what is told).
async fn settle(link: &Link, outage: u64, read: State, came: &[(u64, u64)], millis: u64) -> u64 {
    let entries = |&(millis, hits): &(u64, u64)| LogEntry { at: at(millis).millis(), hits };
    let (limit, id) = (limit(10), SettlementId { replica: 7, outage });
    let admitted = came.iter().map(|(_, hits)| hits).sum();
    let came = came.iter().map(entries).collect();
    let settlement = Settlement { key: log_hit(limit, Hits::Take(1)).key, limit, read, admitted, came, id };
    let outcome = link.settle(&[settlement], at(millis), soon()).await;
    let Outcome::Done(mut states) = outcome else { panic!("{outcome:?}") };
    states.remove(0).unwrap().used(limit, at(millis))
}

#[tokio::test]
async fn a_denied_hit_is_told_when_it_passes() {
    let server = Server::start();
    let link = open(&server);
    let limit = Limit::new(4, Period::MINUTE).held_by(Algorithm::SlidingLog);
    for second in [0, 4, 8, 12] {
        assert!(!take_at(&link, limit, 1, 1_000 * second).await.over);
    }
    for (hits, seconds) in [(1, 44), (2, 48), (3, 52), (4, 56)] {
        let Reading { over, reset, .. } = take_at(&link, limit, hits, 16_000).await;
        assert_eq!((over, reset), (true, Some(Duration::from_secs(seconds))), "{hits}");
    }
    // The same of a log of which not all is told.
    for index in 1..=200 {
        take_at(&link, self::limit(201), 1, 10 * index).await;
    }
    for hits in [2, 3, 57, 100, 201] {
        let reset = take_at(&link, self::limit(201), hits, 3_000).await.reset.unwrap().as_millis();
        assert_eq!(reset, u128::from(20_000 + 10 * (hits - 1) - 3_000), "{hits}");
    }
}

#[tokio::test]
async fn what_is_given_back_is_not_told_any_more() {
    let server = Server::start();
    let link = open(&server);
    take_at(&link, limit(10), 3, 0).await;
    let key = log_hit(limit(10), Hits::Take(1)).key;
    let given = GiveBack { key, limit: limit(10), window_start: 0, amount: 1 };
    let Outcome::Done(states) = link.give_back(&[given], Way::Straight, at(1), soon()).await else {
        panic!()
    };
    assert_eq!(states[0].clone().unwrap().used(limit(10), at(1)), 2);
    assert_eq!(held(&link, 2).await, 2);
}

#[tokio::test]
async fn little_is_told_of_a_long_log_and_nothing_is_forgotten_too_soon() {
    let server = Server::start();
    let link = open(&server);
    let (limit, length) = (limit(100_000), 20_000);
    for index in 0..4_000 {
        let (_, told) = ask(&link, limit, Hits::Take(1), 10 * index).await;
        let State::SlidingLog(mut log) = told else { panic!("{told:?}") };
        assert!(log.live().count() <= 32, "{log:?}");
        if index % 97 == 0 {
            // Hits come every 10 milliseconds.
            for later in (0..length).step_by(1_000) {
                let then = 10 * index + later;
                crate::decision::meter::Meter::advance(&mut *log, limit, at(then));
                let passed = index.min((length - 10) / 10) + 1;
                let count = (10 * index + length).saturating_sub(then).div_ceil(10).min(passed);
                let most = count + passed.div_ceil(8).max(16);
                assert!(
                    (count..=most).contains(&log.total()),
                    "{} of {count} after {later} ms: {index}",
                    log.total()
                );
            }
        }
    }
    // What is forgotten goes a few at a time.
    assert!(server.console().ask::<u64>(&format!("LLEN {KEY}")) < 2_000 + 16);
    assert_eq!(server.console().keys_without_expiry(), Vec::<String>::new());
}

#[tokio::test]
async fn a_log_of_which_all_is_forgotten_is_not_gone_through() {
    let server = Server::start();
    let link = open(&server);
    for index in 0..5_000 {
        take_at(&link, limit(100_000), 1, index).await;
    }
    let looks = || server.console().info("commandstats", "cmdstat_lindex", "calls");
    let before = looks();
    assert_eq!(held(&link, 22_500).await, 2_499);
    assert_eq!(held(&link, 30_000).await, 0);
    assert!(looks() - before < 60.0, "{}", looks() - before);
}

#[tokio::test]
async fn what_was_read_is_forgotten_when_it_would_have_been() {
    let server = Server::start();
    let link = open(&server);
    take_at(&link, limit(10), 3, 0).await;
    let (_, read) = ask(&link, limit(10), Hits::Take(5), 10_000).await;
    // The server has lost nothing, and 5 have come in the last 20 seconds.
    assert_eq!(settle(&link, 1, read.clone(), &[], 25_000).await, 5);
    assert_eq!((held(&link, 29_999).await, held(&link, 30_000).await), (5, 0));
    server.console().ask::<()>("FLUSHALL");
    assert_eq!(settle(&link, 1, read.clone(), &[], 15_000).await, 8);
    assert_eq!(settle(&link, 1, read, &[], 16_000).await, 8, "it may be told twice");
    assert_eq!((held(&link, 19_999).await, held(&link, 20_000).await, held(&link, 30_000).await), (8, 5, 0));
}

#[tokio::test]
async fn what_is_missing_is_put_among_what_is_there() {
    let server = Server::start();
    let link = open(&server);
    // Others have counted meanwhile, on a server that had lost something.
    take_at(&link, limit(100), 2, 5_000).await;
    take_at(&link, limit(100), 4, 12_000).await;
    let read = log(&[(1_000, 3), (6_000, 4), (11_000, 5)]);
    // 12 after the first, 9 after the second and 5 after the third at least: there are 6, 4 and 4.
    assert_eq!(settle(&link, 1, read.clone(), &[(2_000, 1), (12_000, 2)], 15_000).await, 12 + 3);
    let entries: Vec<String> = server.console().ask(&format!("LRANGE {KEY} 0 -1"));
    let at_and_sums = [(1_000, 3), (2_000, 4), (5_000, 6), (6_000, 8), (11_000, 9), (12_000, 15)];
    let expected = at_and_sums.map(|(millis, sum)| format!("{}@{sum}", at(millis).millis()));
    assert_eq!(entries, [&["0@0 7=1".to_owned()][..], &expected].concat());
    assert_eq!(settle(&link, 1, read, &[(2_000, 1), (12_000, 2)], 15_000).await, 15, "once");
    assert_eq!(server.console().keys_without_expiry(), Vec::<String>::new());
}

#[tokio::test]
async fn one_from_the_future_makes_no_log_of_the_future() {
    let server = Server::start();
    let link = open(&server);
    take_at(&link, limit(10), 3, 0).await;
    let wrong = log(&[(1_000_000, 2)]);
    assert_eq!(settle(&link, 1, wrong, &[(2_000_000, 1)], 1_000).await, 4);
    assert_eq!(held(&link, 1_001).await, 4);
    assert_eq!(held(&link, 23_000).await, 0);
}

/// Who keeps to the limit is never denied: neither while the server is away, nor when it is back.
#[tokio::test]
async fn an_outage_denies_nobody_who_keeps_to_the_limit() {
    // A part of a long log is forgotten with its last hit, so there must be room for one more part.
    for (number, room, distance) in [(10, 0, 2_000), (16, 0, 1_250), (50, 8, 400), (200, 20, 100)] {
        let server = Server::start();
        let link = open(&server);
        let over = OverMemorySettings { max_entries: 10, max_age: Duration::from_secs(1) };
        let ledger = Ledger::new(LedgerSettings { max_entries: 1_000, over });
        let limit = limit(number + room);
        let hit = log_hit(limit, Hits::Take(1));
        let (mut passed, mut denied) = (0, 0);
        let turns = 200_000 / distance;
        for turn in 0..turns {
            let now = distance * turn;
            let is_away = (60_000..100_000).contains(&now) || (104_000..130_000).contains(&now);
            let over = if is_away {
                let (leniency, denied_requests) = (Leniency::default(), DeniedRequests::Count);
                let batch = Batch { hits: std::slice::from_ref(&hit), leniency, denied_requests };
                let share = Share { replicas: NonZeroU32::MIN };
                ledger.decide(batch, &[Slot(3)], share, at(now))[0].over
            } else {
                for told in ledger.unsettled(&mut SettlementRound::new(), |_| true, at(now), 10) {
                    let key = CounterKey::from_stored(&told.key).unwrap();
                    let id = SettlementId { replica: 1, outage: told.id.0 };
                    let (read, admitted, came) = (told.read.clone(), told.admitted, told.came.clone());
                    let asked = Settlement { key, limit: told.limit, read, admitted, came, id };
                    let Outcome::Done(mut states) = link.settle(&[asked], at(now), soon()).await else {
                        panic!()
                    };
                    ledger.settled(&told, &states.remove(0).unwrap(), at(now));
                }
                let (reading, state) = ask(&link, limit, hit.hits, now).await;
                ledger.note_reading(&hit, &state, at(now));
                reading.over
            };
            passed += u64::from(!over);
            denied += u64::from(over);
        }
        assert_eq!((passed, denied), (turns, 0), "{number} in 20 s");
        let now = distance * (turns - 1);
        assert_eq!(held(&link, now).await, u64::from(number));
    }
}
