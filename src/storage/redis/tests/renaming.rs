//! A server's name that gets another address, while the server at the former one goes on answering.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Server, one, soon, take};
use crate::storage::redis::link::{Link, LinkSettings};
use crate::storage::redis::names::Names;
use crate::storage::redis::node::{Endpoint, Identity, NodeAddress};
use crate::storage::redis::observer::Observer;
use crate::storage::redis::order::Outcome;

/// A name of which a test decides where it leads.
#[derive(Clone)]
struct Name(Arc<AtomicU16>);

impl Name {
    fn of(server: &Server) -> Self {
        Self(Arc::new(AtomicU16::new(server.port())))
    }

    fn give_to(&self, server: &Server) {
        self.0.store(server.port(), Ordering::SeqCst);
    }

    fn settings(&self) -> LinkSettings {
        let leads_to = self.clone();
        let names = Names::new(move |_, _| {
            let address = SocketAddr::from(([127, 0, 0, 1], leads_to.0.load(Ordering::SeqCst)));
            Box::pin(async move { Ok(vec![address]) })
        });
        LinkSettings { names, name_interval: Duration::from_millis(100), ..LinkSettings::default() }
    }
}

#[derive(Default)]
struct Renamed(AtomicUsize);

impl Observer for Renamed {
    fn renamed(&self, _to: SocketAddr) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_followed_though_its_former_address_answers() {
    let (former, next) = (Server::start(), Server::start());
    let (name, heard) = (Name::of(&former), Arc::new(Renamed::default()));
    let address = NodeAddress::new(Endpoint::Tcp("cache.test".into(), 6379), &Identity::default()).unwrap();
    let link = Link::open(address, name.settings(), heard.clone());
    let mut counted = 0;
    let mut ask = async |link: &Link| {
        let Outcome::Done(counts) = link.count(one(take("k", 1_000_000)), soon()).await else {
            panic!("not counted");
        };
        counted += 1;
        counts[0].as_ref().unwrap().reading.count
    };
    for expected in 1..=100 {
        assert_eq!(ask(&link).await, expected);
    }
    name.give_to(&next);
    let begin = Instant::now();
    // Asked all the time: no order is lost on the way, and each is counted at one of the two.
    while ask(&link).await > 1 {
        assert!(begin.elapsed() < Duration::from_secs(20), "the name was never followed");
        sleep(Duration::from_millis(1)).await;
    }
    eprintln!("followed after {:.1?}", begin.elapsed());
    for expected in 2..=100 {
        assert_eq!(ask(&link).await, expected);
    }
    let count = |server: &Server| -> u64 {
        let keys: Vec<String> = server.console().ask("KEYS rk:*");
        let counter = server.console().counter(&keys[0]);
        counter.split(' ').nth(1).unwrap().parse().unwrap()
    };
    assert_eq!(count(&former) + count(&next), counted);
    assert_eq!(heard.0.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_no_name() {
    let (server, other) = (Server::start(), Server::start());
    let (name, heard) = (Name::of(&server), Arc::new(Renamed::default()));
    let link = Link::open(server.address(), name.settings(), heard.clone());
    assert!(matches!(link.count(one(take("k", 9)), soon()).await, Outcome::Done(_)));
    name.give_to(&other);
    sleep(Duration::from_millis(1_500)).await;
    assert!(matches!(link.count(one(take("k", 9)), soon()).await, Outcome::Done(_)));
    assert_eq!(heard.0.load(Ordering::Relaxed), 0);
}
