//! The marks that settlements leave on buckets: gone where a bucket has been empty for longer than a settlement is sent again.

use smallvec::smallvec;

use super::{NOW, Server, hit, open, order, readings, server::Console, soon};
use crate::decision::algorithm::Algorithm;
use crate::decision::hit::Hit;
use crate::decision::key::CounterKey;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::request::{Entry, Hits};
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::storage::redis::link::Link;
use crate::storage::redis::order::{Mode, Now, Order, Outcome, Settlement, SettlementId};

/// 60 a minute, so one hit drains in a second.
fn on_bucket(hits: u32) -> Hit {
    let limit = Limit::new(60, Period::MINUTE).held_by(Algorithm::TokenBucket);
    let entries = [Entry { key: b"k", value: b"a" }];
    let key = CounterKey::of_limit(limit, "d", entries.into_iter());
    Hit { key, limit, ..hit("a", 60, Period::MINUTE, Hits::Take(hits)) }
}

fn after(seconds: u64) -> Timestamp {
    Timestamp::from_secs(NOW.secs() + seconds)
}

/// Counts hits so many seconds later; the count with them.
async fn take(link: &Link, hits: u32, seconds: u64) -> u64 {
    let order = Order { now: Now::There(after(seconds)), ..order(smallvec![on_bucket(hits)], Mode::Count) };
    readings(link.count(order, soon()).await)[0].0
}

/// Settles one hit of a replica; the count with it.
async fn settle(link: &Link, replica: u64, seconds: u64) -> u64 {
    let (Hit { key, limit, .. }, now) = (on_bucket(0), after(seconds));
    let id = SettlementId { replica, outage: 1 };
    let settlement =
        Settlement { key, limit, read: State::begin(limit, now), admitted: 1, came: Box::default(), id };
    let Outcome::Done(states) = link.settle(&[settlement], now, soon()).await else { panic!() };
    states[0].clone().unwrap().used(limit, now)
}

/// What stands behind the numbers.
fn marks(console: &mut Console) -> String {
    console.ask("GETRANGE rk:1|t60|d|k=a 25 -1")
}

#[tokio::test]
async fn a_bucket_forgets_its_settlements_when_it_has_been_empty_for_a_minute() {
    let server = Server::start();
    let (link, mut console) = (open(&server), server.console());
    assert_eq!(take(&link, 10, 0).await, 10);
    assert_eq!((settle(&link, 7, 0).await, settle(&link, 77, 0).await), (11, 12));
    assert_eq!(settle(&link, 7, 1).await, 11, "one has drained, and nothing counts again");
    // Empty since the 12th second; and since the 73rd, after this hit.
    assert_eq!(take(&link, 1, 72).await, 1);
    assert_eq!(marks(&mut console), " 7=1 77=1");
    assert_eq!(settle(&link, 7, 72).await, 1);
    assert_eq!(take(&link, 1, 133).await, 1);
    assert_eq!(marks(&mut console), " 7=1 77=1");
    assert_eq!(take(&link, 1, 195).await, 1);
    assert_eq!(marks(&mut console), "");
    assert_eq!(settle(&link, 7, 195).await, 2, "so late, it counts again");
    assert_eq!(marks(&mut console), " 7=1");
}

/// A look writes nothing, and a bucket that is never empty keeps its marks.
#[tokio::test]
async fn a_bucket_that_is_never_empty_keeps_its_settlements() {
    let server = Server::start();
    let (link, mut console) = (open(&server), server.console());
    assert_eq!(settle(&link, 7, 0).await, 1);
    for seconds in (0..600).step_by(20) {
        take(&link, 20, seconds).await;
    }
    assert_eq!(take(&link, 0, 670).await, 0);
    assert_eq!(marks(&mut console), " 7=1");
    assert_eq!(server.console().keys_without_expiry(), Vec::<String>::new());
}
