//! Links against real servers: what scripts count, what flights share, and what a lost connection costs.

mod bench;
mod counting;
mod logs;
mod losses;
mod marks;
mod mending;
mod model;
mod renaming;
pub(crate) mod server;

use std::sync::Arc;
use std::time::Duration;

use smallvec::smallvec;
use tokio::time::Instant;

use crate::decision::hit::{Hit, OnStoreFailure, Role};
use crate::decision::key::CounterKey;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::reading::Reading;
use crate::decision::request::{Entry, Hits};
use crate::decision::time::Timestamp;
use crate::storage::redis::link::{Link, LinkSettings};
use crate::storage::redis::observer::Observer;
use crate::storage::redis::order::{Counts, Mode, Now, Order, OrderHits, Outcome, Route};

use server::Server;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

fn key(name: &str, period: Period) -> CounterKey {
    CounterKey::new("d", period, [Entry { key: b"k", value: name.as_bytes() }].into_iter())
}

fn hit(name: &str, limit: u32, period: Period, hits: Hits) -> Hit {
    let limit = Limit::new(limit, period);
    Hit {
        key: key(name, period),
        limit,
        hits,
        role: Role::default(),
        on_store_failure: OnStoreFailure::Local,
    }
}

fn take(name: &str, limit: u32) -> Hit {
    hit(name, limit, Period::HOUR, Hits::Take(1))
}

fn order(hits: OrderHits, mode: Mode) -> Order {
    Order { hits, mode, now: Now::There(NOW), route: Route::default(), trace: None }
}

fn one(hit: Hit) -> Order {
    order(smallvec![hit], Mode::Count)
}

/// Hears nothing.
#[derive(Debug)]
struct Deaf;

impl Observer for Deaf {}

fn open(server: &Server) -> Link {
    open_with(server, Arc::new(Deaf))
}

fn open_with(server: &Server, observer: Arc<dyn Observer>) -> Link {
    Link::open(server.address(), LinkSettings::default(), observer)
}

/// More time than any answer takes here, however busy the machine is.
fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

/// The readings of an order that was counted.
#[track_caller]
fn readings(outcome: Outcome<Counts>) -> Vec<(u64, bool)> {
    let Outcome::Done(counts) = outcome else { panic!("not counted: {outcome:?}") };
    let reading = |Reading { count, over, .. }: Reading| (count, over);
    counts.into_iter().map(|count| reading(count.expect("a counter of ours").reading)).collect()
}

async fn count(link: &Link, hits: &[Hit]) -> Vec<(u64, bool)> {
    readings(link.count(order(hits.into(), Mode::Count), soon()).await)
}
