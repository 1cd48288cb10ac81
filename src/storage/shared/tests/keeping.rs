//! What a keeper tells a real server.
//!
//! `cargo test --release --lib storage::shared::tests::keeping -- --ignored --nocapture` measures how long that takes.

use std::sync::Arc;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::*;
use crate::decision::fixed_window::Window;
use crate::decision::hit::{Batch, DeniedRequests, Hit, Leniency, OnStoreFailure, Role};
use crate::decision::key::CounterKey;
use crate::decision::limit::Limit;
use crate::decision::period::Period;
use crate::decision::request::{Entry, Hits};
use crate::decision::state::State;
use crate::decision::time::Timestamp;
use crate::storage::ledger::Share;
use crate::storage::redis::tests::server::Server;
use crate::storage::shared::keeper::Keeper;
use crate::storage::shared::keepers::Replica;
use crate::storage::shared::shards::Shards;
use crate::storage::slot::Slot;

/// The server's clock decides which windows run.
fn time(server: &Server) -> Timestamp {
    let [secs, _]: [u64; 2] = server.console().ask("TIME");
    Timestamp::from_secs(secs)
}

fn take(number: usize) -> Hit {
    let (period, value) = (Period::YEAR, number.to_string());
    Hit {
        key: CounterKey::new("d", period, [Entry { key: b"k", value: value.as_bytes() }].into_iter()),
        limit: Limit::new(100, period),
        hits: Hits::Take(1),
        role: Role::default(),
        on_store_failure: OnStoreFailure::Local,
    }
}

/// A keeper, and what its replica knows.
fn keeper(server: &Server, counters: usize) -> (Keeper, Arc<Shards>) {
    let (settings, mut members) = (settings(), cluster(vec![server.address()]));
    members.placement = Placement::Single;
    let ledger = LedgerSettings { max_entries: 2 * counters + 10_000, ..settings.ledger };
    let shards = Arc::new(Shards::new(members, None, SharedSettings { ledger, ..settings }));
    let shard = Arc::clone(shards.topology().shards().next().unwrap());
    let now = time(server);
    let replica = Replica { id: 7, own_time: Arc::new(move || now) };
    (Keeper::new(&shards, &shard, replica), shards)
}

/// Admits a hit of so many counters.
fn admit(shards: &Shards, counters: usize, now: Timestamp) {
    let share = Share { replicas: NonZeroU32::MIN };
    for hit in (0..counters).map(take) {
        let hits = std::slice::from_ref(&hit);
        let batch = Batch { hits, leniency: Leniency::default(), denied_requests: DeniedRequests::Count };
        assert!(!shards.ledger().decide(batch, &[Slot(0)], share, now)[0].over);
    }
}

#[tokio::test]
async fn calls_do_not_wait_for_each_other() {
    let server = Server::start();
    let (keeper, shards) = keeper(&server, 1_000);
    // The connection is made and the script is known.
    admit(&shards, 1, time(&server));
    assert!(keeper.settle().await);
    admit(&shards, 1_000, time(&server));
    let process = Pid::from_raw(server.process_id().try_into().unwrap()).unwrap();
    kill_process(process, Signal::STOP).unwrap();
    assert!(!keeper.settle().await);
    kill_process(process, Signal::CONT).unwrap();
    // What it finds on the way is what had been sent before the first answer.
    let sent: usize = server.console().ask("DBSIZE");
    assert!(sent > 200, "{sent} counters were under way");
}

async fn measure(counters: usize) {
    let server = Server::start();
    let (mut keeper, shards) = keeper(&server, counters);
    let at = time(&server);
    admit(&shards, counters, at);
    let begun = now();
    while shards.ledger().figures().unsettled > 0 {
        assert!(keeper.settle().await);
    }
    println!("{counters} counters settled in {:.2?}", begun.elapsed());
    assert_eq!(server.console().ask::<usize>("DBSIZE"), counters);
    server.console().ask::<()>("FLUSHALL");
    for hit in (0..counters).map(take) {
        shards.ledger().note_reading(
            &hit,
            &State::FixedWindow(Window { count: 9, ..Window::at(Period::YEAR, at) }),
            at,
        );
    }
    for what in ["lost", "known"] {
        let begun = now();
        keeper.begin_to_restore();
        assert!(keeper.restore(Duration::from_secs(600)).await);
        println!("{counters} {what} counters restored in {:.2?}", begun.elapsed());
        assert_eq!(server.console().ask::<usize>("DBSIZE"), counters);
    }
}

#[tokio::test]
async fn everything_is_settled_and_restored() {
    measure(5_000).await;
}

#[tokio::test]
#[ignore = "measures"]
async fn figures() {
    for counters in [100_000, 1_000_000] {
        measure(counters).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "measures a server that is real")]
fn now() -> Instant {
    Instant::now()
}
