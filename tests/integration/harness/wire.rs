//! A wire between ratekeeper and Redis that can be made to fail in every way that wires and proxies do.
//!
//! It speaks Redis's protocol well enough to keep commands and replies apart, so that it can answer in the server's
//! place and never delivers half of what it was told to drop.

mod connection;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::{ports, resp};

/// A proxy with an address of its own, which it keeps whatever is switched.
///
/// A switch holds for connections that are open and for new ones. Connections that lost something are closed by the
/// next switch, as no real one goes on behind a gap.
pub(crate) struct Wire {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    /// Accepts, and owns all connections; nothing while connections are refused.
    accepting: Mutex<Option<JoinHandle<()>>>,
}

/// What all connections know.
struct Shared {
    target: SocketAddr,
    manner: Mutex<Manner>,
    open: AtomicUsize,
    orders: watch::Sender<Orders>,
}

/// How bytes are treated.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Manner {
    Pass,
    /// Replies arrive this much later.
    Delay(Duration),
    /// Everything is taken, nothing is delivered.
    BlackHole,
    /// Commands of this name, or all, are not delivered but answered with this error.
    Answer {
        only: Option<String>,
        error: String,
    },
    /// Commands are delivered, but only so many more bytes of replies.
    LoseRepliesAfter(usize),
    /// All commands are delivered, but a connection falls silent with the reply to one of this name.
    LoseRepliesTo(String),
}

/// What open connections were told so far, as counts, so that no order is lost when several come at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Orders {
    cuts: usize,
    half_closes: usize,
    switches: usize,
}

/// What becomes of a command.
enum Fate {
    Deliver,
    DeliverAndFallSilent,
    Lose,
    Answer(String),
}

impl Wire {
    /// A wire to this address that passes everything.
    pub(crate) fn to(target: SocketAddr) -> Self {
        let shared = Shared {
            target,
            manner: Mutex::new(Manner::Pass),
            open: AtomicUsize::new(0),
            orders: watch::Sender::default(),
        };
        let wire = Self { address: ports::free(), shared: Arc::new(shared), accepting: Mutex::default() };
        wire.listen();
        wire
    }

    /// Where clients connect to.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// How many connections pass through it.
    pub(crate) fn connections(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// Passes everything, at once.
    pub(crate) fn pass(&self) {
        self.switch(Manner::Pass);
    }

    /// Lets every reply arrive this much later.
    pub(crate) fn delay(&self, by: Duration) {
        self.switch(Manner::Delay(by));
    }

    /// Takes connections and bytes, and delivers nothing.
    pub(crate) fn black_hole(&self) {
        self.switch(Manner::BlackHole);
    }

    /// Answers every command with this error, as in `LOADING Redis is loading the dataset in memory`; the server
    /// does not see it.
    pub(crate) fn answer(&self, error: &str) {
        self.switch(Manner::Answer { only: None, error: error.to_owned() });
    }

    /// Answers commands of this name with this error; others pass.
    pub(crate) fn answer_to(&self, command: &str, error: &str) {
        let only = Some(command.to_ascii_uppercase());
        self.switch(Manner::Answer { only, error: error.to_owned() });
    }

    /// Delivers commands, but of their replies only so many more bytes, over all connections.
    pub(crate) fn lose_replies_after(&self, bytes: usize) {
        self.switch(Manner::LoseRepliesAfter(bytes));
    }

    /// Delivers commands, but each connection falls silent with the reply to a command of this name.
    pub(crate) fn lose_replies_to(&self, command: &str) {
        self.switch(Manner::LoseRepliesTo(command.to_ascii_uppercase()));
    }

    /// Resets every open connection; new ones are as before.
    pub(crate) fn cut(&self) {
        self.shared.orders.send_modify(|orders| orders.cuts += 1);
    }

    /// Ends the server's side of every open connection, whose clients may go on sending.
    pub(crate) fn half_close(&self) {
        self.shared.orders.send_modify(|orders| orders.half_closes += 1);
    }

    /// Closes all connections and refuses new ones, until the next switch.
    pub(crate) async fn refuse(&self) {
        let accepting = self.accepting.lock().unwrap().take();
        if let Some(accepting) = accepting {
            accepting.abort();
            // The port is free when the task has gone.
            let _ = accepting.await;
        }
    }

    fn switch(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap() = manner;
        self.shared.orders.send_modify(|orders| orders.switches += 1);
        self.listen();
    }

    /// Listens, if it does not yet.
    fn listen(&self) {
        self.accepting.lock().unwrap().get_or_insert_with(|| {
            let listener = std::net::TcpListener::bind(self.address).unwrap();
            listener.set_nonblocking(true).unwrap();
            let listener = TcpListener::from_std(listener).unwrap();
            tokio::spawn(accept(listener, Arc::clone(&self.shared)))
        });
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let Some(accepting) = self.accepting.get_mut().unwrap() {
            accepting.abort();
        }
    }
}

/// Owns the connections, so that they end with it.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(connection::serve(client, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

impl Shared {
    fn fate(&self, command: &Bytes) -> Fate {
        match &*self.manner.lock().unwrap() {
            Manner::BlackHole => Fate::Lose,
            Manner::Answer { only, error } if only.as_ref().is_none_or(|only| *only == name(command)) => {
                Fate::Answer(error.clone())
            }
            Manner::LoseRepliesTo(lost) if *lost == name(command) => Fate::DeliverAndFallSilent,
            _ => Fate::Deliver,
        }
    }

    /// How many bytes of a reply of this length are delivered, and how much later.
    fn treat_reply(&self, length: usize) -> (usize, Duration) {
        match &mut *self.manner.lock().unwrap() {
            Manner::Delay(by) => (length, *by),
            Manner::BlackHole => (0, Duration::ZERO),
            Manner::LoseRepliesAfter(left) => {
                let kept = length.min(*left);
                *left -= kept;
                (kept, Duration::ZERO)
            }
            Manner::Pass | Manner::Answer { .. } | Manner::LoseRepliesTo(_) => (length, Duration::ZERO),
        }
    }
}

/// The name of a command in capitals.
fn name(command: &Bytes) -> String {
    match resp::parse(command.clone()) {
        resp::Reply::List(words) if !words.is_empty() => words[0].text().to_ascii_uppercase(),
        other => other.to_string().to_ascii_uppercase(),
    }
}
