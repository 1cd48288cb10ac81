//! Settlements count once, and what is given back leaves the window it was counted in.

use super::{NOW, Server, count, hit, key, open, soon, take};
use crate::decision::fixed_window::Window;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::request::Hits;
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::storage::redis::link::Link;
use crate::storage::redis::order::{GiveBack, Outcome, Settlement, SettlementId, Way};

const WINDOW: u64 = 1_699_999_200;

fn settlement(last_read: u64, admitted: u64, replica: u64, outage: u64) -> Settlement {
    let id = SettlementId { replica, outage };
    let read = State::FixedWindow(Window { start: WINDOW, count: last_read });
    let (key, limit) = (key("a", Period::HOUR), Limit::new(100, Period::HOUR));
    Settlement { key, limit, read, admitted, came: Box::default(), id }
}

async fn settle_at(link: &Link, settlement: Settlement, now: Timestamp) -> Window {
    let Outcome::Done(windows) = link.settle(&[settlement], now, soon()).await else { panic!() };
    windows[0].clone().unwrap().window().unwrap()
}

async fn settle(link: &Link, settlement: Settlement) -> u64 {
    settle_at(link, settlement, NOW).await.count
}

async fn give_back(link: &Link, window_start: u64, amount: u32) -> u64 {
    let limit = Limit::new(100, Period::HOUR);
    let amounts = [GiveBack { key: key("a", Period::HOUR), limit, window_start, amount }];
    let Outcome::Done(windows) = link.give_back(&amounts, Way::Straight, NOW, soon()).await else { panic!() };
    windows[0].clone().unwrap().window().unwrap().count
}

#[tokio::test]
async fn a_settlement_counts_once() {
    let server = Server::start();
    let link = open(&server);
    count(&link, &[hit("a", 100, Period::HOUR, Hits::Take(10))]).await;
    assert_eq!(settle(&link, settlement(10, 3, 7, 1)).await, 13);
    assert_eq!(settle(&link, settlement(10, 3, 7, 1)).await, 13);
    assert_eq!(settle(&link, settlement(9, 2, 77, 1)).await, 15);
    assert_eq!(settle(&link, settlement(10, 3, 7, 1)).await, 15);
    // Counting goes on beside the marks, which stay.
    assert_eq!(count(&link, &[take("a", 16)]).await, [(16, false)]);
    assert_eq!(settle(&link, settlement(9, 2, 77, 1)).await, 16);
    assert_eq!(settle(&link, settlement(16, 4, 7, 2)).await, 20);
    assert_eq!(settle(&link, settlement(16, 4, 7, 2)).await, 20);
    assert_eq!(server.console().counter("rk:1|f3600|d|k=a"), "1699999200 20 77=1 7=2");
    assert_eq!(server.console().keys_without_expiry(), Vec::<String>::new());
}

#[tokio::test]
async fn an_outage_before_the_latest_counts_no_more() {
    let server = Server::start();
    let link = open(&server);
    let mut expected = 0;
    // Neighbours that no number of Lua tells apart, and texts of different lengths.
    for (outage, counts) in [
        (2, true),
        (1, false),
        (2, false),
        (10, true),
        (9, false),
        (1 << 63, true),
        ((1 << 63) - 1, false),
        ((1 << 63) + 1, true),
        (1 << 63, false),
    ] {
        expected += u64::from(counts);
        assert_eq!(settle(&link, settlement(0, 1, 7, outage)).await, expected, "{outage}");
    }
    assert_eq!(settle(&link, settlement(0, 1, 77, 1)).await, expected + 1, "each replica has its own");
}

#[tokio::test]
async fn what_was_read_is_restored_and_leaves_no_mark() {
    let server = Server::start();
    let link = open(&server);
    for (read, expected) in [(0, 0), (40, 40), (40, 40), (30, 40), (50, 50)] {
        assert_eq!(settle(&link, settlement(read, 0, 1, 0)).await, expected, "{read}");
    }
    assert_eq!(server.console().counter("rk:1|f3600|d|k=a"), "1699999200 50");
    assert_eq!(settle(&link, settlement(40, 5, 1, 1)).await, 55);
    assert_eq!(settle(&link, settlement(60, 0, 1, 0)).await, 60);
    assert_eq!(server.console().counter("rk:1|f3600|d|k=a"), "1699999200 60 1=1");
    assert_eq!(server.console().keys_without_expiry(), Vec::<String>::new());
}

#[tokio::test]
async fn a_settlement_mends_an_empty_server() {
    let server = Server::start();
    let link = open(&server);
    assert_eq!(settle(&link, settlement(40, 5, 1, 1)).await, 45);
    assert_eq!(settle(&link, settlement(0, 0, 2, 1)).await, 45);
    assert_eq!(server.console().keys_without_expiry(), Vec::<String>::new());
}

#[tokio::test]
async fn a_window_that_is_over_is_not_settled() {
    let server = Server::start();
    let link = open(&server);
    let later = Timestamp::from_secs(WINDOW + 3_600);
    let found = settle_at(&link, settlement(40, 5, 1, 1), later).await;
    assert_eq!(found, Window { start: WINDOW + 3_600, count: 0 });
    assert_eq!(server.console().ask::<i64>("DBSIZE"), 0);
    // The replica's clock may be a little behind the window in which it counted.
    let earlier = Timestamp::from_millis(WINDOW * 1_000 - 1);
    assert_eq!(settle_at(&link, settlement(40, 5, 1, 1), earlier).await, Window { start: WINDOW, count: 45 });
}

#[tokio::test]
async fn a_window_far_ahead_wipes_no_counter() {
    let server = Server::start();
    let link = open(&server);
    count(&link, &[hit("a", 100, Period::HOUR, Hits::Take(90))]).await;
    let next = WINDOW + 3_600;
    let read = State::FixedWindow(Window { start: next, count: 0 });
    let ahead = Settlement { read, ..settlement(0, 1, 7, 1) };
    for (seconds_before, expected) in [
        (2_000, Window { start: WINDOW, count: 90 }),
        (3, Window { start: WINDOW, count: 90 }),
        (2, Window { start: next, count: 1 }),
    ] {
        let now = Timestamp::from_secs(next - seconds_before);
        assert_eq!(settle_at(&link, ahead.clone(), now).await, expected, "{seconds_before} s before");
    }
}

#[tokio::test]
async fn marks_are_bounded() {
    let server = Server::start();
    let link = open(&server);
    for replica in 0..600 {
        settle(&link, settlement(0, 1, u64::MAX - replica, 1)).await;
    }
    assert_eq!(settle(&link, settlement(0, 1, u64::MAX - 599, 1)).await, 600);
    assert!(server.console().ask::<String>("GET rk:1|f3600|d|k=a").len() < 4_200);
}

#[tokio::test]
async fn hits_are_given_back_only_to_their_own_window() {
    let server = Server::start();
    let link = open(&server);
    assert_eq!(give_back(&link, WINDOW, 5).await, 0);
    assert_eq!(server.console().ask::<i64>("DBSIZE"), 0);
    count(&link, &[hit("a", 100, Period::HOUR, Hits::Take(10))]).await;
    assert_eq!(give_back(&link, WINDOW - 3_600, 4).await, 10);
    assert_eq!(give_back(&link, WINDOW, 4).await, 6);
    assert_eq!(give_back(&link, WINDOW, 40).await, 0);
    assert_eq!(server.console().keys_without_expiry(), Vec::<String>::new());
}
