//! Clients that do not stop asking until they are told to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::task::JoinSet;

use super::{http, wait};

/// What the clients were answered: how many times each status, or the text of a failure.
pub(crate) type Tally = BTreeMap<String, usize>;

/// Clients that send `GET /` one request after the other, side by side.
pub(crate) struct Traffic {
    clients: JoinSet<Tally>,
    sent: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Traffic {
    /// Starts this many clients.
    pub(crate) fn start(to: SocketAddr, clients: usize) -> Self {
        let mut traffic = Self { clients: JoinSet::new(), sent: Arc::default(), stop: Arc::default() };
        for _ in 0..clients {
            let (sent, stop) = (Arc::clone(&traffic.sent), Arc::clone(&traffic.stop));
            traffic.clients.spawn(client(to, sent, stop));
        }
        traffic
    }

    /// Waits until this many more requests have been answered.
    pub(crate) async fn answered(&self, more: usize) {
        let goal = self.sent.load(Ordering::Relaxed) + more;
        wait::until("traffic to go on", || async { self.sent.load(Ordering::Relaxed) >= goal }).await;
    }

    /// Stops the clients and adds up what they saw.
    pub(crate) async fn stop(self) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        tally(self.clients).await
    }
}

/// Sends `count` requests as `clients` clients, and adds up what they were answered.
pub(crate) async fn burst(to: SocketAddr, clients: usize, count: usize) -> Tally {
    let left = Arc::new(AtomicUsize::new(count));
    let mut set = JoinSet::new();
    for _ in 0..clients {
        let left = Arc::clone(&left);
        set.spawn(async move {
            let mut seen = Tally::new();
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
            {
                ask_once(to, &mut seen).await;
            }
            seen
        });
    }
    tally(set).await
}

async fn client(to: SocketAddr, sent: Arc<AtomicUsize>, stop: Arc<AtomicBool>) -> Tally {
    let mut seen = Tally::new();
    while !stop.load(Ordering::Relaxed) {
        ask_once(to, &mut seen).await;
        sent.fetch_add(1, Ordering::Relaxed);
    }
    seen
}

async fn ask_once(to: SocketAddr, seen: &mut Tally) {
    let outcome = match http::get(to, "/").await {
        Ok(answer) => answer.status.to_string(),
        Err(failure) => failure.to_string(),
    };
    *seen.entry(outcome).or_default() += 1;
}

async fn tally(mut clients: JoinSet<Tally>) -> Tally {
    let mut sum = Tally::new();
    while let Some(seen) = clients.join_next().await {
        for (outcome, count) in seen.unwrap() {
            *sum.entry(outcome).or_default() += count;
        }
    }
    sum
}
