//! Connections that end, servers that say no, and servers that say nothing: every order is answered, by its deadline.

use std::future::poll_fn;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Deaf, Server, count, one, open, open_with, readings, soon, take};
use crate::storage::redis::failure::Failure;
use crate::storage::redis::link::{Link, LinkSettings};
use crate::storage::redis::node::NodeAddress;
use crate::storage::redis::observer::Observer;
use crate::storage::redis::order::{Now, Order, Outcome};

fn in_millis(millis: u64) -> Instant {
    Instant::now() + Duration::from_millis(millis)
}

#[derive(Default)]
struct Connections {
    made: AtomicUsize,
    lost: AtomicUsize,
}

impl Observer for Connections {
    fn connected(&self) {
        self.made.fetch_add(1, Ordering::Relaxed);
    }

    fn disconnected(&self, _failure: &Failure) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_connections_leave_no_order_unanswered_and_count_nothing_twice() {
    let server = Server::start();
    let [done, refused, unknown] = [(); 3].map(|()| Arc::new(AtomicU64::new(0)));
    let mut callers = JoinSet::new();
    for _ in 0..2 {
        let link = open(&server);
        for _ in 0..16 {
            let (link, done, refused, unknown) =
                (link.clone(), done.clone(), refused.clone(), unknown.clone());
            callers.spawn(async move {
                for _ in 0..200 {
                    match link.count(one(take("hot", 1)), soon()).await {
                        Outcome::Done(_) => done.fetch_add(1, Ordering::Relaxed),
                        Outcome::NotDone(_) => refused.fetch_add(1, Ordering::Relaxed),
                        Outcome::Unknown(_) => unknown.fetch_add(1, Ordering::Relaxed),
                    };
                }
            });
        }
    }
    let mut console = server.console();
    while !callers.is_empty() {
        console.ask::<i64>("CLIENT KILL TYPE normal SKIPME yes");
        let _ = tokio::time::timeout(Duration::from_millis(3), callers.join_next()).await;
    }
    let [done, refused, unknown] = [done, refused, unknown].map(|number| number.load(Ordering::Relaxed));
    let counter = console.counter("rk:1|f3600|d|k=hot");
    let count: u64 = counter.split(' ').nth(1).unwrap().parse().unwrap();
    println!("counted {count}, done {done}, refused {refused}, unknown {unknown}");
    assert_eq!(done + refused + unknown, 6_400);
    assert!(done <= count && count <= done + unknown);
    assert!(done > 0 && unknown > 0, "the test kills too little or too much");
}

#[derive(Default)]
struct Failures(AtomicUsize);

impl Observer for Failures {
    fn failed(&self, _failure: &Failure, orders: usize) {
        self.0.fetch_add(orders, Ordering::Relaxed);
    }
}

/// A link that takes what has not come after 200 ms for the server's failure.
fn patient(server: &Server, failures: &Arc<Failures>) -> Link {
    let settings = LinkSettings { patience: Duration::from_millis(200), ..LinkSettings::default() };
    Link::open(server.address(), settings, failures.clone())
}

#[tokio::test]
async fn a_caller_without_patience_does_not_speak_against_the_server() {
    let (server, failures) = (Server::start(), Arc::new(Failures::default()));
    let link = patient(&server, &failures);
    count(&link, &[take("a", 9)]).await;
    for _ in 0..20 {
        link.count(one(take("a", 9)), Instant::now()).await;
    }
    assert_eq!(failures.0.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_server_that_answers_nobody_is_blamed_however_short_their_patience() {
    let (server, failures) = (Server::start(), Arc::new(Failures::default()));
    let link = patient(&server, &failures);
    count(&link, &[take("a", 9)]).await;
    let process = Pid::from_raw(server.process_id().cast_signed()).unwrap();
    kill_process(process, Signal::STOP).unwrap();
    for _ in 0..30 {
        link.count(one(take("a", 9)), in_millis(20)).await;
    }
    assert!(failures.0.load(Ordering::Relaxed) > 0);
    kill_process(process, Signal::CONT).unwrap();
}

/// Before a server was reached nobody knows what time it is there; when it is, the order is counted by its clock.
#[tokio::test]
async fn the_first_order_goes_by_the_server_s_clock() {
    let server = Server::start();
    let order = Order { now: Now::Here(super::NOW), ..one(take("a", 9)) };
    let Outcome::Done(counts) = open(&server).count(order, soon()).await else { panic!() };
    let window = counts[0].as_ref().unwrap().window_start();
    assert!(window > super::NOW.secs() + 3_600, "{window}");
}

#[tokio::test]
async fn an_idle_connection_that_is_closed_is_replaced_without_costing_an_order() {
    let (server, connections) = (Server::start(), Arc::new(Connections::default()));
    let link = open_with(&server, connections.clone());
    let mut console = server.console();
    for turn in 1..=20 {
        assert_eq!(count(&link, &[take("a", 100)]).await, [(turn, false)]);
        console.ask::<i64>("CLIENT KILL TYPE normal SKIPME yes");
        let lost = || connections.lost.load(Ordering::Relaxed) as u64 == turn;
        while !lost() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    // The last one that was lost may have been replaced by now.
    assert!((20..=21).contains(&connections.made.load(Ordering::Relaxed)));
}

#[tokio::test]
async fn orders_wait_for_a_server_that_is_not_there_until_their_deadline() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: NodeAddress = format!("redis://{}", closed.local_addr().unwrap()).parse().unwrap();
    drop(closed);
    let link = Link::open(address, LinkSettings::default(), Arc::new(Deaf));
    let asked = Instant::now();
    let outcome = link.count(one(take("a", 1)), in_millis(30)).await;
    assert_eq!(outcome, Outcome::NotDone(Failure::Timeout));
    assert!((30..500).contains(&asked.elapsed().as_millis()), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_server_that_stops_answering_is_left_alone_after_four_flights_and_found_again() {
    let (server, connections) = (Server::start(), Arc::new(Connections::default()));
    let settings = LinkSettings { connect_timeout: Duration::from_millis(200), ..LinkSettings::default() };
    let link = Link::open(server.address(), settings, connections.clone());
    assert_eq!(count(&link, &[take("a", 100)]).await, [(1, false)]);
    let process = Pid::from_raw(server.process_id().try_into().unwrap()).unwrap();
    kill_process(process, Signal::STOP).unwrap();
    let mut unknown = 0;
    for _ in 0..8 {
        match link.count(one(take("a", 100)), in_millis(10)).await {
            Outcome::Unknown(Failure::Timeout) => unknown += 1,
            Outcome::NotDone(Failure::Timeout) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(unknown, 4);
    while connections.lost.load(Ordering::Relaxed) == 0 {
        link.count(one(take("a", 100)), in_millis(10)).await;
    }
    kill_process(process, Signal::CONT).unwrap();
    let found = readings(link.count(one(take("a", 100)), soon()).await)[0].0;
    assert!((2..=2 + unknown).contains(&found), "{found}");
}

#[tokio::test]
async fn an_order_that_nobody_waits_for_is_not_sent() {
    let server = Server::start();
    let link = open(&server);
    let mut abandoned = Box::pin(link.count(one(take("a", 1)), soon()));
    let polled = poll_fn(|context| Poll::Ready(abandoned.as_mut().poll(context))).await;
    assert!(polled.is_pending());
    drop(abandoned);
    assert_eq!(count(&link, &[take("a", 1)]).await, [(1, false)]);
}

/// What an order comes to after these lines at the console.
async fn check(lines: &[&str], expected: impl Fn(&Failure) -> bool) {
    let server = Server::start();
    let link = open(&server);
    count(&link, &[take("b", 1)]).await;
    let mut console = server.console();
    for line in lines {
        console.ask::<()>(line);
    }
    match link.count(one(take("a", 1)), in_millis(300)).await {
        Outcome::NotDone(failure) => assert!(expected(&failure), "{failure}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn refusals_are_told_apart_and_nothing_was_counted() {
    check(&["CONFIG SET maxmemory 1"], |failure| *failure == Failure::Oom).await;
    check(&["REPLICAOF 127.0.0.1 1"], |failure| *failure == Failure::ReadOnly).await;
    check(&["CONFIG SET replica-serve-stale-data no", "REPLICAOF 127.0.0.1 1"], |failure| {
        *failure == Failure::MasterDown
    })
    .await;
    check(&["ACL SETUSER default -evalsha -eval"], |failure| matches!(failure, Failure::NoPerm(_))).await;
    check(&["ACL SETUSER default -set"], |failure| matches!(failure, Failure::NoPerm(_))).await;
}

#[tokio::test]
async fn missing_credentials_are_a_failed_connection() {
    #[derive(Default)]
    struct Last(parking_lot::Mutex<Option<Failure>>);
    impl Observer for Last {
        fn disconnected(&self, failure: &Failure) {
            *self.0.lock() = Some(failure.clone());
        }
    }
    let server = Server::start_with(&["--requirepass", "secret"]);
    let url = server.url().replace("redis://", "redis://:wrong@");
    for address in [server.url(), url] {
        let last = Arc::new(Last::default());
        let link = Link::open(address.parse().unwrap(), LinkSettings::default(), last.clone());
        assert_eq!(link.count(one(take("a", 1)), in_millis(100)).await, Outcome::NotDone(Failure::Timeout));
        assert!(matches!(*last.0.lock(), Some(Failure::NoAuth(_))), "{:?}", last.0.lock());
    }
}

#[tokio::test]
async fn the_task_ends_with_the_last_handle() {
    let server = Server::start();
    let link = open(&server);
    count(&link, &[take("a", 1)]).await;
    drop(link);
    let mut console = server.console();
    while console.info("clients", "connected_clients", "") > 1.0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
